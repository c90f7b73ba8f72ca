"""Recurrence: the rules of RFC 5545 that a todo may have, and the occurrence that follows one.

python-dateutil unfolds the rules. Alone it looks for a match up to the year 9999, for half a minute if there is none.
So it is asked for one period at a time, and only for periods that are unlike all before.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from math import lcm
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

type Due = date | datetime
"""A day, or an instant in UTC."""
type _Parts = dict[str, str]
type _Period = tuple[date, tuple[int, ...]]
"""The first day of a month or a year, and what tells it from those that match otherwise."""

MAX_LENGTH: Final = 500
"""In characters."""
_MOST_INTERVAL: Final = 999
_MOST_COUNT: Final = 9_999
_LAST_DAY: Final = date(9999, 12, 30)
"""asyncpg takes the day after it for infinity."""
_WHOLE_CALENDAR: Final = 10_000
"""So many years after any period there is no other."""
_YEARS_TO_REPEAT: Final = 400
"""After so many, the calendar has the same weekdays again."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """When a todo that recurs is due next: on a day if it was due on one, else at an instant in UTC.

    `rule` is as it is to be stored: its COUNT is what is left. `wall_time` is the time of the day that is meant, where
    a clock change has moved this occurrence.
    """

    due: Due
    rule: str
    wall_time: time | None


def next_occurrence(rule: str, due: Due, timezone: ZoneInfo, wall_time: time | None = None) -> Occurrence | None:
    """The first occurrence of a RecurrenceRule after a due, by the clocks of a zone; None where the rule ends.

    The rule is anchored at the due. `wall_time` is that of the occurrence that is due. A time that the clocks skip is
    as much later.
    """
    parts = dict(part.split("=") for part in rule.split(";"))
    if parts.get("COUNT") == "1":
        return None
    if "COUNT" in parts:
        parts["COUNT"] = str(int(parts["COUNT"]) - 1)
    try:
        if isinstance(due, datetime):
            return _next_instant(parts, due, timezone, wall_time)
        day = _next_day(parts, due)
        over = day is None or _is_over(parts, day, None, timezone)
        return None if day is None or over else Occurrence(day, _written(parts), None)
    except OverflowError:  # the zone's clocks show a year that there is not
        return None


def _next_instant(parts: _Parts, due: datetime, timezone: ZoneInfo, wall_time: time | None) -> Occurrence | None:
    local = due.astimezone(timezone).replace(tzinfo=None)
    clock = wall_time or local.time()
    # Where clocks skip the hour before midnight, an occurrence lies on the day after its own.
    day = _next_day(parts, local.date() - timedelta(days=local.time() < clock))
    if day is None:
        return None
    wall = datetime.combine(day, clock)
    instant = wall.replace(tzinfo=timezone).astimezone(UTC)
    if _is_over(parts, day, instant, timezone):
        return None
    moved = instant.astimezone(timezone).replace(tzinfo=None) != wall
    return Occurrence(instant, _written(parts), clock if moved else None)


def _is_over(parts: _Parts, day: date, instant: datetime | None, timezone: ZoneInfo) -> bool:
    until = parts.get("UNTIL")
    if until is None:
        return False
    if "T" not in until:
        return day > date.fromisoformat(until)
    last = datetime.fromisoformat(until)
    return instant > last if instant else day > last.astimezone(timezone).date()


# The next day


def _next_day(parts: _Parts, after: date) -> date | None:
    from dateutil.rrule import rrule, rrulestr  # noqa: PLC0415 - a start does without

    endless = {name: value for name, value in parts.items() if name not in {"COUNT", "UNTIL"}}
    if parts["FREQ"] in {"DAILY", "WEEKLY"}:
        # What these may have matches in every period.
        found = rrulestr(_written(endless), dtstart=_midnight(after)).after(_midnight(after))
        return found.date() if found and found.date() <= _LAST_DAY else None
    once = {"INTERVAL": str(_WHOLE_CALENDAR * (12 if parts["FREQ"] == "MONTHLY" else 1))}
    within = rrulestr(_written(_anchored(endless, after) | once), dtstart=_midnight(after))
    assert isinstance(within, rrule)  # noqa: S101 - what has one line is no set
    for period in _periods(parts, after):
        for found in within.replace(dtstart=_midnight(period)):
            if after < found.date() <= _LAST_DAY:
                return found.date()
    return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _anchored(parts: _Parts, day: date) -> dict[str, str]:
    """With what a rule that names no days takes from its first one."""
    if parts.keys() & _NAME_DAYS:
        return dict(parts)
    of_year = {"BYMONTH": str(day.month)} if parts["FREQ"] == "YEARLY" else {}
    return of_year | parts | {"BYMONTHDAY": str(day.day)}


def _periods(parts: _Parts, day: date) -> Iterator[date]:
    """The first days of the months or years of a rule, from that of a day on, that do not match as one before does."""
    interval = int(parts.get("INTERVAL", 1))
    # Where the rule names no weekday, it makes no difference with which one a period begins.
    weekdays = 1 if parts.keys().isdisjoint({"BYDAY", "BYWEEKNO"}) else 7
    if parts["FREQ"] == "YEARLY":
        return _unlike(_years(day, interval), weekdays=weekdays, lengths=3)
    months = {int(month) for month in parts["BYMONTH"].split(",")} if "BYMONTH" in parts else set(range(1, 13))
    lengths = {monthrange(year, month)[1] for month in months for year in (2000, 2001)}
    return _unlike(_months(day, interval, months), weekdays=weekdays, lengths=len(lengths))


def _unlike(periods: Iterable[_Period], *, weekdays: int, lengths: int) -> Iterator[date]:
    """Those that differ in one of so many weekdays to begin with, or of so many lengths."""
    seen = set()
    for place, (first, (weekday, *length)) in enumerate(periods):
        kind = (weekday % weekdays, *length)
        if kind not in seen:
            yield first
        if place:  # Of the first period, the days up to the given one do not count.
            seen.add(kind)
        if len(seen) == weekdays * lengths:
            return


def _years(day: date, interval: int) -> Iterator[_Period]:
    """A year is told by its first weekday, its length, and that of the year before, which moves its weeks."""
    for year in range(day.year, min(day.year + lcm(interval, _YEARS_TO_REPEAT), _LAST_DAY.year) + 1, interval):
        first = date(year, 1, 1)
        yield first, (first.weekday(), isleap(year), isleap(year - 1))


def _months(day: date, interval: int, months: Container[int]) -> Iterator[_Period]:
    """A month is told by its first weekday and its length."""
    first = day.year * 12 + day.month - 1
    last = min(first + lcm(interval, _YEARS_TO_REPEAT * 12), _LAST_DAY.year * 12 + 11)
    for passed in range(first, last + 1, interval):
        year, month = divmod(passed, 12)
        if month + 1 in months:
            yield date(year, month + 1, 1), monthrange(year, month + 1)


# Rules


class _Unfit(ValueError):
    """What stands in a part is not what it takes."""


def _read_number(text: str, *, limit: int, signed: bool = False) -> str:
    number = int(text) if re.fullmatch(r"[+-]?\d{1,4}" if signed else r"\d{1,4}", text) else 0
    if not 1 <= abs(number) <= limit:
        raise _Unfit
    return str(number)


def _read_weekday(text: str) -> str:
    found = re.fullmatch(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", text)
    if found is None:
        raise _Unfit
    return (_read_number(found[1], limit=53, signed=True) if found[1] else "") + found[2]


def _read_until(text: str) -> str:
    if not re.fullmatch(r"\d{8}(T\d{6}Z)?", text):
        raise _Unfit
    datetime.fromisoformat(text)
    return text


def _read_name(text: str, *, of: tuple[str, ...]) -> str:
    if text not in of:
        raise _Unfit
    return text


@dataclass(frozen=True, slots=True)
class _Part:
    takes: str
    read: Callable[[str], str]
    many: bool = False
    goes_with: tuple[str, ...] = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")


_LONG: Final = ("MONTHLY", "YEARLY")
_PARTS: Final = {
    "FREQ": _Part("DAILY, WEEKLY, MONTHLY or YEARLY", partial(_read_name, of=("DAILY", "WEEKLY", *_LONG))),
    "INTERVAL": _Part(f"a number from 1 to {_MOST_INTERVAL}", partial(_read_number, limit=_MOST_INTERVAL)),
    "COUNT": _Part(f"a number from 1 to {_MOST_COUNT}", partial(_read_number, limit=_MOST_COUNT)),
    "UNTIL": _Part("a day such as 20301231, or an instant in UTC such as 20301231T170000Z", _read_until),
    "BYMONTH": _Part("months from 1 to 12", partial(_read_number, limit=12), many=True, goes_with=_LONG),
    "BYWEEKNO": _Part(
        "weeks from 1 to 53 or from -1 to -53",
        partial(_read_number, limit=53, signed=True),
        many=True,
        goes_with=("YEARLY",),
    ),
    "BYYEARDAY": _Part(
        "days from 1 to 366 or from -1 to -366",
        partial(_read_number, limit=366, signed=True),
        many=True,
        goes_with=("YEARLY",),
    ),
    "BYMONTHDAY": _Part(
        "days from 1 to 31 or from -1 to -31",
        partial(_read_number, limit=31, signed=True),
        many=True,
        goes_with=_LONG,
    ),
    "BYDAY": _Part("weekdays such as MO, or such as 2TU and -1FR in a month or a year", _read_weekday, many=True),
    "BYSETPOS": _Part(
        "places from 1 to 366 or from -1 to -366",
        partial(_read_number, limit=366, signed=True),
        many=True,
        goes_with=_LONG,
    ),
    "WKST": _Part("a weekday such as MO", partial(_read_name, of=("MO", "TU", "WE", "TH", "FR", "SA", "SU"))),
}
_NAME_DAYS: Final = {"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY"}
_MOST_WEEKS_OF_MONTH: Final = 5
_MOST_PLACES: Final = 7
"""For each of them dateutil walks through all days of the year anew."""


def _canonical(rule: str) -> str:
    parts = _read(rule)
    if "FREQ" not in parts:
        raise _refused("It needs FREQ, as in FREQ=WEEKLY;BYDAY=MO,TH")
    for name in parts:
        if parts["FREQ"] not in _PARTS[name].goes_with:
            raise _refused(f"{name} goes with FREQ={' or FREQ='.join(_PARTS[name].goes_with)} alone")
    if "COUNT" in parts and "UNTIL" in parts:
        raise _refused("It ends by COUNT or by UNTIL, not by both")
    if "BYSETPOS" in parts and not parts.keys() & _NAME_DAYS:
        raise _refused("BYSETPOS picks among the days of another part, such as BYDAY")
    if parts.get("BYSETPOS", "").count(",") >= _MOST_PLACES:
        raise _refused(f"BYSETPOS takes {_MOST_PLACES} places at most")
    _check_weekdays(parts)
    if parts.keys() & _NAME_DAYS and _next_day(parts | {"INTERVAL": "1"}, date(2000, 1, 1)) is None:
        raise _refused("It never comes: no day of the calendar has all that it asks for")
    return _written(parts)


def _read(rule: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    # Capitals of other letters may be ASCII.
    for part in (rule.upper() if rule.isascii() else rule).removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if not (equals and part.isascii() and re.fullmatch("[A-Z-]{1,20}", name)):
            raise _refused("It is made of parts, as FREQ=WEEKLY;BYDAY=MO,TH is")
        if name in {"BYHOUR", "BYMINUTE", "BYSECOND"}:
            raise _refused(f"The time of the day is that of the due date: leave {name} out")
        if name not in _PARTS:
            raise _refused(f"{name} is no part of it: it takes {', '.join(_PARTS)}")
        if name in parts:
            raise _refused(f"{name} stands in it twice")
        parts[name] = _read_part(name, value)
    return {name: parts[name] for name in _PARTS if name in parts}


def _read_part(name: str, value: str) -> str:
    part = _PARTS[name]
    try:
        return ",".join(dict.fromkeys(map(part.read, value.split(",") if part.many else [value])))
    except ValueError:
        raise _refused(f"{name} takes {part.takes}") from None


def _check_weekdays(parts: _Parts) -> None:
    if "BYDAY" not in parts:
        return
    if parts["FREQ"] == "DAILY" and parts.get("INTERVAL", "1") != "1":
        raise _refused("BYDAY goes with every day, not with every other: use FREQ=WEEKLY")
    weeks = [abs(int(day[:-2])) for day in parts["BYDAY"].split(",") if day[:-2]]
    if weeks and (parts["FREQ"] not in _LONG or "BYWEEKNO" in parts):
        raise _refused("A weekday has a number, such as 2TU, in a month or a year alone")
    if max(weeks, default=0) > _MOST_WEEKS_OF_MONTH and (parts["FREQ"] == "MONTHLY" or "BYMONTH" in parts):
        raise _refused("A month has each weekday five times at most")


def _written(parts: _Parts) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _refused(why: str) -> PydanticCustomError:
    return PydanticCustomError("recurrence", "This is not a recurrence that can be kept. {why}", {"why": why})


RecurrenceRule = Annotated[
    str,
    Field(max_length=MAX_LENGTH),
    AfterValidator(_canonical),
    WithJsonSchema({"type": "string", "format": "rrule", "maxLength": MAX_LENGTH}),
]
"""A recurrence rule of RFC 5545, such as `FREQ=MONTHLY;BYDAY=2TU`: in capitals, each part once and in one order."""
