"""Computes the columns that move a recurring todo to its next occurrence, and reminders that move with a due date."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from todo_core.todos.recurrence import (
    Due,
    Occurrence,
    find_local_day,
    find_meant_time,
    next_occurrence,
    to_instant,
)

type Cause = Literal["completed", "skipped"]
"""The reason for which a todo moves on."""

_DAY: Final = timedelta(days=1)
_SMALLEST_TIME: Final = timedelta(microseconds=1)


class SeriesPlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """The place of the current occurrence in its series, stored when the todo itself is elsewhere.

    The due date and the reminder are those before the first postponement. The place counts only while `occurrence` is
    the todo's number of occurrences: code of release 0.2.0 moves a todo and leaves the place as it was.
    """

    occurrence: int
    due_date: date | None = None
    due_at: datetime | None = None
    reminder_at: datetime | None = None
    reminder_lead: timedelta | None = None
    """The meant distance from due date to reminder in local time, if a clock change has moved `reminder_at`."""


def next_due_values(
    todo: Mapping[str, Any], timezone: ZoneInfo, now: datetime, cause: Cause = "completed"
) -> dict[str, object] | None:
    """Returns the columns that move a todo to its next occurrence.

    This is the first one later than the due date and than now. The occurrences between them are left out. The rule of
    a todo that recurs from its completion starts anew on the day of `now`.

    Returns None when the rule has no next occurrence, or when the todo has no rule or no due date. A reminder keeps its
    distance from the due date, measured in local time.
    """
    due, clock = todo["due_at"] or todo["due_date"], todo["due_time"]
    if due is None or todo["recurrence"] is None:
        return None
    place = _read_place(todo)
    origin = (place.due_at or place.due_date or due) if place else due
    try:
        last = _find_later(origin, due, now, timezone)
        start = origin
        if todo["recurrence_from"] == "completion":
            start, clock = _restart(origin, clock, now if cause == "completed" else last, timezone)
            last = start
    except OverflowError:  # The local time lies outside the years 1 to 9999.
        return None
    following = next_occurrence(todo["recurrence"], start, timezone, clock, after=last)
    if following is None:
        return None
    number = todo["occurrences"] + 1
    return {
        "due_at": following.due if isinstance(following.due, datetime) else None,
        "due_date": None if isinstance(following.due, datetime) else following.due,
        "due_time": following.wall_time,
        "recurrence": following.rule,
        "occurrences": number,
        "skips": todo["skips"] + (cause == "skipped"),
    } | _move_series_reminder(todo, place, origin, following, timezone)


def apply_changes(todo: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the todo after the changes in `values`, also those of its series that statements make in SQL.

    A new rule, or a rule with another due date, begins a series at the due date. A due date alone moves only the
    current occurrence.
    """
    changed = {name for name in ("due_date", "due_at", "recurrence") if name in values and values[name] != todo[name]}
    new = {**todo, **values}
    if "recurrence" in values:
        return new | ({"due_time": None, "series": None} if changed else {})
    if changed and _read_place(todo) is None:
        place = SeriesPlace(todo["occurrences"], todo["due_date"], todo["due_at"], todo["reminder_at"])
        new["series"] = msgspec.json.encode(place).decode()
    return new


def move_reminder(reminder: datetime, old: Due, new: Due, timezone: ZoneInfo) -> datetime | None:
    """Returns the reminder at the same distance from a due date that moves, measured in local time.

    If only one of the due dates has a time of day, the reminder moves by whole days.
    Returns None outside the years 1 to 9999.
    """
    try:
        meant_new = find_meant_time(new, timezone, None)
        distance = meant_new - find_meant_time(old, timezone, None)
        if isinstance(old, datetime) is not isinstance(new, datetime):
            distance = _midnight_of(new, timezone) - _midnight_of(old, timezone)
        lead = find_meant_time(reminder, timezone, None) + distance - meant_new
    except OverflowError:
        return None
    return _remind(new, meant_new, lead, timezone)


def _read_place(todo: Mapping[str, Any]) -> SeriesPlace | None:
    if todo["series"] is None:
        return None
    place = msgspec.json.decode(todo["series"], type=SeriesPlace)
    return place if place.occurrence == todo["occurrences"] else None


def _find_later(origin: Due, due: Due, now: datetime, timezone: ZoneInfo) -> Due:
    """Returns the later of a due date and now, as a day or an instant like `origin`. A day lasts until its end."""
    if not isinstance(origin, datetime):
        return max(find_local_day(due, timezone), find_local_day(now, timezone))
    return max(_find_end(due, timezone), now)


def _find_end(due: Due, timezone: ZoneInfo) -> datetime:
    """Returns an instant, or the last moment of a day."""
    if isinstance(due, datetime):
        return due
    return to_instant(datetime.combine(due + _DAY, time()), timezone) - _SMALLEST_TIME


def _restart(origin: Due, wall_time: time | None, moment: Due, timezone: ZoneInfo) -> tuple[Due, time | None]:
    """Returns the due date, and its meant time, from which a rule starts anew on the day of a moment."""
    day = find_local_day(moment, timezone)
    if not isinstance(origin, datetime):
        return day, None
    clock = find_meant_time(origin, timezone, wall_time).time()
    return to_instant(datetime.combine(day, clock), timezone), clock


def _move_series_reminder(
    todo: Mapping[str, Any], place: SeriesPlace | None, origin: Due, following: Occurrence, timezone: ZoneInfo
) -> dict[str, object]:
    """Returns the columns of the reminder at the next occurrence, and of the place in the series, which is here."""
    if todo["reminder_at"] is None:
        return {"series": None}
    try:
        lead = _find_lead(todo, place, origin, timezone)
    except OverflowError:  # The local time of the reminder lies outside the years 1 to 9999.
        return {"reminder_at": None, "series": None}
    meant_due = find_meant_time(following.due, timezone, following.wall_time)
    reminder = _remind(following.due, meant_due, lead, timezone)
    if reminder is None or find_meant_time(reminder, timezone, None) == meant_due + lead:
        return {"reminder_at": reminder, "series": None}
    # A clock change has moved the reminder: the next one returns to its meant time.
    due_at = following.due if isinstance(following.due, datetime) else None
    due_date = None if due_at else following.due
    moved = SeriesPlace(todo["occurrences"] + 1, due_date, due_at, reminder, lead)
    return {"reminder_at": reminder, "series": msgspec.json.encode(moved).decode()}


def _find_lead(todo: Mapping[str, Any], place: SeriesPlace | None, origin: Due, timezone: ZoneInfo) -> timedelta:
    """Returns the distance from due date to reminder in the series, in local time; negative before the due date."""
    due, reminder = todo["due_at"] or todo["due_date"], todo["reminder_at"]
    is_postponed = due != origin
    if place and place.reminder_at and (is_postponed or place.reminder_at == reminder):
        if place.reminder_lead is not None:
            return place.reminder_lead
        due, reminder, is_postponed = origin, place.reminder_at, False
    meant_due = find_meant_time(due, timezone, None if is_postponed else todo["due_time"])
    return find_meant_time(reminder, timezone, None) - meant_due


def _remind(due: Due, meant_due: datetime, lead: timedelta, timezone: ZoneInfo) -> datetime | None:
    """Returns the instant of a reminder at a distance from a due date. Returns None outside the years 1 to 9999.

    A time that the clocks skip is later by the length of the gap. If that is after the due date, the time is earlier.
    """
    try:
        meant = meant_due + lead
        instant = to_instant(meant, timezone)
        if _is_before(meant, due, meant_due) and _is_late(instant, due, timezone):
            # With `fold`, a skipped time has the offset that is valid after the gap.
            return meant.replace(tzinfo=timezone, fold=1).astimezone(UTC)
    except OverflowError:
        return None
    return instant


def _is_before(meant: datetime, due: Due, meant_due: datetime) -> bool:
    """Returns whether a reminder is meant to come no later than its due date, whose day counts until its end."""
    return meant <= meant_due if isinstance(due, datetime) else meant.date() <= due


def _is_late(instant: datetime, due: Due, timezone: ZoneInfo) -> bool:
    return instant > due if isinstance(due, datetime) else find_local_day(instant, timezone) > due


def _midnight_of(due: Due, timezone: ZoneInfo) -> datetime:
    """Returns the local midnight at which the day of a due date begins."""
    return datetime.combine(find_local_day(due, timezone), time())
