"""Parses times of day in English phrases: `at 5`, `tomorrow morning`, `half past 6`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from todo_assistant.phrases.moments import Moment
from todo_assistant.phrases.patterns import Pattern
from todo_assistant.phrases.vocabulary import (
    CLOCK,
    HOUR,
    HOUR_NAME,
    PART,
    SPOKEN_HOUR,
    TOLD_HOUR,
    TONIGHT,
    parse_count,
)

_NOON: Final = 12 * 60
_MIDNIGHT: Final = 24 * 60
_PART_MINUTES: Final = {"morning": 9 * 60, "afternoon": 15 * 60, "evening": 19 * 60, "night": 20 * 60}
_PART_RANGES: Final = {
    "morning": range(12 * 60),
    "afternoon": range(12 * 60, 20 * 60),
    "evening": range(15 * 60, 24 * 60 + 1),
    "night": range(18 * 60, 30 * 60),
}
"""The minutes after midnight that belong to a part of the day. The night ends at 6:00 of the next day."""
_TWELVE: Final = 12
_TWELVE_HOURS: Final = range(1, 13)
"""The hours allowed before am and pm; `13pm` is rejected."""
_WAKING_MINUTES: Final = range(7 * 60, 22 * 60)
"""Waking hours, in minutes after midnight: 7:00 to 22:00. `at 5` is therefore first read as 17:00, then as 5:00."""

_PART_OF_DAY: Final = Pattern(
    rf"\b(?:(?:in the|at|this|later this|the) )?(?:(?:early|late) )?({PART})\b(?: of\b)?|\b{TONIGHT}\b", re.ASCII
)
"""Finds a part of the day anywhere in a phrase: `in the morning`, `this evening`, `tonight`."""
_CLOCK_LAST: Final = Pattern(rf"(?:(.*?) )??(?:(?:at|around|by) |@ ?)?({CLOCK})", re.ASCII)
"""Matches a phrase that ends in a clock time: `tomorrow at 5pm`, `friday noon`, `17:00`."""
_CLOCK_FIRST: Final = Pattern(rf"(?:at |around |by |@ ?)?({CLOCK})(?: on)? (.*)", re.ASCII)
"""Matches a phrase that begins with a clock time: `5pm on friday`, `noon tomorrow`."""
_HOUR_LAST: Final = Pattern(rf"(?:(?:(.*?) )??(?:(?:at|around|by) |@ ?))?({HOUR})", re.ASCII)
"""Matches a phrase that ends in `at` and an hour, or that is only an hour: `friday at 5`, `half past 5`."""
_SPOKEN_LAST: Final = Pattern(rf"(?:(.*?) )??(?:(?:at|around|by) |@ ?)({SPOKEN_HOUR})", re.ASCII)
"""Matches a phrase that ends in `at` and an hour in words: `friday at nine`."""
_TOLD_LAST: Final = Pattern(rf"(?:(.*?) )??({TOLD_HOUR}|half {HOUR_NAME})", re.ASCII)
"""Matches a phrase that ends in an hour in words that need no `at`: `friday half eight`, `nine o'clock`."""
_HOUR_FIRST: Final = Pattern(rf"(?:at |around |by |@ ?)({HOUR}|{SPOKEN_HOUR})(?: on)? (.*)", re.ASCII)
"""Matches a phrase that begins with a preposition and an hour: `at 5 on friday`."""
_DOTTED_LAST: Final = Pattern(r"(.+) (\d{1,2}\.[0-5]\d)", re.ASCII)
"""Matches a day and a time with a dot, which is no time without the day: `friday 17.30`."""
_CLOCK_PARTS: Final = Pattern(
    r"(?:(?P<shift>\d{1,2}) (?P<direction>past|after|to) )?(?P<hour>\d{1,2})(?:[:.h -](?P<minute>\d\d))?(?::\d\d)?"
    r"(?P<h24>h)? ?(?P<half>[ap])?.*",
    re.ASCII,
)
"""Splits `30 past 5`, `17h` or `5.30 p.m.` into groups. The group `half` is the `a` or `p` of am and pm."""
_NUMBER_WORD: Final = Pattern(
    r"\b(?:(?:twenty|thirty|forty|fifty)(?:[ -]five)?|fifteen|one|two|three|four|five|six|seven|eight|nine|ten|eleven"
    r"|twelve)\b",
    re.ASCII,
)
"""Finds a number in the words for a time of day: `thirty` in `ten thirty`."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The possible meanings of a time of day, each in minutes after midnight, the likeliest first."""

    minutes: Sequence[int]
    is_vague: bool = False
    """True if the phrase names only a part of the day, such as `morning`, and no exact time."""


def split_clock(words: str) -> tuple[str, Clock | None]:
    """Splits a phrase into the words for the day, perhaps empty, and the time of day, or None.

    A part of the day decides between meanings: `5 in the morning` is 5:00, `5 in the evening` is 17:00.
    Raises ValueError for a time that does not exist, such as `13pm`.
    """
    part = _PART_OF_DAY.search(words)
    if part is None:
        return _split_exact_clock(words)
    is_of_today = part[0].startswith(("this", "later", "toni"))
    day, clock = _split_exact_clock(" ".join(f"{words[: part.start()]} {words[part.end() :]}".split()))
    part_minutes = _PART_MINUTES[part[1] or "night"]
    if clock is not None:
        clock = Clock([each for minutes in clock.minutes for each in _minutes_in_part(minutes, part[1] or "night")])
    return day or ("today" if is_of_today else ""), clock or Clock([part_minutes], is_vague=True)


def next_instants(clock: Clock, moment: Moment) -> list[datetime]:
    """Returns the next instant, today or tomorrow, of each possible time, such as 5:00 and 17:00.

    Times from 7:00 to 22:00 come first.
    """
    candidates = []
    for each in clock.minutes:
        minutes = each - _MIDNIGHT if each > _MIDNIGHT else each
        instant = moment.instant_of(moment.today, minutes)
        tomorrow = moment.today + timedelta(days=1)
        following = moment.instant_of(tomorrow, minutes) if moment.is_past(instant) else instant
        candidates.append((minutes not in _WAKING_MINUTES, following))
    return [instant for _, instant in sorted(candidates)]


def _minutes_in_part(minutes: int, part: str) -> list[int]:
    """Returns the minutes after midnight that a time may mean in a part of the day; an empty list if it is outside.

    `12` is midnight in `12 at night`. `2 at night` belongs to the following day.
    """
    candidates = [minutes, minutes - _NOON] if minutes // 60 == _TWELVE else [minutes]
    return [each if each in _PART_RANGES[part] else each + _MIDNIGHT for each in candidates if _is_in(each, part)]


def _is_in(minutes: int, part: str) -> bool:
    return minutes in _PART_RANGES[part] or minutes + _MIDNIGHT in _PART_RANGES[part]


def _split_exact_clock(words: str) -> tuple[str, Clock | None]:
    """Splits a phrase into the words for the day and an exact time of day (`5pm`, `noon`), or None."""
    for pattern in (_CLOCK_LAST, _HOUR_LAST, _SPOKEN_LAST, _TOLD_LAST, _DOTTED_LAST):
        if found := pattern.fullmatch(words):
            return found[1] or "", Clock(_parse_clock_minutes(found[2]))
    for pattern in (_CLOCK_FIRST, _HOUR_FIRST):
        if found := pattern.fullmatch(words):
            return found[2], Clock(_parse_clock_minutes(found[1]))
    return words, None


def _parse_clock_minutes(words: str) -> list[int]:
    """Returns the minutes after midnight that a time of day may mean, the likeliest first.

    Raises ValueError for a time that does not exist, such as `13pm`.
    """
    if words in {"noon", "midday"}:
        return [_NOON]
    if words == "midnight":
        return [_MIDNIGHT, 0]
    parts = _CLOCK_PARTS.fullmatch(_to_digits(words))
    if parts is None:
        raise ValueError(words)
    hour, minute = int(parts["hour"]), int(parts["minute"] or 0)
    if parts["half"] and hour not in _TWELVE_HOURS:
        raise ValueError(words)
    clock = time(hour % 12 if parts["half"] else hour, minute)
    shift = int(parts["shift"] or 0)
    minutes = clock.hour * 60 + clock.minute + (-shift if parts["direction"] == "to" else shift)
    if parts["half"]:
        return [minutes + _NOON if parts["half"] == "p" else minutes]
    if parts["h24"] or parts["hour"].startswith("0") or minutes >= _NOON:
        return [minutes]
    return sorted((minutes, minutes + _NOON), key=lambda either: either not in _WAKING_MINUTES)


def _to_digits(words: str) -> str:
    """Returns a time of day with digits for its words: `30 past 7` for `half seven`, `10 30` for `ten thirty`."""
    words = re.sub(r"\bhalf(?: past)?\b", "30 past", words)
    words = re.sub(r"\b(?:a )?quarter\b", "15", words).replace(" minutes", "")
    return _NUMBER_WORD.sub(lambda found: str(parse_count(found[0])), words)
