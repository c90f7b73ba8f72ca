"""What completing a todo that recurs makes of it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from todo_core.todos.recurrence import next_occurrence


def next_due_values(todo: Mapping[str, Any], timezone: ZoneInfo) -> dict[str, object] | None:
    """What to write, column by column, to move it to its next occurrence; None if there is no next one.

    A reminder keeps its distance to what it reminds of, by the clocks of the zone.
    """
    due, reminder, clock = todo["due_at"] or todo["due_date"], todo["reminder_at"], todo["due_time"]
    if due is None or todo["recurrence"] is None:
        return None
    following = next_occurrence(todo["recurrence"], due, timezone, clock)
    if following is None:
        return None
    moved = {
        "due_at" if isinstance(following.due, datetime) else "due_date": following.due,
        "due_time": following.wall_time,
        "recurrence": following.rule,
        "occurrences": todo["occurrences"] + 1,
    }
    if reminder is not None:
        days = _wall_clock(following.due, timezone, following.wall_time) - _wall_clock(due, timezone, clock)
        moved["reminder_at"] = _later(reminder, days, timezone)
    return moved


def _wall_clock(due: date | datetime, timezone: ZoneInfo, meant: time | None) -> datetime:
    """What a clock on the wall shows when it is due: the time that was meant where a clock change has moved it."""
    if not isinstance(due, datetime):
        return datetime.combine(due, time())
    local = due.astimezone(timezone).replace(tzinfo=None)
    clock = meant or local.time()
    return datetime.combine(local.date() - timedelta(days=local.time() < clock), clock)


def _later(instant: datetime, distance: timedelta, timezone: ZoneInfo) -> datetime | None:
    """None past the end of the calendar."""
    try:
        return (instant.astimezone(timezone).replace(tzinfo=None) + distance).replace(tzinfo=timezone).astimezone(UTC)
    except OverflowError:
        return None
