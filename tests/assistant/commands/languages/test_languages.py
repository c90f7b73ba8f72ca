"""Lines in other languages are parsed as expected, and English lines as if the other languages did not exist."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.assistant.commands.phrase_table import Phrase, load_phrases
from todo_assistant.commands.grammar.commands import Add, Complete, Incomplete, Reschedule
from todo_assistant.commands.grammar.other_languages import parse_other_language
from todo_assistant.commands.grammar.parser import parse_command
from todo_assistant.phrases.languages.lexicon import LANGUAGES, load_lexicon

FOLDER = Path(__file__).parent
TABLES = (*LANGUAGES, "titles")
MIN_ROWS = 20
DOCUMENT = Path(__file__).parents[4] / "docs" / "commands.md"
NOW = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)


def rows_of(table: str) -> list[Phrase]:
    return list(load_phrases([FOLDER / f"{table}.toml"]))


def parsed_row(phrase: Phrase, table: str) -> dict[str, Any]:
    """Returns the row of a phrase's command. The answer `help` is the sentence of the table's language."""
    command = parse_command(phrase.say, now=phrase.now, timezone=phrase.timezone)
    if isinstance(command, Incomplete) and not command.options:
        return {"answer": "help" if command.answer == load_lexicon(table).sentences["help"] else command.answer}
    return phrase.parsed_row()


@pytest.mark.parametrize("table", TABLES)
def test_each_line_is_parsed_as_expected(table: str) -> None:
    rows = [(phrase.say, parsed_row(phrase, table), phrase.expected) for phrase in rows_of(table)]

    assert [row for row in rows if row[1] != row[2]] == []
    assert len(rows) >= MIN_ROWS


def test_each_english_line_is_parsed_by_the_english_rules() -> None:
    lines = [" ".join(phrase.say.split()) for phrase in load_phrases()]

    assert [line for line in lines if parse_other_language(line, pytest.fail)] == []


def test_the_examples_of_the_document_are_understood() -> None:
    section = DOCUMENT.read_text(encoding="utf-8").partition("## Other languages")[2].partition("\n## ")[0]
    rows = [re.findall(r"`(.+?)`", line) for line in section.splitlines() if line.startswith("| ")][1:]
    commands = [[type(parse_command(text, now=NOW, timezone=ZoneInfo("UTC"))) for text in row] for row in rows]

    assert len(rows) == len(LANGUAGES)
    assert commands == [[Add, Complete, Reschedule]] * len(LANGUAGES)
