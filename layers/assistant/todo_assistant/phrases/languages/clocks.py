"""Times of day in other languages, from the items of a line to English text such as `17:00`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from todo_assistant.phrases.languages.items import Item

_NOON: Final = 12
_LAST_HOUR: Final = 24
_MINUTES_OF_HOUR: Final = 60
_FIRST_MORNING_HOUR: Final = 7
"""Hours from this one are times of the morning in languages with 24 hours; `um 5` stays 5:00 or 17:00."""
_LATEST_HOUR_OF_NIGHT: Final = 4
"""`las 4 de la noche` is 4:00; `las 9 de la noche` is 21:00."""
_PART_HOURS: Final = {"morning": "09:00", "afternoon": "15:00", "evening": "19:00", "night": "20:00"}


@dataclass(frozen=True, slots=True)
class ClockTime:
    """An hour from 0 to 24 and minutes, as typed: `5` may mean 17:00."""

    hour: int
    minute: int


def read_clock(items: Sequence[Item]) -> ClockTime | None:
    """Returns the time of the items of a time of day, such as `um halb 6`. Returns None for one that does not exist."""
    shift = sum(int(item.value) for item in items if item.kind in "BS")
    numbers = [number for item in items if item.kind in "nOTHd" for number in re.findall(r"\d+", item.value)]
    hour, minute = int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0
    if hour > _LAST_HOUR or minute >= _MINUTES_OF_HOUR:
        return None
    minutes = (hour * _MINUTES_OF_HOUR + minute + shift) % (_LAST_HOUR * _MINUTES_OF_HOUR)
    if hour == _LAST_HOUR and not minutes:
        return ClockTime(_LAST_HOUR, 0)
    if shift < 0 and hour == 1 and minutes < _MINUTES_OF_HOUR:  # `halb 1` is 12:30.
        minutes += _NOON * _MINUTES_OF_HOUR
    return ClockTime(*divmod(minutes, _MINUTES_OF_HOUR))


def write_clock(clock: ClockTime, part: str | None, *, has_24_hours: bool) -> str:
    """Returns a time in English. The part of the day, or the language, may decide between morning and evening."""
    hour = clock.hour
    if part == "night" and hour == _NOON:
        hour = _LAST_HOUR
    elif part == "morning":
        hour %= _NOON
    elif (part in {"afternoon", "evening"} or (part == "night" and hour > _LATEST_HOUR_OF_NIGHT)) and hour < _NOON:
        hour += _NOON
    if hour == _LAST_HOUR:
        return "midnight"
    if part is None and 0 < hour < (_FIRST_MORNING_HOUR if has_24_hours else _NOON):
        return f"{hour}:{clock.minute:02}"
    is_short_morning = 10 <= hour < _NOON  # noqa: PLR2004 - two digits, which alone could mean the evening
    return f"{hour:02}:{clock.minute:02}{'am' if is_short_morning else ''}"


def write_part(part: str) -> str:
    """Returns a part of the day as an English phrase: `in the evening`, `at night`."""
    return "at night" if part == "night" else f"in the {part}"


def hour_of_part(part: str) -> str:
    """Returns the time of a part of the day, for recurrences: 19:00 for the evening."""
    return _PART_HOURS[part]
