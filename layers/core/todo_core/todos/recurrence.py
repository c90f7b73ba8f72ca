"""Finds the next occurrence of a recurrence rule (RFC 5545) with python-dateutil.

dateutil searches day by day up to the year 9999, which takes half a minute when no day matches. For monthly and yearly
rules, dateutil therefore gets one month or year at a time. A rule matches the same days in months, or years, with the
same weekdays and lengths. So at most 28 months or 21 years are searched after the first.
"""

from calendar import isleap, monthrange
from collections.abc import Container, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from math import lcm
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

type Due = date | datetime
"""A due date: a day, or an instant in UTC."""
type RuleParts = dict[str, str]
"""The parts of a recurrence rule by name, for example `{"FREQ": "WEEKLY", "BYDAY": "MO,TH"}`."""
type _Period = tuple[date, tuple[int, ...]]
"""A month or year: its first day, and then that day's weekday with the lengths on which matches depend.

A rule matches the same days in periods with the same weekday and lengths.
"""

DAY_PARTS: Final = {"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY"}
"""The rule parts that name days. A monthly or yearly rule without them recurs on the day of the due date."""

_LAST_DAY: Final = date(9999, 12, 30)
"""The last day that can be an occurrence: asyncpg stores the day after it, 9999-12-31, as infinity."""
_BEYOND_CALENDAR_YEARS: Final = 10_000
"""An interval in years, longer than the calendar, which ends in the year 9999: dateutil finds no second period."""
_CALENDAR_CYCLE_YEARS: Final = 400
"""The number of years after which weekdays and leap years repeat, so that a longer search finds nothing new."""


class Occurrence(Struct, frozen=True):
    """The next due date of a recurring todo: a day if the previous due date was a day, else an instant in UTC.

    `rule` is the rule to store: its COUNT, if any, is one lower. `wall_time` is the intended time of day, set only when
    a clock change moves this occurrence to another time.
    """

    due: Due
    rule: str
    wall_time: time | None


def next_occurrence(rule: str, due: Due, timezone: ZoneInfo, wall_time: time | None = None) -> Occurrence | None:
    """Returns the first occurrence of a canonical rule after a due date, or None when the rule has ended.

    The rule starts at the due date and is computed in local time. `wall_time` is the intended time of day of `due`, if
    a clock change has moved it. A local time that the clocks skip is later by the length of the gap.
    """
    parts = dict(part.split("=") for part in rule.split(";"))
    if parts.get("COUNT") == "1":
        return None
    if "COUNT" in parts:
        parts["COUNT"] = str(int(parts["COUNT"]) - 1)
    try:
        if isinstance(due, datetime):
            return _find_next_instant(parts, due, timezone, wall_time)
        day = find_next_day(parts, due)
        ended = day is None or _has_ended(parts, day, None, timezone)
        return None if day is None or ended else Occurrence(day, format_rule(parts), None)
    except OverflowError:  # The local time lies outside the years 1 to 9999, so the rule ends.
        return None


def format_rule(parts: RuleParts) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def find_next_day(parts: RuleParts, after: date) -> date | None:
    """Returns the first day later than `after` that the rule matches, or None. Ignores COUNT and UNTIL."""
    from dateutil.rrule import rrulestr  # noqa: PLC0415 - loaded at first use, to keep start-up fast

    endless = {name: value for name, value in parts.items() if name not in {"COUNT", "UNTIL"}}
    if parts["FREQ"] in {"MONTHLY", "YEARLY"}:
        return _search_periods(endless, after)
    # Validated daily and weekly rules match within a few periods, so dateutil does not search for long.
    found = rrulestr(format_rule(endless), dtstart=_midnight(after)).after(_midnight(after))
    return found.date() if found and found.date() <= _LAST_DAY else None


def _find_next_instant(
    parts: RuleParts, due: datetime, timezone: ZoneInfo, wall_time: time | None
) -> Occurrence | None:
    local = due.astimezone(timezone).replace(tzinfo=None)
    clock = wall_time or local.time()
    # Where the clocks skip 23:00 to midnight, an occurrence at 23:30 is due at 00:30 of the next day. The search must
    # start from the intended day, which is the day before.
    day = find_next_day(parts, local.date() - timedelta(days=local.time() < clock))
    if day is None:
        return None
    intended = datetime.combine(day, clock)
    instant = intended.replace(tzinfo=timezone).astimezone(UTC)
    if _has_ended(parts, day, instant, timezone):
        return None
    is_moved = instant.astimezone(timezone).replace(tzinfo=None) != intended
    return Occurrence(instant, format_rule(parts), clock if is_moved else None)


def _has_ended(parts: RuleParts, day: date, instant: datetime | None, timezone: ZoneInfo) -> bool:
    """Returns True if an occurrence is after the UNTIL of its rule. `instant` is None for an all-day occurrence."""
    until = parts.get("UNTIL")
    if until is None:
        return False
    if "T" not in until:
        return day > date.fromisoformat(until)
    last = datetime.fromisoformat(until)
    return instant > last if instant else day > last.astimezone(timezone).date()


def _search_periods(parts: RuleParts, after: date) -> date | None:
    """Returns the first day after `after` that a monthly or yearly rule matches, or None.

    dateutil gets one month or year at a time. Its INTERVAL is so large that dateutil stops at the end of that period.
    """
    from dateutil.rrule import rrule, rrulestr  # noqa: PLC0415 - loaded at first use, to keep start-up fast

    months_per_period = 12 if parts["FREQ"] == "MONTHLY" else 1
    single_period = {"INTERVAL": str(_BEYOND_CALENDAR_YEARS * months_per_period)}
    rule = rrulestr(format_rule(_name_days(parts, after) | single_period), dtstart=_midnight(after))
    assert isinstance(rule, rrule)  # noqa: S101 - only several lines make a set of rules
    for first_day in _find_distinct_periods(parts, after):
        for found in rule.replace(dtstart=_midnight(first_day)):
            if after < found.date() <= _LAST_DAY:
                return found.date()
    return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _name_days(parts: RuleParts, day: date) -> RuleParts:
    """Returns the rule with BYMONTHDAY, and BYMONTH if yearly, of the given day, unless the rule names days."""
    if parts.keys() & DAY_PARTS:
        return dict(parts)
    month = {"BYMONTH": str(day.month)} if parts["FREQ"] == "YEARLY" else {}
    return month | parts | {"BYMONTHDAY": str(day.day)}


def _find_distinct_periods(parts: RuleParts, day: date) -> Iterator[date]:
    """Yields the first day of each month or year to search, beginning with the one of `day`.

    Leaves out periods in which the rule matches the same days as in an earlier one.
    """
    interval = int(parts.get("INTERVAL", 1))
    # Rules without BYDAY and BYWEEKNO match alike for all first weekdays, so fewer periods are searched.
    weekday_count = 1 if parts.keys().isdisjoint({"BYDAY", "BYWEEKNO"}) else 7
    if parts["FREQ"] == "YEARLY":
        return _skip_equal(_iterate_years(day, interval), weekday_count=weekday_count, length_count=3)
    months = {int(month) for month in parts["BYMONTH"].split(",")} if "BYMONTH" in parts else set(range(1, 13))
    lengths = {monthrange(year, month)[1] for month in months for year in (2000, 2001)}
    return _skip_equal(_iterate_months(day, interval, months), weekday_count=weekday_count, length_count=len(lengths))


def _skip_equal(periods: Iterable[_Period], *, weekday_count: int, length_count: int) -> Iterator[date]:
    """Yields the first day of each month or year whose kind was not yet fully searched.

    A kind consists of the first weekday and the lengths. Stops when all kinds have been searched.
    """
    seen = set()
    for number, (first_day, (weekday, *lengths)) in enumerate(periods):
        kind = (weekday % weekday_count, *lengths)
        if kind not in seen:
            yield first_day
        # In the first period only the days after the due date count: a later period of the same kind is searched too.
        if number:
            seen.add(kind)
        if len(seen) == weekday_count * length_count:
            return


def _iterate_years(day: date, interval: int) -> Iterator[_Period]:
    """Yields the rule's years until the calendar repeats, each with its first weekday and two lengths.

    These are its own length and that of the year before, which shifts the numbers of weeks.
    """
    for year in range(day.year, min(day.year + lcm(interval, _CALENDAR_CYCLE_YEARS), _LAST_DAY.year) + 1, interval):
        first_day = date(year, 1, 1)
        yield first_day, (first_day.weekday(), isleap(year), isleap(year - 1))


def _iterate_months(day: date, interval: int, months: Container[int]) -> Iterator[_Period]:
    """Yields the rule's months until the calendar repeats, each with its first weekday and its length."""
    first = day.year * 12 + day.month - 1
    last = min(first + lcm(interval, _CALENDAR_CYCLE_YEARS * 12), _LAST_DAY.year * 12 + 11)
    for months_since_year_0 in range(first, last + 1, interval):
        year, month = divmod(months_since_year_0, 12)
        if month + 1 in months:
            yield date(year, month + 1, 1), monthrange(year, month + 1)
