"""Translates a line in another language to English text that the English grammar parses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from todo_assistant.commands.languages.patterns import Places, Sentences, load_sentences
from todo_assistant.phrases.languages.lexicon import LANGUAGES
from todo_assistant.phrases.languages.replies import read_list_number
from todo_assistant.phrases.languages.tokens import fold
from todo_assistant.phrases.languages.translation import find_phrases, translate_phrase

_MARKS: Final = " ?!.\u061f\u06d4\u0964\u00bf\u00a1,"
"""Marks around a command that are dropped, with those of Spanish, Urdu and Hindi."""
_FIELDS: Final = re.compile(r"(?:[#@/][^\s#@/]+\s*)+")
"""Matches words that are only tags and projects: `#home /work`."""
_WRITTEN_DATE: Final = re.compile(r"\d[\d.:/-]*")
"""Matches a date in digits, which needs no translation."""


@dataclass(frozen=True, slots=True)
class TranslatedLine:
    """A command in another language, in English: `delete "Milch"` for `lösche Milch`.

    If no command of the language fits, `english` is None and `help` is the answer.
    """

    english: str | None
    help: str
    is_uncertain: bool = False
    """True if the line may also be a new todo."""


def translate_command(line: str) -> TranslatedLine | None:
    """Returns a line that begins or ends like a command of another language in English, or None for other lines.

    `line` must be in the normal form NFC, with single spaces.
    """
    for language in LANGUAGES:
        sentences = load_sentences(language)
        words = _strip_polite_words(line.strip(_MARKS), sentences)
        folded = fold(words)
        for pattern in sentences.candidates(folded):
            for places in pattern.match(folded, words):
                if english := _fill(pattern.english, places, sentences):
                    return TranslatedLine(english, sentences.help, is_uncertain=pattern.is_uncertain)
    return _refuse(line)


def translate_dates(line: str) -> str:
    """Returns a line with its dates and recurrences in English: `Milch kaufen tomorrow at 17:00`."""
    for phrase in reversed(find_phrases(line)):
        line = f"{line[: phrase.start]}{phrase.english}{line[phrase.end :]}"
    return line


def _refuse(line: str) -> TranslatedLine | None:
    """Returns the answer in the language of which the line begins with a verb of command, or None."""
    first = fold(line.strip(_MARKS)).split(" ", 1)[0].rstrip(":")
    for language in LANGUAGES:
        sentences = load_sentences(language)
        if first in sentences.verbs:
            return TranslatedLine(None, sentences.help)
    return None


def _strip_polite_words(words: str, sentences: Sentences) -> str:
    folded = fold(words)
    for polite in sentences.polite:
        if folded.startswith(f"{polite} ") or folded.startswith(f"{polite}, "):
            return words[len(polite) :].strip(_MARKS)
        if folded.endswith(f" {polite}"):
            return words[: -len(polite)].strip(_MARKS)
    return words


def _fill(english: str, places: Places, sentences: Sentences) -> str | None:
    """Returns the English command with the words of the line in its places, or None if a place does not fit."""
    for name, words in places:
        if (value := next(_translate_place(name, words, sentences), None)) is None:
            return None
        english = english.replace(f"{{{name}}}", value)
    return english


def _translate_place(name: str, words: str, sentences: Sentences) -> Iterator[str]:
    """Yields the English words for one place of a sentence, if they fit it."""
    match name:
        case "target":
            yield _translate_target(words, sentences)
        case "date":
            yield from translate_phrase(words)
            if _WRITTEN_DATE.fullmatch(words):
                yield words
        case "tags":
            if _FIELDS.fullmatch(words):
                yield words
        case _:
            yield translate_dates(words)


def _translate_target(words: str, sentences: Sentences) -> str:
    """Returns the English words for the todos that a command changes; a title stays as typed, in quotes."""
    folded = fold(words)
    if folded in sentences.targets and "{rest}" not in sentences.targets[folded]:
        return sentences.targets[folded]
    if (number := read_list_number(folded)) is not None:
        return number
    for start, english in sentences.targets.items():
        if "{rest}" in english and folded.startswith(f"{start} "):
            return english.replace("{rest}", words[len(start) :].strip())
    for article in sentences.articles:
        if folded.startswith(f"{article} ") or (article.endswith("'") and folded.startswith(article)):
            words = words[len(article) :].strip()
            break
    is_plain = not re.search(r"[\"“”#@/]", words)
    return f'"{words}"' if is_plain else words
