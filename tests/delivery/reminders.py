"""Reminders and their messages for tests of senders."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from todo_core.outbox.leases import LeasedMessage
from todo_core.reminders.due import DueReminder

MESSAGE_ID: Final = UUID("0198c5a1-6e57-7d2c-9d2b-0b1e6a7c9f10")
TODO_ID: Final = UUID("0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22")
USER_ID: Final = UUID("0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a33")
MEANT: Final = datetime(2030, 1, 31, 16, tzinfo=UTC)


def make_reminder(*, delay: timedelta = timedelta(seconds=1), **fields: Any) -> DueReminder:
    """Returns a reminder of 17:00 in Berlin that is sent with this delay."""
    values: dict[str, Any] = {
        "todo_id": TODO_ID,
        "title": "Buy milk",
        "due_date": None,
        "due_at": datetime(2030, 1, 31, 17, tzinfo=UTC),
        "reminder_at": MEANT,
        "sent_at": MEANT + delay,
        "email": "ada@example.com",
        "timezone": "Europe/Berlin",
    }
    return DueReminder(**values | fields)


def make_message(kind: str, device: UUID | None = None) -> LeasedMessage:
    payload = {"todo_id": str(TODO_ID), "reminder_at": MEANT.isoformat(), "device": device and str(device)}
    return LeasedMessage(MESSAGE_ID, kind, "example.com", payload, MEANT, attempts=1, user_id=USER_ID)


def build_todo_url(todo_id: UUID) -> str:
    return f"https://app.example.com/todos/{todo_id}"
