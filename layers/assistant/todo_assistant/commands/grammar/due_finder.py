"""Finds the words of a text that are its due date, and leaves other date-like words in the title."""

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
"""Candidates that are parsed, counted from the last, to bound the time for a text of nothing but dates."""

_YEAR: Final = r"(?:,? (?:\d{4}|'\d\d)(?![\d:]))?"
"""Matches a year after a date: `, 2030`, ` '30`."""
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
"""Matches days that are dates wherever they stand: `tomorrow`, `next friday`, `in 2 weeks`, `jan 3`."""
_LONG_WEEKDAY: Final = r"(?:monday|tues(?:day)?|wednesday|thu(?:rs(?:day)?)?|fri(?:day)?|saturday|sunday|tue)"
"""Matches weekdays that are no other words, unlike `mon`, `wed`, `sat` and `sun`."""
_LIKELY: Final = rf"{_LONG_WEEKDAY}|\d{{1,2}}/\d{{1,2}}"
"""Matches days that are dates unless they belong to the next word: `friday`, but not in `cook sunday roast`."""
_DUE_PREPOSITION: Final = r"(?:(?:(?:is|are) )?due(?: on| by| in|:)?|on|by|until|till?|before)"
"""Matches the words that make an ambiguous day a date: `on`, `by`, `due`."""
_AMBIGUOUS: Final = rf"{WEEKDAY}|{HOLIDAY}|(?:the )?weekend|the \d{{1,2}}(?:st|nd|rd|th)|\d{{1,2}}\.\d{{1,2}}\.(?!\d)"
"""Matches days that are dates only after a preposition: `on sat`, `by christmas`, `on the 3rd`."""
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
"""Finds a day with its preposition: `tomorrow`, `on sat`, `in june`, `friday`."""
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
"""Finds a time of day with its preposition: `at 5`, `5pm`, `in the morning`."""
_TITLE_WORD: Final = re.compile(
    r"\b(?:mr|mrs|ms|dr|black|good|cyber|palm|easter|after|since|every|each|about|of|the|last|to)\.? $", re.IGNORECASE
)
"""Matches a word that makes the date after it part of the title: `the 5pm train`, `mr. friday`, `every monday`."""
_MAX_TITLE_WORD_CHARACTERS: Final = 10
"""Characters before a candidate that are searched; more than a match of _TITLE_WORD has."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Words that may be a day or a time of day."""

    start: int
    end: int
    phrase: str
    needs_neighbor: bool = False
    """True if the words count only beside another candidate, as `sat` does in `sat 10am`."""


def find_due(text: str, is_readable: IsReadable) -> FoundPhrase | None:
    """Returns the last day and the last time of day in a text with single spaces, joined to one phrase."""
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
    """Returns the last candidate that can be parsed; `others` are the possible neighbors."""
    edges = {edge for other in others for edge in (other.start, other.end)}
    for candidate in candidates[: -_MAX_CANDIDATES - 1 : -1]:
        if candidate.needs_neighbor and not any(_is_beside(candidate, edge, text) for edge in edges):
            continue
        if is_readable(candidate.phrase):
            return candidate
    return None


def _is_beside(candidate: _Candidate, edge: int, text: str) -> bool:
    """Returns whether only a space or a comma separates the candidate from the edge of another one."""
    gap = text[edge : candidate.start] if edge <= candidate.start else text[candidate.end : edge]
    return gap in {"", " ", ", "} and (edge <= candidate.start or edge >= candidate.end)


def _find_days(text: str) -> Iterator[_Candidate]:
    for found in _DAY.finditer(text):
        if _is_in_title(found, text):
            continue
        kind = str(found.lastgroup)
        # "sat: call mum" begins with a heading.
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
    """Returns whether the word before the match makes it part of the title."""
    before = text[max(0, found.start() - _MAX_TITLE_WORD_CHARACTERS) : found.start()]
    return _TITLE_WORD.search(before) is not None


def _is_own_clause(found: re.Match[str], text: str) -> bool:
    """Returns whether the match ends a clause, or begins the text and is no number."""
    begins_text = not found[0].endswith(tuple("0123456789")) and ONLY_FIELDS.fullmatch(text, 0, found.start())
    return bool(begins_text or CLAUSE_END.match(text, found.end()))
