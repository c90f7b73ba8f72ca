"""Parses the user's phrases for due dates, reminders and recurrences into fields of a todo."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from todo_assistant.phrases.dates import UnreadableDate, parse_date
from todo_assistant.phrases.moments import Due, local_day
from todo_assistant.phrases.moving import move_due
from todo_assistant.phrases.recurrences import UnreadableRecurrence, parse_recurrence
from todo_assistant.phrases.reminders import parse_reminder
from todo_assistant.phrases.spans_of_days import DaySpan, parse_days_span
from todo_assistant.tools.items import ArgumentRejected
from todo_assistant.tools.registry import ToolContext
from todo_assistant.tools.views import FIRST_SAFE_DAY, LAST_SAFE_DAY, format_due
from todo_core.todos import operations
from todo_core.todos.filters import DueBound


def read_due(context: ToolContext, phrase: str | None) -> Sequence[Due]:
    """Returns the days or instants that a date phrase may mean, the likeliest first.

    The result is empty without a phrase. Raises ArgumentRejected for an unreadable phrase. Days too close to the ends
    of the calendar to convert to another time zone count as unreadable.
    """
    if not phrase:
        return ()
    with _rejecting_unreadable(phrase):
        return _require_safe(phrase, parse_date(phrase, now=context.now, timezone=context.timezone))


def read_moved_due(context: ToolContext, phrase: str, due: Due | None) -> Sequence[Due]:
    """Returns the due dates that a phrase may mean for a todo that is due at `due`, the likeliest first.

    Parts that the phrase does not name stay as they are. Raises ArgumentRejected for an unreadable phrase.
    """
    with _rejecting_unreadable(phrase):
        return _require_safe(phrase, move_due(phrase, due, now=context.now, timezone=context.timezone))


def read_day(context: ToolContext, phrase: str | None) -> date | None:
    """Returns the day that a date phrase most likely means in the user's time zone, or None.

    Raises ArgumentRejected for an unreadable phrase.
    """
    if phrase is None:
        return None
    due = read_due(context, phrase)[0]
    return local_day(due, context.timezone)


def read_days(context: ToolContext, phrase: str, *, is_past: bool = False) -> DaySpan:
    """Returns the days that a phrase means, such as `this week`. With `is_past`, a weekday is the latest one.

    Raises ArgumentRejected for an unreadable phrase.
    """
    with _rejecting_unreadable(phrase):
        span = parse_days_span(phrase, now=context.now, timezone=context.timezone, is_past=is_past)
        _require_safe(phrase, [day for day in (span.first, span.last) if day])
        return span


def read_reminder(context: ToolContext, phrase: str, due: Due | None) -> datetime:
    """Returns the instant that a phrase, such as `30 minutes before`, means for a todo that is due at `due`.

    Raises ArgumentRejected if the phrase is unreadable or has no time of day.
    """
    with _rejecting_unreadable(phrase):
        reading = parse_reminder(phrase, due, now=context.now, timezone=context.timezone)
        _require_safe(phrase, [reading])
    if not isinstance(reading, datetime):
        sentence = "A reminder needs a time of the day, as in `tomorrow 9am`: ask the user for it."
        raise ArgumentRejected("needs_time", sentence, phrase=phrase)
    return reading


def due_fields(readings: Sequence[Due]) -> dict[str, Due]:
    """Returns the todo's field for the first, likeliest reading: `due_at` for an instant, `due_date` for a day."""
    if not readings:
        return {}
    return {"due_at" if isinstance(readings[0], datetime) else "due_date": readings[0]}


def due_of(fields: Mapping[str, object]) -> Due | None:
    """Returns the due date in the fields of a todo, or None."""
    due = fields.get("due_at") or fields.get("due_date")
    return due if isinstance(due, date) else None


def other_readings(readings: Sequence[Due], timezone: ZoneInfo) -> dict[str, JsonValue]:
    """Returns the entry of a tool result that lists a date phrase's less likely readings; an empty dict without any."""
    others: list[JsonValue] = [format_due(reading, timezone) for reading in readings[1:]]
    return {"other_readings_of_due": others} if others else {}


def recurrence_fields(context: ToolContext, phrase: str, start: Due | None = None) -> dict[str, object]:
    """Returns the recurrence of a phrase and, as the due date, its first occurrence from `start` on.

    The default of `start` is now. Raises ArgumentRejected for an unreadable phrase.
    """
    with _rejecting_unreadable(phrase):
        parsed = parse_recurrence(phrase, now=context.now, timezone=context.timezone, start=start)
        return {"recurrence": parsed.rule, "recurrence_from": parsed.counts_from, **due_fields([parsed.due])}


async def changed_recurrence_fields(context: ToolContext, todo_id: UUID, phrase: str) -> dict[str, object]:
    """Returns the fields that change an existing todo's recurrence; an empty phrase removes the recurrence.

    The new due date is the first occurrence from the old one on, or from today if that is past.
    Raises TodoNotFound, and ArgumentRejected for an unreadable phrase.
    """
    if not phrase:
        return {"recurrence": None}
    todo = await operations.get(context.db, context.user_id, todo_id)
    due = todo.due_date or todo.due_at
    return recurrence_fields(context, phrase, _not_before_today(context, due) if due else None)


def start_of_day(timezone: ZoneInfo, day: date) -> DueBound:
    """Returns the midnight at which a day begins, as a bound to filter todos by due date."""
    return DueBound(datetime.combine(day, time(), timezone), day)


@contextmanager
def _rejecting_unreadable(phrase: str) -> Iterator[None]:
    """Translates the errors for unreadable phrases into ArgumentRejected, with the phrase as data."""
    try:
        yield
    except UnreadableDate as error:
        raise ArgumentRejected("unreadable_date", str(error), phrase=phrase) from error
    except UnreadableRecurrence as error:
        raise ArgumentRejected("unreadable_recurrence", str(error), phrase=phrase) from error


def _require_safe[Reading: Due](phrase: str, readings: Sequence[Reading]) -> Sequence[Reading]:
    """Returns the readings. Raises UnreadableDate for one too close to the ends of the calendar."""
    days = (reading.date() if isinstance(reading, datetime) else reading for reading in readings)
    if not all(FIRST_SAFE_DAY <= day <= LAST_SAFE_DAY for day in days):
        raise UnreadableDate(phrase)
    return readings


def _not_before_today(context: ToolContext, due: Due) -> Due:
    """Returns the due date, or today (at the same time of day) if the due date is past."""
    if not isinstance(due, datetime):
        return max(due, context.today)
    try:
        local = due.astimezone(context.timezone)
    except OverflowError:  # The local time lies outside the years 1 to 9999; the caller cannot read it either.
        return due
    if local.date() >= context.today:
        return due
    return datetime.combine(context.today, local.time(), context.timezone)
