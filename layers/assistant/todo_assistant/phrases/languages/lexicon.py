"""Loads the words of a language from its file."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from todo_assistant.phrases.languages.tokens import fold_words

LANGUAGES: Final = (
    *("german", "spanish", "french", "portuguese", "italian"),
    *("urdu", "hindi", "roman_hindustani"),
)
"""Names of the files without suffix, in the order in which languages are preferred for a text that fits several."""
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)

type Meaning = tuple[tuple[str, str], ...]
"""Pairs of a kind and an English value: `day` and `tomorrow`, then `part` and `morning` for `morgen früh`."""
type Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of a language for dates, times and recurrences, and its sentences."""

    language: str
    """The name of its file without suffix."""
    meanings: dict[str, list[tuple[Words, Meaning]]]
    """The phrases by their first word, the longest first, each with its meaning."""
    words: frozenset[str]
    """All words of these phrases."""
    months: frozenset[str]
    has_24_hours: bool
    """True if a time such as `9 Uhr` is a time of the morning."""
    has_dotted_days: bool
    """True if `5.` is the fifth day of a month, as in German."""
    has_lowercase_days: bool
    """True if `Domingo` within a line is a name, because days begin with a small letter."""
    min_evidence: int
    """The number of its words that a text must have to count as this language."""
    title_words: frozenset[Words]
    """Words after which a day belongs to a title, as in `guten Morgen`."""
    next_weekday: str
    """The English word for `next` in front of a weekday: `next` or `coming`."""
    sentences: dict[str, Any]
    replies: dict[str, str]


@cache
def load_lexicon(language: str) -> Lexicon:
    """Returns the words of a language in LANGUAGES. The first call reads its file, in a few milliseconds."""
    import tomllib  # noqa: PLC0415 - on first use, as a cold start does not need it

    text = (files("todo_assistant.phrases.languages") / f"{language}.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    meanings: dict[str, list[tuple[Words, Meaning]]] = {}
    for phrase, meaning in _read_meanings(data):
        words = fold_words(phrase)
        meanings.setdefault(words[0], []).append((words, meaning))
    for phrases in meanings.values():
        phrases.sort(key=lambda entry: -len(entry[0]))
    return Lexicon(
        language=language,
        meanings=meanings,
        words=frozenset(word for phrases in meanings.values() for words, _ in phrases for word in words),
        months=frozenset(word for word, phrases in meanings.items() if phrases[-1][1][0][0] == "month"),
        has_24_hours=data["clock_hours"] == 24,  # noqa: PLR2004 - hours of a day
        has_dotted_days=data["has_dotted_days"],
        has_lowercase_days=data.get("has_lowercase_days", False),
        min_evidence=data.get("min_evidence", 1),
        title_words=frozenset(map(fold_words, split_list(data["title_words"]))),
        next_weekday=data["next_weekday"],
        sentences=data["sentences"],
        replies=data["replies"],
    )


def split_list(words: str) -> list[str]:
    """Splits the words of a list in a file: `heute | morgen`."""
    return [word.strip() for word in words.split("|") if word.strip()]


def split_variants(words: str) -> list[list[str]]:
    """Splits a list in which each place may have several spellings: `samstag, sonnabend | sonntag`."""
    return [[variant.strip() for variant in place.split(",")] for place in words.split("|")]


def _read_meanings(data: dict[str, Any]) -> Iterator[tuple[str, Meaning]]:
    """Yields each phrase of a file with its meaning."""
    numbers = tuple(str(number) for number in range(1, 13))
    for kind, key, values in (
        ("weekday", "weekdays", _WEEKDAYS),
        ("plural", "weekday_plurals", _WEEKDAYS),
        ("weak_weekday", "weak_weekdays", _WEEKDAYS),
        ("month", "months", _MONTHS),
        ("number", "numbers", numbers),
    ):
        places = split_variants(data[key]) if data.get(key) else []
        for value, variants in zip(values, places, strict=bool(places)):
            yield from ((variant, ((kind, value),)) for variant in variants if variant)
    for kind, table in data["words"].items():
        for value, phrases in table.items() if isinstance(table, dict) else [("", table)]:
            meaning = _read_compound(value) if kind == "compound" else ((kind, value),)
            yield from ((phrase, meaning) for phrase in split_list(phrases))
    yield from ((phrase, (("break", ""),)) for phrase in split_list(data["breaks"]))


def _read_compound(value: str) -> Meaning:
    """Returns the two meanings of a day and a part of the day: `tomorrow morning`."""
    day, _, part = value.rpartition(" ")
    return ("day", day), ("part", part)
