"""Lets reminders fire that are due: marks them, and writes a message for each channel of their users.

All of it is one statement. So a process that dies loses no reminder, and no lock waits for a process.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.logs import log
from todo_core.outbox.messages import PUSH, REMINDER_MAIL
from todo_core.outbox.outbox import DeliveryCounts
from todo_core.schema.pending_reminders import IS_PENDING

LATE_AFTER: Final = timedelta(minutes=2)
"""The time after which a reminder counts as late, and its message says so. On Lambda, a minute is usual."""
_MAX_AT_ONCE: Final = 200
"""The most reminders of one statement. Their users' other changes wait for it, some tens of milliseconds."""
_MAX_BUSY_OWNERS: Final = 1_000


class ReminderChannels(Struct, frozen=True):
    """The channels for which this process writes messages: those that the settings make possible."""

    mail: bool
    push: bool


# Each step is materialized: the planner must not try the locks of other owners.
#
# The locks are taken in the order of all writes: the change log, the todos, the counters. The statement waits for none
# of the first two, and takes the last in one order: it therefore cannot deadlock. It skips owners whose lock is not
# free, because they change their todos at this moment, or close their account.
_FIRE = Statement(f"""
    WITH due AS MATERIALIZED (
        SELECT id, user_id FROM todos
        WHERE {IS_PENDING} AND reminder_at <= now() AND user_id <> ALL (CAST(:busy AS uuid[]))
        ORDER BY reminder_at LIMIT :limit
    ), named AS MATERIALIZED (
        SELECT DISTINCT user_id FROM due
    ), locked AS MATERIALIZED (
        SELECT user_id FROM named WHERE pg_try_advisory_xact_lock(23569, hashtext(user_id::text))
    ), owners AS MATERIALIZED (
        SELECT id AS user_id FROM users WHERE id IN (SELECT user_id FROM locked) FOR KEY SHARE SKIP LOCKED
    ), claimed AS MATERIALIZED (
        SELECT todos.id FROM todos
        WHERE id IN (SELECT id FROM due) AND user_id IN (SELECT user_id FROM owners)
            AND {IS_PENDING} AND reminder_at <= now()
        FOR UPDATE SKIP LOCKED
    ), counters AS MATERIALIZED (
        SELECT user_id FROM account_usage WHERE user_id IN (SELECT user_id FROM owners) ORDER BY user_id FOR UPDATE
    ), fired AS (
        UPDATE todos SET reminded_at = reminder_at
        WHERE id IN (SELECT id FROM claimed) AND (SELECT count(*) FROM counters) >= 0
        RETURNING id, user_id, reminder_at
    ), recipients AS (
        SELECT fired.*, users.email, quiet_until(now(), users.timezone, quiet_start, quiet_end) AS due_at,
            users.email_verified_at IS NOT NULL AND coalesce(channels.mail, true) AS by_mail,
            coalesce(channels.push, true) AS by_push
        FROM fired JOIN users ON users.id = fired.user_id
        LEFT JOIN reminder_channels AS channels ON channels.user_id = fired.user_id
    ), messages AS (
        SELECT id, user_id, reminder_at, due_at, '{REMINDER_MAIL}' AS kind, NULL::uuid AS device,
            lower(substring(email FROM '[^@]*$')) AS channel
        FROM recipients WHERE by_mail AND CAST(:mail AS boolean)
        UNION ALL
        SELECT recipients.id, recipients.user_id, reminder_at, due_at, '{PUSH}', subscriptions.id,
            lower(substring(endpoint FROM '^https?://([^/?#]+)'))
        FROM recipients JOIN push_subscriptions AS subscriptions USING (user_id)
        WHERE by_push AND CAST(:push AS boolean)
    ), written AS (
        INSERT INTO outbox (id, kind, channel, user_id, payload, created_at, due_at)
        SELECT reminder_message_id(id, reminder_at, kind, device), kind, channel, user_id,
            jsonb_build_object('todo_id', id, 'reminder_at', reminder_at, 'device', device), due_at, due_at
        FROM messages
        ON CONFLICT (id) DO NOTHING
    )
    SELECT
        (SELECT count(*) FROM due) AS found,
        (SELECT count(*) FROM fired) AS fired,
        (SELECT count(*) FROM fired WHERE reminder_at < now() - CAST(:late_after AS interval)) AS late,
        ARRAY(SELECT user_id FROM named EXCEPT SELECT user_id FROM owners) AS busy
""")  # noqa: S608 - constants


async def fire_due(db: Database, channels: ReminderChannels, counts: DeliveryCounts) -> bool:
    """Lets the reminders fire that are due. Returns True if others may be due, because their owners were busy.

    Raises DatabaseUnavailable and SchemaOutdated.
    """
    busy: list[UUID] = []
    while True:
        row = await db.write(
            _FIRE,
            busy=busy,
            limit=_MAX_AT_ONCE,
            mail=channels.mail,
            push=channels.push,
            late_after=LATE_AFTER,
        )
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        counts.reminders += row["fired"]
        counts.late_reminders += row["late"]
        if row["fired"]:
            log.info("Reminders fired", extra={"reminders": row["fired"], "late": row["late"]})
        busy += row["busy"]
        if row["found"] < _MAX_AT_ONCE or len(busy) > _MAX_BUSY_OWNERS:
            return bool(busy)
