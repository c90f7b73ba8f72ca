"""Leases of webhooks: a process takes a webhook whose user has new changes, and moves its position on.

A process that dies keeps its lease until the end, `due_at`. The next process sends the same change again, with the
same message id. So each change arrives at least once, and the changes of one webhook arrive in order.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final, override
from uuid import UUID

from msgspec import Struct

from todo_core.database.executor import Database, Executor, Row
from todo_core.database.statements import Statement
from todo_core.identifiers import new_id
from todo_core.outbox.leases import RETRIED_FOR, find_pause
from todo_core.outbox.messages import Mail, enqueue
from todo_core.webhooks import operations
from todo_core.webhooks.attempts import Result
from todo_core.webhooks.figures import Backlog
from todo_core.webhooks.model import DisabledReason, Event

LEASE_SECONDS: Final = 60
"""Time for which a process has a webhook. It sends in the first part of this time only."""
MAX_LOGGED: Final = 1_000
"""The number of deliveries that the log keeps for one webhook."""


class LeasedWebhook(Struct):
    """A webhook for which this process has the lease. `position` moves on while the process works."""

    id: UUID
    user_id: UUID
    url: str
    host: str
    events: Sequence[Event] | None
    secret: bytes
    previous_secret: bytes | None
    position: int
    attempts: int
    lease: int
    sends_reminders: bool
    """False if the user's reminders do not go to webhooks."""

    @override
    def __repr__(self) -> str:
        return f"LeasedWebhook({self.id})"

    def wants(self, event: Event) -> bool:
        is_chosen = self.events is None or event in self.events
        return is_chosen and (self.sends_reminders or event != "reminder.due")


class Entry(Struct, frozen=True):
    """An entry of the log of deliveries: a message about a change, and the result of an attempt to send it."""

    message_id: str
    event: str
    seq: int
    result: Result


# One webhook of each host and of each user at a time: the next call sees which of them are busy then.
_CLAIM = Statement("""
    WITH due AS (
        SELECT webhooks.id, due_at,
            row_number() OVER (PARTITION BY host ORDER BY due_at, webhooks.id) AS place_of_host,
            row_number() OVER (PARTITION BY webhooks.user_id ORDER BY due_at, webhooks.id) AS place_of_user,
            CASE WHEN attempts > 0 THEN row_number() OVER (PARTITION BY attempts > 0 ORDER BY due_at, webhooks.id) END
                AS place_of_failing
        FROM webhooks JOIN account_usage ON account_usage.user_id = webhooks.user_id
        WHERE enabled AND due_at <= now() AND position < last_seq
            AND (CAST(:users AS uuid[]) IS NULL OR webhooks.user_id = ANY (:users))
            AND host <> ALL (CAST(:busy_hosts AS text[])) AND webhooks.user_id <> ALL (CAST(:busy_users AS uuid[]))
    ), chosen AS (
        SELECT id FROM webhooks
        WHERE enabled AND due_at <= now() AND id IN (
            SELECT id FROM due
            WHERE place_of_host = 1 AND place_of_user = 1 AND (place_of_failing > :max_failing) IS NOT TRUE
            ORDER BY due_at LIMIT :limit
        )
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE webhooks SET
        lease = lease + 1, due_at = now() + CAST(:seconds AS interval),
        leased_until = now() + CAST(:seconds AS interval)
    FROM chosen WHERE webhooks.id = chosen.id
    RETURNING webhooks.id, user_id, url, host, events, secret,
        CASE WHEN previous_secret_until > now() THEN previous_secret END AS previous_secret, position, attempts, lease,
        coalesce((SELECT webhook FROM reminder_channels WHERE reminder_channels.user_id = webhooks.user_id), true)
""")
_THIS_LEASE: Final = "id = :id AND lease = :lease AND enabled"
_LOG: Final = """
    INSERT INTO webhook_deliveries AS logged (
        webhook_id, id, message_id, event, seq, state, attempts, status_code, error, milliseconds, attempted_at
    )
    SELECT id, CAST(:entry_id AS uuid), CAST(:message_id AS text), CAST(:event AS text), CAST(:seq AS bigint),
        {state}, 1, CAST(:status_code AS int), CAST(:error AS text), CAST(:milliseconds AS int), now()
    FROM changed
    ON CONFLICT (webhook_id, message_id) DO UPDATE SET
        state = excluded.state, attempts = logged.attempts + 1, status_code = excluded.status_code,
        error = excluded.error, milliseconds = excluded.milliseconds, attempted_at = now()
"""
_MOVE_ON = Statement(f"""
    WITH changed AS (
        UPDATE webhooks SET position = :seq, attempts = 0, failing_since = NULL WHERE {_THIS_LEASE} RETURNING id
    ), logged AS ({_LOG.format(state="'delivered'")})
    SELECT id FROM changed
""")  # noqa: S608 - constants, as all below
_RELEASE = Statement(f"""
    UPDATE webhooks SET position = :position, due_at = now(), leased_until = NULL WHERE {_THIS_LEASE}
    RETURNING position < (SELECT last_seq FROM account_usage WHERE account_usage.user_id = webhooks.user_id) AS has_more
""")  # noqa: S608
_FAIL = Statement(f"""
    WITH changed AS (
        UPDATE webhooks SET
            position = CAST(:seq AS bigint) - 1,
            attempts = attempts + 1,
            failing_since = coalesce(failing_since, now()),
            due_at = now() + CAST(:pause AS interval),
            leased_until = NULL,
            enabled = CAST(:reason AS text) IS NULL
                AND now() + CAST(:pause AS interval) <= coalesce(failing_since, now()) + CAST(:retried_for AS interval),
            disabled_reason = CASE
                WHEN CAST(:reason AS text) IS NOT NULL THEN :reason
                WHEN now() + CAST(:pause AS interval) > coalesce(failing_since, now()) + CAST(:retried_for AS interval)
                    THEN 'failing'
            END
        WHERE {_THIS_LEASE} RETURNING id, user_id, enabled, failing_since
    ), logged AS ({_LOG.format(state="CASE WHEN enabled THEN 'retrying' ELSE 'failed' END")})
    SELECT enabled, failing_since, CASE WHEN email_verified_at IS NOT NULL THEN email END AS email
    FROM changed JOIN users ON users.id = changed.user_id
""")  # noqa: S608
_SKIP_CUT = Statement(f"""
    WITH changed AS (
        UPDATE webhooks SET position = CAST(:seq AS bigint) WHERE {_THIS_LEASE} RETURNING id
    ), logged AS ({_LOG.format(state="'failed'")})
    SELECT id FROM changed
""")  # noqa: S608
_TRIM = Statement("""
    DELETE FROM webhook_deliveries WHERE webhook_id = :webhook_id AND id <= (
        SELECT id FROM webhook_deliveries WHERE webhook_id = :webhook_id ORDER BY id DESC OFFSET :kept LIMIT 1
    )
""")
_SELECT_BACKLOG = Statement("""
    SELECT count(*) AS enabled, count(*) FILTER (WHERE attempts > 0) AS failing,
        extract(epoch FROM min(due_at) FILTER (WHERE position < last_seq) - now())::float AS next
    FROM webhooks JOIN account_usage ON account_usage.user_id = webhooks.user_id
    WHERE enabled
""")


async def claim(  # noqa: PLR0913 - the limits of a process
    executor: Executor,
    *,
    limit: int,
    busy_hosts: Collection[str] = (),
    busy_users: Collection[UUID] = (),
    max_failing: int = 1,
    users: Collection[UUID] | None = None,
) -> list[LeasedWebhook]:
    """Takes at most `limit` webhooks that have waited longest, each of another host and another user.

    Skips the busy ones. Takes at most `max_failing` whose last attempt has failed. With `users`, takes theirs only.
    """
    rows = await executor.fetch_all(
        _CLAIM,
        limit=limit,
        busy_hosts=sorted(busy_hosts),
        busy_users=sorted(busy_users),
        max_failing=max_failing,
        users=None if users is None else sorted(users),
        seconds=timedelta(seconds=LEASE_SECONDS),
    )
    return [LeasedWebhook(*row) for row in rows]


async def move_on(executor: Executor, webhook: LeasedWebhook, entry: Entry) -> bool:
    """Logs a delivered change, and moves the position behind the change. Returns False if the lease was lost."""
    moved = await executor.write(_MOVE_ON, **_name(webhook), **_name_entry(entry)) is not None
    webhook.position = entry.seq
    return moved


async def release(executor: Executor, webhook: LeasedWebhook) -> bool:
    """Ends the lease. Returns True if there are changes that any process may send now."""
    row = await executor.write(_RELEASE, **_name(webhook), position=webhook.position)
    return row is not None and bool(row["has_more"])


async def fail(
    db: Database, webhook: LeasedWebhook, entry: Entry, *, reason: DisabledReason | None = None, can_mail: bool
) -> bool:
    """Logs a failed attempt, and ends the lease. The change is tried again after a growing pause.

    With a reason, the webhook is switched off at once. After three days it is switched off, and its owner gets a mail
    if `can_mail`. Returns True then.
    """
    pause = max(find_pause(webhook.attempts + 1), entry.result.pause)
    async with db.transaction() as transaction:
        await operations.lock_owner(transaction, webhook.user_id)
        row = await transaction.write(
            _FAIL, **_name(webhook), **_name_entry(entry), pause=pause, reason=reason, retried_for=RETRIED_FOR
        )
        if row is None or row["enabled"]:
            return False
        await operations.follow_by_need(transaction, webhook.user_id)
        if reason is None and can_mail and row["email"] is not None:
            await enqueue(transaction, _write_mail(webhook, entry, row))
    return True


def _write_mail(webhook: LeasedWebhook, entry: Entry, row: Row) -> Mail:
    since = row["failing_since"].strftime("%Y-%m-%d %H:%M UTC")
    parameters = {"webhook_url": webhook.url, "error": entry.result.error or "", "since": since}
    return Mail("webhook_off", row["email"], webhook.user_id, parameters)


async def skip_cut(executor: Executor, webhook: LeasedWebhook, entry: Entry) -> bool:
    """Moves the position to that of the entry, behind changes that the log no longer has. Logs that they are missing.

    Returns False if the lease was lost.
    """
    webhook.position = entry.seq
    return await executor.write(_SKIP_CUT, **_name(webhook), **_name_entry(entry)) is not None


async def trim_log(executor: Executor, webhook: LeasedWebhook) -> None:
    """Deletes all entries of the webhook's log but the newest."""
    await executor.write(_TRIM, webhook_id=webhook.id, kept=MAX_LOGGED)


async def read_backlog(executor: Executor) -> Backlog:
    row = await executor.fetch_one(_SELECT_BACKLOG)
    assert row is not None  # noqa: S101 - an aggregate has one row
    return Backlog(*row)


def _name(webhook: LeasedWebhook) -> dict[str, object]:
    return {"id": webhook.id, "lease": webhook.lease}


def _name_entry(entry: Entry) -> dict[str, object]:
    result = entry.result
    return {
        "entry_id": new_id(),
        "message_id": entry.message_id,
        "event": entry.event,
        "seq": entry.seq,
        "status_code": result.status_code,
        "error": result.error,
        "milliseconds": result.milliseconds,
    }
