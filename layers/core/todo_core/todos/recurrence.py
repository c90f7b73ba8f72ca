"""Finds the next occurrence of a recurrence rule (RFC 5545) in the local time of a user."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from todo_core.todos.recurrence_calendar import RuleParts
from todo_core.todos.recurrence_days import MatchingDays

type Due = date | datetime
"""A due date: a day, or an instant in UTC."""

_FIRST_CHECKED_YEAR: Final = 1600
_CYCLE_YEARS: Final = 400
"""The number of years after which weekdays and leap years repeat."""
_MAX_DAYS_MOVED: Final = 2
"""An occurrence is due at most this many days after its meant day: Samoa has skipped a whole day."""


class Occurrence(Struct, frozen=True):
    """The next due date of a recurring todo: a day if the previous due date was a day, else an instant in UTC.

    `rule` is the rule to store: its COUNT, if any, is lower by this occurrence and those left out before it.
    `wall_time` is the intended time of day, set only when a clock change moves this occurrence to another time.
    """

    due: Due
    rule: str
    wall_time: time | None


def next_occurrence(
    rule: str, due: Due, timezone: ZoneInfo, wall_time: time | None = None, *, after: Due | None = None
) -> Occurrence | None:
    """Returns the first occurrence of a canonical rule after a due date, or None when the rule has ended.

    The rule starts at the due date and is computed in local time. `wall_time` is the intended time of day of `due`, if
    a clock change has moved it. A local time that the clocks skip is later by the length of the gap.

    Occurrences up to `after`, which is of the same type as `due`, are left out. They count for COUNT.
    """
    parts = _parse_rule(rule)
    try:
        if isinstance(due, datetime):
            last = max(due, after) if isinstance(after, datetime) else due
            return _find_next_instant(parts, due, timezone, wall_time, last)
        return _find_next_day(parts, due, timezone, due if after is None else max(due, after))
    except OverflowError:  # The local time lies outside the years 1 to 9999, so the rule ends.
        return None


def depends_on_start(rule: str) -> bool:
    """Returns whether a canonical rule may have no occurrence after some due dates, but has after others."""
    parts = _parse_rule(rule)
    limits = {name for name in parts if name.startswith("BY")}
    return bool(limits) and ("INTERVAL" in parts or limits.isdisjoint({"BYYEARDAY", "BYMONTHDAY", "BYDAY"}))


def ever_recurs(rule: str, due: Due, timezone: ZoneInfo) -> bool:
    """Returns whether a canonical rule that starts at a due date has another occurrence, without COUNT and UNTIL."""
    try:
        start = find_local_day(due, timezone)
    except OverflowError:
        return True
    # An equal year far from the end of the calendar, which ends rules that would recur.
    start = start.replace(year=_FIRST_CHECKED_YEAR + start.year % _CYCLE_YEARS)
    return MatchingDays(_parse_rule(rule), start).find_first_after(start) is not None


def find_meant_time(due: Due, timezone: ZoneInfo, wall_time: time | None) -> datetime:
    """Returns the intended local time of a due date, which is midnight for a day.

    `wall_time` is the intended time of day if a clock change has moved the due date, else None. It counts only in the
    time zone of that clock change: in another one, it is not the time of the due date.
    """
    if not isinstance(due, datetime):
        return datetime.combine(due, time())
    local = _to_local(due, timezone)
    if wall_time is None:
        return local
    # Where the clocks skip 23:00 to midnight, an occurrence at 23:30 is due at 00:30 of the next day.
    meant = datetime.combine(local.date() - timedelta(days=local.time() < wall_time), wall_time)
    return meant if to_instant(meant, timezone) == due else local


def to_instant(local: datetime, timezone: ZoneInfo) -> datetime:
    """Returns the instant of a local time. One that occurs twice is the first, one that is skipped is later."""
    return local.replace(tzinfo=timezone).astimezone(UTC)


def find_local_day(due: Due, timezone: ZoneInfo) -> date:
    """Returns the local day of a due date. Raises OverflowError outside the years 1 to 9999."""
    return due.astimezone(timezone).date() if isinstance(due, datetime) else due


def format_rule(parts: RuleParts) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _parse_rule(rule: str) -> RuleParts:
    return dict(part.split("=") for part in rule.split(";"))


def _to_local(instant: datetime, timezone: ZoneInfo) -> datetime:
    """Returns a local time without `fold`: kept, it would change a later date that is skipped or occurs twice."""
    return instant.astimezone(timezone).replace(tzinfo=None, fold=0)


def _find_next_day(parts: RuleParts, due: date, timezone: ZoneInfo, after: date) -> Occurrence | None:
    days = MatchingDays(parts, due)
    day = days.find_first_after(after)
    if day is None or not _count_down(parts, days, day) or _has_ended(parts, day, None, timezone):
        return None
    return Occurrence(day, format_rule(parts), None)


def _find_next_instant(
    parts: RuleParts, due: datetime, timezone: ZoneInfo, wall_time: time | None, after: datetime
) -> Occurrence | None:
    meant = find_meant_time(due, timezone, wall_time)
    days = MatchingDays(parts, meant.date())
    day: date | None = meant.date()
    if after > due:
        day = max(meant.date(), _to_local(after, timezone).date() - timedelta(days=_MAX_DAYS_MOVED))
    instant = due
    while day is not None and instant <= after:
        day = days.find_first_after(day)
        if day is not None:
            meant = datetime.combine(day, meant.time())
            instant = to_instant(meant, timezone)
    if day is None or not _count_down(parts, days, day) or _has_ended(parts, day, instant, timezone):
        return None
    is_moved = _to_local(instant, timezone) != meant
    return Occurrence(instant, format_rule(parts), meant.time() if is_moved else None)


def _count_down(parts: RuleParts, days: MatchingDays, day: date) -> bool:
    """Subtracts the occurrences up to `day` from COUNT, if there is one. Returns False when too few are left."""
    if "COUNT" not in parts:
        return True
    left = int(parts["COUNT"])
    left -= days.count_until(day, most=left)
    parts["COUNT"] = str(left)
    return left > 0


def _has_ended(parts: RuleParts, day: date, instant: datetime | None, timezone: ZoneInfo) -> bool:
    """Returns True if an occurrence is after the UNTIL of its rule. `instant` is None for an all-day occurrence."""
    until = parts.get("UNTIL")
    if until is None:
        return False
    if "T" not in until:
        return day > date.fromisoformat(until)
    last = datetime.fromisoformat(until)
    if instant is not None:
        return instant > last
    try:
        return day > find_local_day(last, timezone)
    except OverflowError:  # Such as 99991231T235959Z, which stands for no end.
        return day > last.date()
