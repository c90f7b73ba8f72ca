"""Finds the words of a text that say when, and leaves alone those that only look like it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

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

type Readable = Callable[[str], bool]
"""Whether a phrase is a date, or says how often."""

_TRIED: Final = 8
"""So many candidates are looked up on the calendar, from the last: a text of nothing but dates shall not take long."""

_YEAR: Final = r"(?:,? (?:\d{4}|'\d\d)(?![\d:]))?"
_MONTH_AND_DAY: Final = (
    rf"(?:{MONTH}\.? (?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?![\d:.]\d){_YEAR}"
    rf"|(?:the )?(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?: of)? {MONTH}{_YEAR})"
)
_CLEAR: Final = "|".join(
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
"""Words that say when wherever they stand."""
_WORDY: Final = r"(?:monday|tues(?:day)?|wednesday|thu(?:rs(?:day)?)?|fri(?:day)?|saturday|sunday|tue)"
_LOOSE: Final = rf"{_WORDY}|\d{{1,2}}/\d{{1,2}}"
"""Words that say when unless they go with the next one, as in `cook sunday roast`."""
_LATE: Final = r"(?:(?:(?:is|are) )?due(?: on| by| in|:)?|on|by|until|till?|before)"
_WEAK: Final = rf"{WEEKDAY}|{HOLIDAY}|(?:the )?weekend|the \d{{1,2}}(?:st|nd|rd|th)|\d{{1,2}}\.\d{{1,2}}\.(?!\d)"
"""Words that say when only after a preposition, as in `on sat`."""

START: Final = r"(?<![\w'\u2019.@#/:-])"
END: Final = r"(?![\w/]|['\u2019:.-]\w)"
_DAY: Final = re.compile(
    rf"{START}(?a:"
    rf"(?:(?:{_LATE}|for|at) )?(?P<clear>{_CLEAR})"
    rf"|{_LATE} (?P<late>{_WEAK}|{_LOOSE})|(?:at|on) (?P<weekend>the weekend)"
    rf"|(?:in|by|until|till?|before|due(?: in| by)?) (?P<month>{MONTH}(?: \d{{4}})?)"
    rf"|(?:for )?(?P<loose>{_LOOSE})"
    rf"|(?P<weak>{WEEKDAY})"
    rf"){END}",
    re.IGNORECASE,
)
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
_PART_OF_TITLE: Final = re.compile(
    r"\b(?:mr|mrs|ms|dr|black|good|cyber|palm|easter|after|since|every|each|about|of|the|last|to)\.? $", re.IGNORECASE
)
"""Ends what stands before words that are no date of the todo: `the 5pm train`, `mr. friday`, `every monday`."""
_LONGEST_OF_THOSE: Final = 10
CLAUSE_ENDS: Final = re.compile(
    r"\s*(?:$|[,.;:!?()#@\u2013\u2014-]|p[1-4]\b"
    r"|(?:about|at|with|for|in|to|from|and|before|after|re|by|on|via|if|when|because|or|but|under)\b)",
    re.IGNORECASE,
)
ONLY_SIGNS: Final = re.compile(r"(?:\s|[#@!]\S+(?!\S)|p[1-4]\b|[-\u2013\u2014,(])*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int
    phrase: str
    needs_neighbour: bool = False
    """Whether these words say when only beside others that do, as in `sat 10am`."""


@dataclass(frozen=True, slots=True)
class DueSpans:
    """The phrase, and the places in the text where its words stand."""

    phrase: str
    places: tuple[tuple[int, int], ...]
    is_time: bool = False
    """Whether it says the time of the day alone."""


def find_due(text: str, readable: Readable) -> DueSpans | None:
    """The last day and the last time of the day that are said in a text with single spaces, as one phrase."""
    days, times = list(_days(text)), list(_times(text))
    day = _last(days, times, text, readable)
    time = _last(times, days if day is None else [day], text, readable)
    if day and time and readable(f"{day.phrase} {time.phrase}"):
        return DueSpans(f"{day.phrase} {time.phrase}", ((day.start, day.end), (time.start, time.end)))
    if last := day or time:
        return DueSpans(last.phrase, ((last.start, last.end),), is_time=day is None)
    return None


def _last(spans: list[Span], others: list[Span], text: str, readable: Readable) -> Span | None:
    beside = {place for other in others for place in (other.start, other.end)}
    for span in spans[: -_TRIED - 1 : -1]:
        if span.needs_neighbour and not any(_near(span, place, text) for place in beside):
            continue
        if readable(span.phrase):
            return span
    return None


def _near(span: Span, place: int, text: str) -> bool:
    gap = text[place : span.start] if place <= span.start else text[span.end : place]
    return gap in {"", " ", ", "} and (place <= span.start or place >= span.end)


def _days(text: str) -> Iterator[Span]:
    for found in _DAY.finditer(text):
        if not _stands_alone(found, text):
            continue
        kind = str(found.lastgroup)
        headed = found.start() == 0 and text.startswith(":", found.end())
        lone = (kind == "weak" and not headed) or (kind == "loose" and not _ends_clause(found, text))
        yield Span(found.start(), found.end(), found[kind], needs_neighbour=lone)


def _times(text: str) -> Iterator[Span]:
    for found in _TIME.finditer(text):
        if not _stands_alone(found, text):
            continue
        kind = str(found.lastgroup)
        lone = kind in {"part", "dotted"} or (kind == "hour" and not CLAUSE_ENDS.match(text, found.end()))
        phrase = f"at {found[kind]}" if kind in {"hour", "dotted"} else found[kind]
        yield Span(found.start(), found.end(), phrase, needs_neighbour=lone)


def _stands_alone(found: re.Match[str], text: str) -> bool:
    return _PART_OF_TITLE.search(text[max(0, found.start() - _LONGEST_OF_THOSE) : found.start()]) is None


def _ends_clause(found: re.Match[str], text: str) -> bool:
    begins = not found[0].endswith(tuple("0123456789")) and ONLY_SIGNS.fullmatch(text, 0, found.start())
    return bool(begins or CLAUSE_ENDS.match(text, found.end()))
