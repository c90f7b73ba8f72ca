"""Due dates, reminders and recurrences in the phrases of the user, as fields of a todo."""

from collections.abc import Sequence
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from todo_assistant.phrases.dates import UnreadableDate, parse_date
from todo_assistant.phrases.moments import Due
from todo_assistant.phrases.recurrences import parse_recurrence
from todo_assistant.tools.items import ArgumentRejected
from todo_assistant.tools.registry import ToolContext
from todo_assistant.tools.views import FIRST_SAFE_DAY, LAST_SAFE_DAY, format_due
from todo_core.todos import operations
from todo_core.todos.filters import DueBound


def read_due(context: ToolContext, phrase: str | None) -> Sequence[Due]:
    """Returns the readings of a phrase, the likeliest first; none without a phrase. Raises UnreadableDate."""
    if not phrase:
        return ()
    readings = parse_date(phrase, now=context.now, timezone=context.timezone)
    days = (reading.date() if isinstance(reading, datetime) else reading for reading in readings)
    if not all(FIRST_SAFE_DAY <= day <= LAST_SAFE_DAY for day in days):
        raise UnreadableDate(phrase)
    return readings


def read_day(context: ToolContext, phrase: str | None) -> date | None:
    """Returns the day of the likeliest reading, in the user's time zone. Raises UnreadableDate."""
    if phrase is None:
        return None
    due = read_due(context, phrase)[0]
    return due.astimezone(context.timezone).date() if isinstance(due, datetime) else due


def read_reminder(context: ToolContext, phrase: str) -> datetime:
    """Returns the instant of a reminder. Raises UnreadableDate, and ArgumentRejected for a day without a time."""
    reading = read_due(context, phrase)[0]
    if not isinstance(reading, datetime):
        raise ArgumentRejected("A reminder needs a time of the day, as in `tomorrow 9am`: ask the user for it.")
    return reading


def due_fields(readings: Sequence[Due]) -> dict[str, Due]:
    """Returns the field of the likeliest reading: `due_at` for an instant, `due_date` for a day."""
    if not readings:
        return {}
    return {"due_at" if isinstance(readings[0], datetime) else "due_date": readings[0]}


def other_readings(readings: Sequence[Due], timezone: ZoneInfo) -> dict[str, JsonValue]:
    """Returns the part of a tool result that lists the readings after the likeliest one, if there are any."""
    others: list[JsonValue] = [format_due(reading, timezone) for reading in readings[1:]]
    return {"other_readings_of_due": others} if others else {}


def recurrence_fields(context: ToolContext, phrase: str, start: Due | None = None) -> dict[str, object]:
    """Returns the recurrence rule and the due date of the first occurrence from `start`.

    Raises UnreadableRecurrence.
    """
    parsed = parse_recurrence(phrase, now=context.now, timezone=context.timezone, start=start)
    return {"recurrence": parsed.rule, **due_fields([parsed.due])}


async def changed_recurrence_fields(context: ToolContext, todo_id: UUID, phrase: str) -> dict[str, object]:
    """Returns the fields that change a todo's recurrence; an empty phrase removes it.

    The first occurrence is counted from the todo's due date, or from today if that is past.
    Raises TodoNotFound and UnreadableRecurrence.
    """
    if not phrase:
        return {"recurrence": None}
    todo = await operations.get(context.db, context.user_id, todo_id)
    due = todo.due_date or todo.due_at
    return recurrence_fields(context, phrase, _not_before_today(context, due) if due else None)


def start_of_day(timezone: ZoneInfo, day: date) -> DueBound:
    """Returns midnight of a day as the bound of a list of todos."""
    return DueBound(datetime.combine(day, time(), timezone), day)


def _not_before_today(context: ToolContext, due: Due) -> Due:
    """Returns the due date, or today (at the same time of day) if the due date is past."""
    if not isinstance(due, datetime):
        return max(due, context.today)
    local = due.astimezone(context.timezone)
    if local.date() >= context.today:
        return due
    return datetime.combine(context.today, local.time(), context.timezone)
