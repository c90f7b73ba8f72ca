"""Compares the words of a user with titles of todos.

A title fits if it contains all words of the user. Capitals, accents, punctuation, articles and the order of the words
make no difference, and singular and plural are equal. A near title fits only by beginnings of words or after typing
mistakes: no command changes its todo without a question.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

_MAX_TITLE_WORDS: Final = 24
"""Words of a title that are searched for beginnings and typing mistakes."""
_MAX_TYPED_WORDS: Final = 12
"""Words of the user for which beginnings and typing mistakes are accepted."""
_MAX_COMPARED_PAIRS: Final = 1_000
"""Pairs of words whose mistakes are counted for one text, which takes about 20 ms."""
_MIN_BEGINNING_CHARACTERS: Final = 3
_MIN_PLURAL_CHARACTERS: Final = 4
_MIN_MISTYPED_CHARACTERS: Final = 3
_MIN_CHARACTERS_FOR_TWO_MISTAKES: Final = 8
_MAX_MISTYPED_CHARACTERS: Final = 30
_MAX_SEARCHED_CHARACTERS: Final = 200
"""Bound of the search tool for its text."""

_ASCII_WORD: Final = re.compile(r"[a-z0-9]+")
"""Finds the same words as `_WORD` in ASCII text of lower case, several times faster."""
# `\w` lacks the vowel signs of Arabic and Indic scripts, which would split their words.
_WORD: Final = re.compile(r"(?:[^\W_]|[\u0300-\u036f\u064b-\u065f\u0900-\u0dff])+")
_ACCENT: Final = re.compile(r"[\u0300-\u036f]")
_POSSESSIVE: Final = re.compile(r"['\u2019]s\b|(?<=s)['\u2019](?!\w)")
_APOSTROPHE: Final = re.compile(r"['\u2019]")
_IGNORED_WORDS: Final = frozenset({"a", "an", "the", "my", "our", "your", "his", "her", "its", "their"})
_NOT_PLURAL: Final = frozenset({"news", "lens", "always", "perhaps", "series", "species", "tennis", "does"})
"""Words that end with `s` in the singular. Words with the endings `ss`, `us` and `is` need no entry."""
_ENDINGS_BEFORE_ES: Final = ("s", "x", "z", "ch", "sh", "o")


def split_words(text: str) -> tuple[str, ...]:
    """Returns the words of a text that count in a comparison, in lower case and without accents.

    A text of ignored words alone keeps them. A text without letters and digits is one word.
    """
    plain = text.casefold()
    is_ascii = plain.isascii()
    if not is_ascii:
        plain = unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFKD", plain)))
    if _APOSTROPHE.search(plain):
        plain = _APOSTROPHE.sub("", _POSSESSIVE.sub("", plain))
    words = (_ASCII_WORD if is_ascii else _WORD).findall(plain)
    return tuple(word for word in words if word not in _IGNORED_WORDS) or tuple(words) or (plain.strip(),)


def write_search(text: str) -> str:
    """Returns beginnings of words by which the search tool finds each todo whose title fits the text."""
    return _join([_find_beginning(word) for word in split_words(text)])


def write_word_search(text: str) -> str:
    """Returns the words of a text, by which the search tool finds each todo with these words in its title."""
    return _join(split_words(text))


class TitleMatcher:
    """Decides which titles fit a text. The work for typing mistakes is bounded for all titles together."""

    def __init__(self, text: str) -> None:
        words = split_words(text)
        self._joined = "".join(words)
        self._forms = [_forms(word) for word in words]
        self._words = set(words)
        self._known_pairs: dict[tuple[str, str], bool] = {}

    @property
    def has_long_word(self) -> bool:
        """Returns whether some word is long enough to stand for a longer one."""
        return any(len(word) >= _MIN_BEGINNING_CHARACTERS for word in self._words)

    def is_equal(self, title: str) -> bool:
        """Returns whether the title has the words of the text and no others, in their order."""
        title_words = split_words(title)
        return "".join(title_words) == self._joined or (
            len(title_words) == len(self._forms)
            and all(forms & _forms(word) for forms, word in zip(self._forms, title_words, strict=True))
        )

    def fits(self, title: str) -> bool:
        """Returns whether the title contains each word of the text as a whole word."""
        title_forms = _all_forms(split_words(title))
        return all(forms & title_forms for forms in self._forms)

    def is_near(self, title: str) -> bool:
        """Returns whether the title fits by beginnings or after typing mistakes, or is itself a part of the text."""
        title_words = split_words(title)[:_MAX_TITLE_WORDS]
        typed_forms = set().union(*self._forms)
        if all(_forms(word) & typed_forms for word in title_words):
            return True
        title_forms = _all_forms(title_words)
        return len(self._words) <= _MAX_TYPED_WORDS and all(
            _forms(word) & title_forms
            or any(_begins(word, other) or self._is_mistyped(word, other) for other in title_forms)
            for word in self._words
        )

    def _is_mistyped(self, word: str, other: str) -> bool:
        most = _allowed_mistakes(word)
        if most == 0 or not 0 < len(other) <= _MAX_MISTYPED_CHARACTERS or abs(len(word) - len(other)) > most:
            return False
        known = self._known_pairs.get((word, other))
        if known is None:
            is_within_bound = len(self._known_pairs) < _MAX_COMPARED_PAIRS
            known = is_within_bound and other.isalpha() and count_mistakes(word, other, most=most) <= most
            self._known_pairs[word, other] = known
        return known


def count_mistakes(first: str, second: str, *, most: int) -> int:
    """Returns the number of letters that differ: added, missing, replaced, or swapped with their neighbour.

    Returns `most + 1` for each larger number.
    """
    previous: list[int] = []
    row = list(range(len(second) + 1))
    for index, letter in enumerate(first):
        before, previous = previous, row
        row = [index + 1]
        for column, other in enumerate(second):
            best = min(previous[column + 1] + 1, row[column] + 1, previous[column] + (letter != other))
            if index and column and letter == second[column - 1] and first[index - 1] == other:
                best = min(best, before[column - 1] + 1)
            row.append(best)
        if min(row) > most and min(previous) > most:
            return most + 1
    return min(row[-1], most + 1)


def _join(words: Sequence[str]) -> str:
    """Returns the first words that fit into the text of the search tool, separated by spaces."""
    searched = words[0][:_MAX_SEARCHED_CHARACTERS]
    for word in words[1:]:
        if len(searched) + 1 + len(word) > _MAX_SEARCHED_CHARACTERS:
            break
        searched += f" {word}"
    return searched


def _forms(word: str) -> set[str]:
    """Returns the word and its possible singulars: `houses`, `house` and `hous` for `houses`."""
    if len(word) < _MIN_PLURAL_CHARACTERS or not word.endswith("s") or word in _NOT_PLURAL:
        return {word}
    forms = {word} if word.endswith(("ss", "us", "is")) else {word, word[:-1]}
    if word.endswith("ies"):
        forms.add(f"{word[:-3]}y")
    elif word.endswith("es") and word[:-2].endswith(_ENDINGS_BEFORE_ES):
        forms.add(word[:-2])
    return forms


def _all_forms(words: Sequence[str]) -> set[str]:
    return set(words).union(*(_forms(word) for word in words if word.endswith("s")))


def _find_beginning(word: str) -> str:
    """Returns the characters with which the singular and the plural of a word begin: `berr` for `berries`."""
    shortest = min(_forms(word), key=len)
    return shortest[:-1] if len(shortest) >= _MIN_PLURAL_CHARACTERS and shortest.endswith("y") else shortest


def _begins(beginning: str, word: str) -> bool:
    return len(beginning) >= _MIN_BEGINNING_CHARACTERS and word.startswith(beginning)


def _allowed_mistakes(word: str) -> int:
    if not _MIN_MISTYPED_CHARACTERS <= len(word) <= _MAX_MISTYPED_CHARACTERS or not word.isalpha():
        return 0
    return 2 if len(word) >= _MIN_CHARACTERS_FOR_TWO_MISTAKES else 1
