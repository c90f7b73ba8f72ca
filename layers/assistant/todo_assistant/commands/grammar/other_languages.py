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
    Help,
    Incomplete,
    NewTodo,
    Unknown,
)
from todo_assistant.commands.grammar.quotes import mask_quotes
from todo_assistant.commands.languages.sentences import TranslatedLine, translate_command, translate_dates

type ParseEnglish = Callable[[str], Command]
"""A function that parses a line in English."""

_QUESTION_MARKS: Final = ("?", "\u061f", "\uff1f")
"""Question marks of Latin, Arabic and Chinese text."""


def parse_other_language(line: str, parse_english: ParseEnglish) -> Command | None:
    """Returns the command of a line in another language, or None for English and for a title without a date.

    `line` has single spaces. A title keeps its words; only dates and recurrences are taken out.
    """
    text = unicodedata.normalize("NFC", line)
    if translated := translate_command(text):
        return _parse_translated(text, translated, parse_english)
    if text.endswith(_QUESTION_MARKS):
        return None if text.endswith("?") else Unknown(line)
    return _parse_new_todo(text, parse_english)


def _parse_translated(text: str, translated: TranslatedLine, parse_english: ParseEnglish) -> Command:
    """Returns the command of the English translation, or the answer that says which sentences are understood."""
    command = parse_english(translated.english) if translated.english else None
    if isinstance(command, Either):
        command = command.change
    if translated.is_uncertain and isinstance(command, Complete | Delete):
        return _parse_new_todo(text, parse_english) or Either(command, Add((NewTodo(text),)))
    if command is None or isinstance(command, Help | Unknown):
        return Incomplete(translated.help)
    return command


def _parse_new_todo(text: str, parse_english: ParseEnglish) -> Add | None:
    """Returns the new todo of a line with a date in another language.

    Returns None without such a date, and if a word of the translation would end up in the title.
    """
    english = translate_dates(text, masked=mask_quotes(text))
    if english == text:
        return None
    added = parse_english(english)
    typed = set(text.split())
    if not isinstance(added, Add) or any(word not in typed for todo in added.todos for word in todo.title.split()):
        return None
    return added
