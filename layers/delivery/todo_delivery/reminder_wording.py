"""The words of reminders: times as the user's clock shows them, and the sentence of a reminder that is late."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from todo_core.reminders.due import DueReminder

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def describe_due(reminder: DueReminder) -> str | None:
    """Returns the due date as `Due on Friday, 31 January 2030 at 18:00`, or None without one."""
    if reminder.due_at is not None:
        return f"Due on {describe_time(reminder.due_at, reminder.timezone)}"
    return f"Due on {_describe_day(reminder.due_date)}" if reminder.due_date is not None else None


def describe_delay(reminder: DueReminder) -> str | None:
    """Returns the sentence of a late reminder, with both times. None for one that is in time."""
    if not reminder.is_late:
        return None
    meant, sent = (describe_time(time, reminder.timezone) for time in (reminder.reminder_at, reminder.sent_at))
    return f"This reminder is late: it was set for {meant}, and sent on {sent}."


def describe_time(moment: datetime, timezone: str) -> str:
    """Returns a time as `Friday, 31 January 2030 at 18:00`, in the zone."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{_describe_day(local)} at {local:%H:%M}"


def _describe_day(day: date) -> str:
    # Without strftime, whose names follow the locale of the machine.
    return f"{_DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]} {day.year}"
