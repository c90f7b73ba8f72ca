"""Leases of messages: a process takes a message that is due, and deletes it when it is delivered.

A process that dies keeps its lease until the end, `due_at`. Then another process takes the message. The number of
attempts identifies a lease: a process whose lease has ended cannot change the message any more.
"""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from random import uniform
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from todo_core.database.executor import Executor
from todo_core.database.statements import Statement

LEASE_SECONDS: Final = 60
"""Time for which a process has a message. It is longer than an attempt to deliver the message may take."""
ATTEMPT_SECONDS: Final = 45.0
"""The longest time of one attempt."""
RETRIED_FOR: Final = timedelta(days=3)
"""The age at which a message is not tried again."""
_FIRST_PAUSE_SECONDS: Final = 30
_MAX_PAUSE_SECONDS: Final = 4 * 3600
_MAX_DOUBLINGS: Final = 12
_MAX_REASON_CHARACTERS: Final = 500


class LeasedMessage(Struct, frozen=True):
    """A message for which this process has the lease. `attempts` counts this one."""

    id: UUID
    kind: str
    channel: str
    payload: Mapping[str, Any]
    created_at: datetime
    attempts: int


class Backlog(Struct, frozen=True):
    """The messages that are not delivered.

    `waiting` are tried again, the oldest of which was written `oldest_seconds` ago. `dead` are not. `next_seconds` is
    the time until the next one is due: negative if it is due already, and None without any.
    """

    waiting: int = 0
    oldest_seconds: float = 0.0
    dead: int = 0
    next_seconds: float | None = None

    @property
    def is_due(self) -> bool:
        return self.next_seconds is not None and self.next_seconds <= 0


_CLAIM = Statement("""
    UPDATE outbox SET
        attempts = attempts + 1,
        due_at = now() + CAST(:lease AS interval),
        leased_until = now() + CAST(:lease AS interval)
    WHERE id = (
        SELECT id FROM outbox
        WHERE dead_at IS NULL AND due_at <= now() AND channel <> ALL (CAST(:busy_channels AS text[]))
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, kind, channel, payload, created_at, attempts
""")
_THIS_LEASE: Final = "id = :id AND attempts = :attempts AND dead_at IS NULL"
_COMPLETE = Statement(f"DELETE FROM outbox WHERE {_THIS_LEASE} RETURNING id")  # noqa: S608 - constants, as below
_POSTPONE = Statement(f"""
    UPDATE outbox SET
        leased_until = NULL, last_error = :reason, due_at = now() + CAST(:pause AS interval),
        dead_at = CASE
            WHEN :is_final OR now() + CAST(:pause AS interval) > created_at + CAST(:retried_for AS interval) THEN now()
        END
    WHERE {_THIS_LEASE}
    RETURNING dead_at IS NOT NULL AS is_dead
""")  # noqa: S608
_SELECT_BACKLOG = Statement("""
    SELECT
        count(*) FILTER (WHERE dead_at IS NULL) AS waiting,
        coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE dead_at IS NULL)), 0)::float AS oldest,
        count(*) FILTER (WHERE dead_at IS NOT NULL) AS dead,
        extract(epoch FROM min(due_at) FILTER (WHERE dead_at IS NULL) - now())::float AS next
    FROM outbox
""")


async def claim(executor: Executor, *, busy_channels: Collection[str] = ()) -> LeasedMessage | None:
    """Takes the message that is due for the longest time, or None. Skips the channels that are busy."""
    row = await executor.write(_CLAIM, lease=timedelta(seconds=LEASE_SECONDS), busy_channels=sorted(busy_channels))
    if row is None:
        return None
    message_id, kind, channel, payload, created_at, attempts = row
    return LeasedMessage(message_id, kind, channel, json.loads(payload), created_at, attempts)


async def complete(executor: Executor, message: LeasedMessage) -> None:
    """Deletes a delivered message. Does nothing if the lease has ended and another process took the message."""
    await executor.write(_COMPLETE, id=message.id, attempts=message.attempts)


async def postpone(executor: Executor, message: LeasedMessage, reason: str, *, is_final: bool) -> bool:
    """Returns a message that was not delivered, to be tried again after a growing pause.

    After three days, or if the failure is final, the message is dead. Returns True then.
    """
    row = await executor.write(
        _POSTPONE,
        id=message.id,
        attempts=message.attempts,
        reason=reason[:_MAX_REASON_CHARACTERS],
        is_final=is_final,
        pause=find_pause(message.attempts),
        retried_for=RETRIED_FOR,
    )
    return row is not None and bool(row["is_dead"])


def find_pause(attempts: int) -> timedelta:
    """Returns the pause after this number of attempts: 15 to 30 seconds at first, doubled each time up to 4 hours.

    A random part keeps messages apart that failed at the same time.
    """
    doubled = _FIRST_PAUSE_SECONDS * 2 ** min(attempts - 1, _MAX_DOUBLINGS)
    return timedelta(seconds=min(doubled, _MAX_PAUSE_SECONDS) * uniform(0.5, 1))  # noqa: S311 - no secret


async def read_backlog(executor: Executor) -> Backlog:
    row = await executor.fetch_one(_SELECT_BACKLOG)
    assert row is not None  # noqa: S101 - an aggregate has one row
    return Backlog(*row)
