"""Phrases of the TOML files are parsed as expected, except known misses. Those of docs/commands.md are understood."""

import re
from pathlib import Path

import pytest

from tests.assistant.commands.phrase_table import load_phrases
from todo_assistant.commands.grammar.commands import Unknown
from todo_assistant.commands.grammar.parser import parse_command

TABLE = list(load_phrases())
MISSES = [phrase for phrase in TABLE if phrase.known_miss]
DOCUMENT = Path(__file__).parents[3] / "docs" / "commands.md"
FIRST_CELLS = re.findall(r"^\| (`.+?`) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
EXAMPLES = [example for cell in FIRST_CELLS for example in re.findall(r"`(.+?)`", cell)]


def test_each_phrase_is_parsed_as_expected() -> None:
    wrong = [phrase for phrase in TABLE if not (phrase.is_right or phrase.known_miss)]

    assert [(phrase.say, phrase.parsed_row(), phrase.expected) for phrase in wrong] == []


def test_each_known_miss_is_still_parsed_wrongly() -> None:
    assert [phrase.say for phrase in MISSES if phrase.is_right] == [], (
        "These phrases are parsed as expected now: delete their known_miss"
    )


def test_at_least_95_percent_of_the_phrases_are_parsed_exactly_right() -> None:
    right = [phrase for phrase in TABLE if phrase.is_right]

    assert len(TABLE) >= 1_700
    assert len(right) / len(TABLE) >= 0.95


def test_no_phrase_is_in_the_table_twice() -> None:
    typed = [(phrase.say, phrase.now) for phrase in TABLE]

    assert len(typed) == len(set(typed))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_document_has_only_examples_that_are_understood(example: str) -> None:
    command = parse_command(example, now=TABLE[0].now, timezone=TABLE[0].timezone)

    assert not isinstance(command, Unknown)


def test_the_document_lists_all_known_misses() -> None:
    _, _, section = DOCUMENT.read_text(encoding="utf-8").partition("## Known limits")
    listed = [line for line in section.splitlines() if line.startswith("- ")]

    assert listed == [f"- `{phrase.say}`: {phrase.known_miss}" for phrase in MISSES]
