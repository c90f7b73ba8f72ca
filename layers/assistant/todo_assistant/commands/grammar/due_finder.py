"""Finds the due date among the words of a todo's text. Other words that could be dates stay in the title."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from todo_assistant.commands.grammar.spans import CLAUSE_END, END, ONLY_FIELDS, START, FoundPhrase, IsReadable
from todo_assistant.phrases.vocabulary import (
    CLOCK,
    COUNT,
    DAYS,
    DIGITAL,
    HOLIDAY,
    HOUR,
    HOURS,
    MONTH,
    PART,
    TOMORROW,
    WEEKDAY,
)

_MAX_CANDIDATES: Final = 8
"""Number of possible days or times that are parsed, the last ones first, to bound the parsing time."""

_YEAR: Final = r"(?:,? (?:\d{4}|'\d\d)(?![\d:]))?"
"""Matches the year after a day and a month, or no year: `, 2030`, ` '30`."""
_MONTH_AND_DAY: Final = (
    rf"(?:{MONTH}\.? (?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?![\d:.]\d){_YEAR}"
    rf"|(?:the )?(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?: of)? {MONTH}{_YEAR})"
)
"""Matches a date with the name of its month: `jan 3`, `3rd of january 2030`."""
_CERTAIN: Final = "|".join(
    (
        rf"(?:the )?day after {TOMORROW}",
        r"(?:later )?today|tonight",
        TOMORROW,
        rf"(?:later )?this {PART}",
        rf"(?:this coming|this|next|coming) {WEEKDAY}",
        r"(?:this|next) weekend|next (?:week|month|year)",
        rf"in {HOURS}(?:(?: and)? {HOURS})?(?:'? time)?",
        rf"in {COUNT} {DAYS}(?:'? time)?",
        rf"{COUNT} {DAYS} from (?:now|today|{TOMORROW}|{WEEKDAY})",
        r"\d{4}-\d\d-\d\dt\d\d:\d\d(?::\d\d)?(?:z|[+-]\d\d:\d\d)?|\d{4}-\d\d-\d\d",
        r"\d{1,2}/\d{1,2}/(?:\d{4}|\d\d)|\d{1,2}\.\d{1,2}\.\d{4}",
        rf"(?:{WEEKDAY},? )?{_MONTH_AND_DAY}",
        rf"eo[dwmy]|(?:the )?end of (?:(?:the |this )?(?:day|week|month|year)|next month|{MONTH})",
        rf"mid[ -](?:{MONTH}|next month)",
    )
)
"""Matches words that count as a date without a preposition: `tomorrow`, `next friday`, `in 2 weeks`, `jan 3`."""
_LONG_WEEKDAY: Final = r"(?:monday|tues(?:day)?|wednesday|thu(?:rs(?:day)?)?|fri(?:day)?|saturday|sunday|tue)"
"""Matches names of weekdays that have no other meaning, unlike `mon`, `wed`, `sat` and `sun`."""
_LIKELY: Final = rf"{_LONG_WEEKDAY}|\d{{1,2}}/\d{{1,2}}"
"""Matches days that count as dates unless they seem to describe the next word: `sunday` in `cook sunday roast`."""
_DUE_PREPOSITION: Final = r"(?:(?:(?:is|are) )?due(?: on| by| in|:)?|on|by|until|till?|before)"
"""Matches the words after which an ambiguous word such as `sat` counts as a date: `on`, `by`, `due`."""
_AMBIGUOUS: Final = rf"{WEEKDAY}|{HOLIDAY}|(?:the )?weekend|the \d{{1,2}}(?:st|nd|rd|th)|\d{{1,2}}\.\d{{1,2}}\.(?!\d)"
"""Matches words that may be a date but need a hint, such as the preposition in `on sat` or `by christmas`."""
_DAY: Final = re.compile(
    rf"{START}(?a:"
    rf"(?:(?:{_DUE_PREPOSITION}|for|at) )?(?P<certain>{_CERTAIN})"
    rf"|{_DUE_PREPOSITION} (?P<after_preposition>{_AMBIGUOUS}|{_LIKELY})|(?:at|on) (?P<weekend>the weekend)"
    rf"|(?:in|by|until|till?|before|due(?: in| by)?) (?P<month>{MONTH}(?: \d{{4}})?)"
    rf"|(?:for )?(?P<likely>{_LIKELY})"
    rf"|(?P<ambiguous>{WEEKDAY})"
    rf"){END}",
    re.IGNORECASE,
)
"""Finds a day and its preposition, if any: `tomorrow`, `on sat`, `in june`, `friday`."""
_TIME: Final = re.compile(
    rf"(?a:{START}(?:due:? )?(?:(?:at|around|by|before|until|till?|for) |@ ?)(?P<clock>{CLOCK})"
    rf"|{START}(?P<digital>{DIGITAL})"
    rf"|{START}(?:at |@ ?)(?P<hour>{HOUR})"
    rf"|{START}(?P<dotted>\d{{1,2}}\.(?:00|15|30|45))"
    rf"|{START}(?P<daypart>in the (?:morning|afternoon|evening)|at night)"
    rf"|{START}(?P<part>{PART}|noon|midday|midnight)"
    rf"){END}",
    re.IGNORECASE,
)
"""Finds a time of day and its preposition, if any: `at 5`, `5pm`, `in the morning`."""
_TITLE_WORD: Final = re.compile(
    r"\b(?:mr|mrs|ms|dr|black|good|cyber|palm|easter|after|since|every|each|about|of|the|last|to)\.? $", re.IGNORECASE
)
"""Finds a word that makes the date or time after it part of the title: `the` in `the 5pm train`, `mr.`, `every`."""
_MAX_TITLE_WORD_CHARACTERS: Final = 10
"""Number of characters before a day or time that are searched for `_TITLE_WORD`; its matches are shorter."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Words of a todo's text that may be its due day or its due time."""

    start: int
    end: int
    phrase: str
    needs_neighbor: bool = False
    """True if the words count as a day or time only beside another candidate, as `sat` does in `sat 10am`."""


def find_due(text: str, is_readable: IsReadable) -> FoundPhrase | None:
    """Returns the due date of a text: its last readable day and last readable time of day, joined to one phrase.

    Returns only one of them if the text has no other or the joined phrase cannot be parsed. The words of the text
    must be separated by single spaces.
    """
    days, times = list(_find_days(text)), list(_find_times(text))
    day = _last_readable(days, times, text, is_readable)
    time = _last_readable(times, days if day is None else [day], text, is_readable)
    if day and time and is_readable(f"{day.phrase} {time.phrase}"):
        return FoundPhrase(f"{day.phrase} {time.phrase}", ((day.start, day.end), (time.start, time.end)))
    if last := day or time:
        return FoundPhrase(last.phrase, ((last.start, last.end),), is_only_time=day is None)
    return None


def _last_readable(
    candidates: list[_Candidate], others: list[_Candidate], text: str, is_readable: IsReadable
) -> _Candidate | None:
    """Returns the last candidate that can be parsed, or None.

    A candidate that needs a neighbor counts only if it stands beside one of `others`.
    """
    edges = {edge for other in others for edge in (other.start, other.end)}
    for candidate in candidates[: -_MAX_CANDIDATES - 1 : -1]:
        if candidate.needs_neighbor and not any(_is_beside(candidate, edge, text) for edge in edges):
            continue
        if is_readable(candidate.phrase):
            return candidate
    return None


def _is_beside(candidate: _Candidate, edge: int, text: str) -> bool:
    """Returns whether the candidate stands beside `edge`, the start or end of another one, at most a comma apart."""
    gap = text[edge : candidate.start] if edge <= candidate.start else text[candidate.end : edge]
    return gap in {"", " ", ", "} and (edge <= candidate.start or edge >= candidate.end)


def _find_days(text: str) -> Iterator[_Candidate]:
    for found in _DAY.finditer(text):
        if _is_in_title(found, text):
            continue
        kind = str(found.lastgroup)
        # A weekday with a colon at the start of the text is a heading, and counts as a date: "sat: call mum".
        is_heading = found.start() == 0 and text.startswith(":", found.end())
        is_doubtful = kind == "likely" and not _is_own_clause(found, text)
        needs_neighbor = (kind == "ambiguous" and not is_heading) or is_doubtful
        yield _Candidate(found.start(), found.end(), found[kind], needs_neighbor=needs_neighbor)


def _find_times(text: str) -> Iterator[_Candidate]:
    for found in _TIME.finditer(text):
        if _is_in_title(found, text):
            continue
        kind = str(found.lastgroup)
        is_doubtful = kind == "hour" and not CLAUSE_END.match(text, found.end())
        needs_neighbor = kind in {"part", "dotted"} or is_doubtful
        phrase = f"at {found[kind]}" if kind in {"hour", "dotted"} else found[kind]
        yield _Candidate(found.start(), found.end(), phrase, needs_neighbor=needs_neighbor)


def _is_in_title(found: re.Match[str], text: str) -> bool:
    """Returns whether the word before a date or time makes it part of the title, as in `the 5pm train`."""
    before = text[max(0, found.start() - _MAX_TITLE_WORD_CHARACTERS) : found.start()]
    return _TITLE_WORD.search(before) is not None


def _is_own_clause(found: re.Match[str], text: str) -> bool:
    """Returns whether a day stands apart from the next word, so that it is a date: `sunday` not in `cook sunday roast`.

    True if the day ends a clause. Also true if only tags, priorities or punctuation precede it and its last
    character is no digit.
    """
    begins_text = not found[0].endswith(tuple("0123456789")) and ONLY_FIELDS.fullmatch(text, 0, found.start())
    return bool(begins_text or CLAUSE_END.match(text, found.end()))
