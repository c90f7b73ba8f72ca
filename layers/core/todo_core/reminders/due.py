"""A reminder at the time when its message is sent: what it says now, and whether it still holds."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.database.executor import Executor
from todo_core.database.statements import Statement
from todo_core.outbox.errors import DeliveryHeld
from todo_core.outbox.leases import LeasedMessage
from todo_core.reminders.firing import LATE_AFTER
from todo_core.reminders.push_subscriptions import NewSubscription


class DueReminder(Struct, frozen=True):
    """A reminder that is sent now. Times are UTC; `timezone` is the user's IANA time zone."""

    todo_id: UUID
    title: str
    due_date: date | None
    due_at: datetime | None
    reminder_at: datetime
    sent_at: datetime
    email: str
    timezone: str

    @property
    def is_late(self) -> bool:
        return self.sent_at - self.reminder_at > LATE_AFTER


# A todo that was completed, deleted or moved is not found. Neither is one whose user has switched the channel off.
_STILL_HOLDS: Final = """
    todos.id = :todo_id AND todos.user_id = :user_id AND todos.reminder_at = :reminder_at
    AND NOT todos.completed AND todos.deleted_at IS NULL
"""
_COLUMNS: Final = """
    todos.id AS todo_id, todos.title, todos.due_date, todos.due_at, todos.reminder_at, now() AS sent_at,
    users.email, users.timezone
"""
_QUIET_UNTIL: Final = "quiet_until(now(), users.timezone, quiet_start, quiet_end) AS quiet_until"
_SELECT_FOR_MAIL = Statement(f"""
    SELECT {_COLUMNS}, {_QUIET_UNTIL} FROM todos JOIN users ON users.id = todos.user_id
    LEFT JOIN reminder_channels AS channels ON channels.user_id = todos.user_id
    WHERE {_STILL_HOLDS} AND users.email_verified_at IS NOT NULL AND coalesce(channels.mail, true)
""")  # noqa: S608 - constants, as below
_SELECT_FOR_PUSH = Statement(f"""
    SELECT {_COLUMNS}, {_QUIET_UNTIL}, subscriptions.endpoint, subscriptions.p256dh, subscriptions.auth
    FROM todos JOIN users ON users.id = todos.user_id
    JOIN push_subscriptions AS subscriptions ON subscriptions.user_id = todos.user_id
    LEFT JOIN reminder_channels AS channels ON channels.user_id = todos.user_id
    WHERE {_STILL_HOLDS} AND subscriptions.id = :device AND coalesce(channels.push, true)
""")  # noqa: S608
_FIELDS: Final = len(DueReminder.__struct_fields__)


async def find_for_mail(db: Executor, message: LeasedMessage) -> DueReminder | None:
    """Returns the reminder of a message that is sent by mail, or None if it does not hold any more.

    Raises DeliveryHeld within the quiet hours of the user.
    """
    row = await db.fetch_one(_SELECT_FOR_MAIL, **_read_parameters(message))
    return None if row is None else _hold_in_quiet_hours(DueReminder(*row[:_FIELDS]), row["quiet_until"])


async def find_for_push(db: Executor, message: LeasedMessage) -> tuple[DueReminder, NewSubscription] | None:
    """Returns the reminder of a message for a device, and the device's subscription, or None as `find_for_mail`."""
    device = UUID(message.payload["device"])
    row = await db.fetch_one(_SELECT_FOR_PUSH, device=device, **_read_parameters(message))
    if row is None:
        return None
    reminder = _hold_in_quiet_hours(DueReminder(*row[:_FIELDS]), row["quiet_until"])
    return reminder, NewSubscription(row["endpoint"], row["p256dh"], row["auth"])


def _read_parameters(message: LeasedMessage) -> dict[str, object]:
    return {
        "user_id": message.user_id,
        "todo_id": UUID(message.payload["todo_id"]),
        "reminder_at": datetime.fromisoformat(message.payload["reminder_at"]),
    }


def _hold_in_quiet_hours(reminder: DueReminder, quiet_until: datetime) -> DueReminder:
    if quiet_until > reminder.sent_at:
        raise DeliveryHeld(quiet_until)
    return reminder
