"""The channels by which a user gets reminders, and the quiet hours in which none is sent."""

from datetime import time
from uuid import UUID

from msgspec import Struct

from todo_core.database.executor import Executor
from todo_core.database.statements import Statement
from todo_core.errors import NotAuthenticated
from todo_core.identifiers import new_id


class QuietHours(Struct, frozen=True):
    """Local times of the user's zone. From `start` to `end`, which may be on the next day, reminders are held."""

    start: time
    end: time


class Channels(Struct, frozen=True):
    """The channels of a user, all on by default.

    Mail needs an email that is verified, push needs a subscription, and webhooks need one. Without any of them, a
    reminder still appears in the change log.
    """

    mail: bool = True
    push: bool = True
    webhook: bool = True
    quiet_hours: QuietHours | None = None


_SELECT = Statement(
    "SELECT mail, push, webhook, quiet_start, quiet_end FROM reminder_channels WHERE user_id = :user_id"
)
_UPSERT = Statement("""
    INSERT INTO reminder_channels (id, user_id, mail, push, webhook, quiet_start, quiet_end)
    SELECT CAST(:id AS uuid), id, CAST(:mail AS boolean), CAST(:push AS boolean), CAST(:webhook AS boolean),
        CAST(:quiet_start AS time), CAST(:quiet_end AS time)
    FROM users WHERE id = :user_id
    ON CONFLICT (user_id) DO UPDATE SET
        mail = excluded.mail, push = excluded.push, webhook = excluded.webhook,
        quiet_start = excluded.quiet_start, quiet_end = excluded.quiet_end, updated_at = now()
    RETURNING user_id
""")


async def read(db: Executor, user_id: UUID) -> Channels:
    row = await db.fetch_one(_SELECT, user_id=user_id)
    if row is None:
        return Channels()
    mail, push, webhook, start, end = row
    return Channels(mail, push, webhook, None if start is None else QuietHours(start, end))


async def replace(db: Executor, user_id: UUID, channels: Channels) -> Channels:
    """Stores the channels. Messages that wait already follow them too. Raises NotAuthenticated without the account."""
    quiet = channels.quiet_hours
    stored = await db.write(
        _UPSERT,
        id=new_id(),
        user_id=user_id,
        mail=channels.mail,
        push=channels.push,
        webhook=channels.webhook,
        quiet_start=quiet and quiet.start,
        quiet_end=quiet and quiet.end,
    )
    if stored is None:
        raise NotAuthenticated
    return channels
