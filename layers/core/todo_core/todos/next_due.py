"""Computes the columns that move a recurring todo to its next occurrence, and reminders that move with a due date."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from todo_core.todos.recurrence import next_occurrence


def next_due_values(todo: Mapping[str, Any], timezone: ZoneInfo) -> dict[str, object] | None:
    """Returns the columns that move a todo to its next occurrence.

    Returns None when the rule has no next occurrence, or when the todo has no rule or no due date. A reminder keeps its
    distance from the due date, measured in local time.
    """
    due, reminder, clock = todo["due_at"] or todo["due_date"], todo["reminder_at"], todo["due_time"]
    if due is None or todo["recurrence"] is None:
        return None
    following = next_occurrence(todo["recurrence"], due, timezone, clock)
    if following is None:
        return None
    values = {
        "due_at" if isinstance(following.due, datetime) else "due_date": following.due,
        "due_time": following.wall_time,
        "recurrence": following.rule,
        "occurrences": todo["occurrences"] + 1,
    }
    if reminder is not None:
        distance = _compute_intended_time(following.due, timezone, following.wall_time) - _compute_intended_time(
            due, timezone, clock
        )
        values["reminder_at"] = _shift(reminder, distance, timezone)
    return values


def move_reminder(
    reminder: datetime, old: date | datetime, new: date | datetime, timezone: ZoneInfo
) -> datetime | None:
    """Returns the reminder at the same distance from a due date that moves, measured in local time.

    If only one of the due dates has a time of day, the reminder moves by whole days.
    Returns None outside the years 1 to 9999.
    """
    distance = _compute_intended_time(new, timezone, None) - _compute_intended_time(old, timezone, None)
    if isinstance(old, datetime) is not isinstance(new, datetime):
        distance = _midnight_of(new, timezone) - _midnight_of(old, timezone)
    return _shift(reminder, distance, timezone)


def _midnight_of(due: date | datetime, timezone: ZoneInfo) -> datetime:
    """Returns the local midnight at which the day of a due date begins."""
    day = due.astimezone(timezone).date() if isinstance(due, datetime) else due
    return datetime.combine(day, time())


def _compute_intended_time(due: date | datetime, timezone: ZoneInfo, wall_time: time | None) -> datetime:
    """Returns the intended local time of a due date, which is midnight for a day.

    `wall_time` is the intended time of day if a clock change has moved the due date, else None.
    """
    if not isinstance(due, datetime):
        return datetime.combine(due, time())
    local = due.astimezone(timezone).replace(tzinfo=None)
    clock = wall_time or local.time()
    return datetime.combine(local.date() - timedelta(days=local.time() < clock), clock)


def _shift(instant: datetime, distance: timedelta, timezone: ZoneInfo) -> datetime | None:
    """Returns the instant shifted by `distance` in local time, or None if that is outside the years 1 to 9999."""
    try:
        return (instant.astimezone(timezone).replace(tzinfo=None) + distance).replace(tzinfo=timezone).astimezone(UTC)
    except OverflowError:
        return None
