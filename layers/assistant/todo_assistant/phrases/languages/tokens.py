"""Splits a line into words, numbers and punctuation, in a spelling in which words of all languages are compared."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from todo_assistant.phrases.patterns import Pattern

_LAST_LATIN: Final = "\u024f"
_ARABIC_VARIANTS: Final = {
    "\u064a": "\u06cc",
    "\u0643": "\u06a9",
    "\u0647": "\u06c1",
    "\u0629": "\u06c1",
    "\u0649": "\u06cc",
}
"""Letters of Arabic keyboards by the letters of Urdu that look the same."""
_VARIANTS: Final = _ARABIC_VARIANTS | {"\u0901": "\u0902", "\u2019": "'"}
"""Characters with two spellings; in Hindi, the dot stands for the crescent with a dot."""
_MARKS: Final = (
    "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u200c\u200d"
)
"""Vowel signs and joiners, which belong to words although they are no letters for `re`."""
LETTERS: Final = rf"\w{_MARKS}"
"""Characters of words, for a character class: letters, digits, vowel signs and other marks."""
_TOKEN: Final = Pattern(
    rf"(?P<iso>\d{{4}}-\d\d-\d\d(?:t[\d:]+)?)"
    r"|(?P<time>\d{1,2}(?: ?h ?|:)[0-5]\d(?![\d:]))"
    r"|(?P<hour>\d{1,2} ?h(?!\w))"
    r"|(?P<dotted>\d{1,2}\.\d\d(?![\d.]))"
    r"|(?P<numeric>\d{1,2}(?:\.\d{1,2}\.(?:\d{4}|\d\d)?|/\d{1,2}(?:/(?:\d{4}|\d\d))?)(?![\d/]))"
    r"|(?P<ordinal>\d{1,2}(?:\.(?=\s\S)|(?:er|[\u00ba\u00aa\u00b0])(?!\w)))"
    r"|(?P<year>(?:19|20)\d\d(?!\w))"
    r"|(?P<number>\d+)"
    rf"|(?P<field>[#@/!][^\s#@/!]+|p[1-4](?!\w))"
    rf"|(?P<word>[^\W\d_][{LETTERS}]*)"
    r"|(?P<comma>,|\u060c)"
    r"|(?P<mark>[^\s'\u2019-]|(?<=\s)-(?=\s))"
)
"""Matches one token of a folded text. Apostrophes and hyphens within words separate words, as a space does."""
_BETWEEN_WORDS: Final = Pattern(r"[\s'\u2019-]+")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or mark of a text. `kind` is the name of its group in the pattern of tokens."""

    kind: str
    text: str
    start: int
    end: int


def fold(text: str) -> str:
    """Returns the text in lower case, without accents of Latin letters, with ASCII digits. The length stays the same.

    The text must be in the normal form NFC.
    """
    return "".join(map(_fold_character, text))


def split_tokens(text: str) -> Iterator[Token]:
    """Yields the tokens of a folded text."""
    for found in _TOKEN.finditer(text):
        yield Token(str(found.lastgroup), found[0], found.start(), found.end())


def fold_words(phrase: str) -> tuple[str, ...]:
    """Returns the folded words of a phrase in a file of words: `fin`, `de` and `ano` for `fin de año`.

    The phrase has neither punctuation nor times.
    """
    return tuple(_BETWEEN_WORDS.split(fold(unicodedata.normalize("NFC", phrase)).strip(" '")))


@lru_cache(maxsize=1024)
def _fold_character(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if character > _LAST_LATIN:
        return _VARIANTS.get(character, character)
    return unicodedata.normalize("NFD", character)[0].lower()
