"""The table of phrases, and the document that tells people what it does not hold."""

import re
from pathlib import Path

import pytest

from tests.assistant.commands.phrase_table import phrases
from todo_assistant.commands.grammar.commands import Unknown
from todo_assistant.commands.grammar.parser import parse_command

TABLE = list(phrases())
MISSES = [phrase for phrase in TABLE if phrase.known_miss]
DOCUMENT = Path(__file__).parents[3] / "docs" / "commands.md"
TYPED = re.findall(r"^\| (`.+?`) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
EXAMPLES = [example for cell in TYPED for example in re.findall(r"`(.+?)`", cell)]


def test_each_phrase_is_read_as_it_is_meant() -> None:
    wrong = [phrase for phrase in TABLE if not (phrase.is_right or phrase.known_miss)]

    assert [(phrase.say, phrase.row(), phrase.expected) for phrase in wrong] == []


def test_each_known_miss_is_one_still() -> None:
    assert [phrase.say for phrase in MISSES if phrase.is_right] == [], "It is read right now: take the known_miss away"


def test_at_least_95_of_100_phrases_are_read_exactly_right() -> None:
    right = [phrase for phrase in TABLE if phrase.is_right]

    assert len(TABLE) >= 900
    assert len(right) / len(TABLE) >= 0.95


def test_no_phrase_is_counted_twice() -> None:
    said = [(phrase.say, phrase.now) for phrase in TABLE]

    assert len(said) == len(set(said))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_document_are_understood(example: str) -> None:
    command = parse_command(example, now=TABLE[0].now, timezone=TABLE[0].timezone)

    assert not isinstance(command, Unknown)


def test_the_known_misses_are_told_to_users() -> None:
    _, _, section = DOCUMENT.read_text(encoding="utf-8").partition("## What it gets wrong")
    told = [line for line in section.splitlines() if line.startswith("- ")]

    assert told == [f"- `{phrase.say}`: {phrase.known_miss}" for phrase in MISSES]
