"""Parses a line in another language than English, by way of its translation to English."""

import unicodedata
from collections.abc import Callable
from typing import Final

from todo_assistant.commands.grammar.commands import (
    Add,
    Command,
    Complete,
    Delete,
    Either,
    Filter,
    Find,
    Help,
    Incomplete,
    NewTodo,
    Overview,
    Unknown,
)
from todo_assistant.commands.grammar.quotes import mask_quotes
from todo_assistant.commands.languages.sentences import (
    TranslatedLine,
    help_for_question,
    translate_command,
    translate_dates,
)

type ParseEnglish = Callable[[str], Command]
"""A function that parses a line in English."""

_MAX_CHARACTERS: Final = 600
"""Longest line that is parsed, to bound the time."""
_QUESTION_MARKS: Final = ("?", "\u061f", "\uff1f")
"""Question marks of Latin, Arabic and Chinese text."""
_PUNCTUATION: Final = ",.;:!?()-\u2013\u2014"
"""Marks that may be left out of a title together with a date."""


def parse_other_language(line: str, parse_english: ParseEnglish) -> Command | None:
    """Returns the command of a line in another language, or None for English and for a title without a date.

    `line` has single spaces. A title keeps its words; only dates and recurrences are taken out.
    """
    if len(line) > _MAX_CHARACTERS:
        return None
    text = unicodedata.normalize("NFC", line)
    if translated := translate_command(text):
        return _parse_translated(text, translated, parse_english)
    if text.endswith(_QUESTION_MARKS):
        answer = help_for_question(text)
        return Incomplete(answer) if answer else Unknown(line) if not text.endswith("?") else None
    return _parse_new_todo(text, parse_english)


def _parse_translated(text: str, translated: TranslatedLine, parse_english: ParseEnglish) -> Command:
    """Returns the command of the English translation, or the answer that says which sentences are understood."""
    command = parse_english(translated.english) if translated.english else None
    if isinstance(command, Either):
        command = command.change
    is_question = text.endswith(_QUESTION_MARKS)
    if translated.is_uncertain and isinstance(command, Complete | Delete) and not is_question:
        added = _parse_new_todo(text, parse_english)
        return added or Either(command, Add((NewTodo(text),)))
    if command is None or isinstance(command, Help | Unknown):
        return Incomplete(translated.help)
    return command


def _parse_new_todo(text: str, parse_english: ParseEnglish) -> Command | None:
    """Returns the new todo of a line with a date in another language. A date alone lists the todos of its day.

    Returns None without such a date, and if a word of the translation would end up in the title.
    """
    english = translate_dates(text, masked=mask_quotes(text))
    if english == text:
        return None
    match parse_english(english):
        case Add(todos) as added if _words_of(" ".join(todo.title for todo in todos)) <= _words_of(text):
            return added
        case Find(Filter(text=None)) | Overview() as listed:
            return listed
        case _:
            return None


def _words_of(text: str) -> set[str]:
    return {word.strip(_PUNCTUATION) for word in text.split()}
