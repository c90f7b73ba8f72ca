"""Translates a line in another language to English text that the English grammar parses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from todo_assistant.commands.languages.patterns import Places, Sentences, edge_words, known_words, load_sentences
from todo_assistant.phrases.languages.lexicon import LANGUAGES
from todo_assistant.phrases.languages.replies import LAST, read_list_number
from todo_assistant.phrases.languages.tokens import fold
from todo_assistant.phrases.languages.translation import find_phrases, translate_phrase

_MARKS: Final = " ?!.\u061f\u06d4\u0964\u00bf\u00a1,"
"""Marks around a command that are dropped, with those of Spanish, Urdu and Hindi."""
_FIELDS: Final = re.compile(r"(?:[#@/][^\s#@/]+\s*)+")
"""Matches words that are only tags and projects: `#home /work`."""
_NUMBERS: Final = re.compile(r"\d{1,4}")
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
    candidates = _find_candidates(line)
    bare = line.strip(_MARKS)
    for sentences in candidates:
        for words in dict.fromkeys((_strip_polite_words(bare, sentences), bare)):
            if translated := _translate(words, sentences):
                return translated
    first, last = _edge_words(line)
    refusing = (each for each in candidates if first in each.verbs | each.questions or last in each.final_verbs)
    return next((TranslatedLine(None, sentences.help) for sentences in refusing), None)


def _translate(words: str, sentences: Sentences) -> TranslatedLine | None:
    folded = fold(words)
    for pattern in sentences.candidates(folded):
        for places in pattern.match(folded, words):
            if english := _fill(pattern.english, places, sentences):
                return TranslatedLine(english, sentences.help, is_uncertain=pattern.is_uncertain)
    return None


def _count_words(line: str, sentences: Sentences) -> int:
    """Returns how many words of a line are among the words of a language."""
    known = known_words(sentences.language)
    return sum(word in known for word in fold(line.strip(_MARKS)).split())


def _find_candidates(line: str) -> list[Sentences]:
    """Returns the sentences of each language that has the first or the last word of a line, the likeliest first."""
    edges = set(_edge_words(line))
    found = [load_sentences(language) for language in LANGUAGES if not edges.isdisjoint(edge_words(language))]
    return sorted(found, key=lambda sentences: -_count_words(line, sentences))


def _edge_words(line: str) -> tuple[str, str]:
    """Returns the folded first and last word of a line."""
    words = fold(line.strip(_MARKS)).split() or [""]
    return words[0].rstrip(":,"), words[-1]


def translate_dates(line: str, *, language: str | None = None, masked: str | None = None) -> str:
    """Returns a line with its dates and recurrences in English: `Milch kaufen tomorrow at 17:00`.

    `language` is the language of the line, if known. `masked` is the line with other characters in its quotes, where
    no date is searched. The default is the line.
    """
    for phrase in reversed(find_phrases(masked or line, language)):
        line = f"{line[: phrase.start]}{phrase.english}{line[phrase.end :]}"
    return line


def help_for_question(line: str) -> str | None:
    """Returns the sentence that says which commands are understood, if a line has a date in another language."""
    phrases = find_phrases(line)
    return load_sentences(phrases[0].language).help if phrases else None


def _strip_polite_words(words: str, sentences: Sentences) -> str:
    folded = fold(words)
    for polite in sentences.polite:
        if folded.startswith((f"{polite} ", f"{polite}, ")):
            return words[len(polite) :].strip(_MARKS)
        if folded.endswith(f" {polite}"):
            return words[: -len(polite)].strip(_MARKS)
    return words


def _fill(english: str, places: Places, sentences: Sentences) -> str | None:
    """Fills the places of an English command with the words of the line. Returns None if a place does not fit."""
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
            yield from translate_phrase(words, sentences.language)
            if _WRITTEN_DATE.fullmatch(words):
                yield words
        case "tags":
            if _FIELDS.fullmatch(words):
                yield words
        case "title":
            yield words
        case _:
            yield translate_dates(words, language=sentences.language)


def _translate_target(words: str, sentences: Sentences) -> str:
    """Returns the English words for the todos that a command changes; a title stays as typed, in quotes."""
    words = _strip_polite_words(words, sentences)
    folded = fold(words)
    if folded in sentences.targets:
        return sentences.targets[folded]
    if _NUMBERS.fullmatch(folded):
        return folded
    if (number := read_list_number(folded)) is not None:
        return "the last one" if number == LAST else number
    for start in sentences.all_of:
        if folded.startswith(f"{start} "):
            return f"all {words[len(start) :].strip()}"
    words = _strip_ending(words, sentences).strip(" :")
    for article in sentences.articles:
        if folded.startswith(f"{article} ") or (article.endswith("'") and folded.startswith(article)):
            words = words[len(article) :].strip()
            break
    is_plain = not re.search(r"[\"“”#@/]", words)
    return f'"{words}"' if is_plain else words


def _strip_ending(words: str, sentences: Sentences) -> str:
    """Removes `von meiner Liste` from the end of a target."""
    folded = fold(words)
    for ending in sentences.endings:
        if folded.endswith(f" {ending}"):
            return words[: -len(ending)].strip()
    return words
