"""Leases of messages: a process takes messages that are due, and deletes each when it is delivered.

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
from todo_core.outbox.places import MIN_PER_CHANNEL

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
_NO_ROOMS: Final[Mapping[str, int]] = {}


class LeasedMessage(Struct, frozen=True):
    """A message for which this process has the lease. `attempts` counts this one."""

    id: UUID
    kind: str
    channel: str
    payload: Mapping[str, Any]
    created_at: datetime
    attempts: int
    user_id: UUID | None = None


# Each channel gets as many candidates as it has room for. The others are free again when the statement ends.
_CLAIM = Statement("""
    WITH candidates AS MATERIALIZED (
        SELECT id, channel, due_at FROM outbox
        WHERE dead_at IS NULL AND due_at <= now() AND kind = ANY (CAST(:kinds AS text[]))
            AND channel <> ALL (CAST(:full_channels AS text[]))
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ), ranked AS (
        SELECT id, channel, row_number() OVER (PARTITION BY channel ORDER BY due_at) AS place FROM candidates
    ), chosen AS (
        SELECT id FROM ranked
        LEFT JOIN unnest(CAST(:channels AS text[]), CAST(:rooms AS int[])) AS known(channel, room) USING (channel)
        WHERE place <= coalesce(room, :room)
    )
    UPDATE outbox SET
        attempts = attempts + 1,
        due_at = now() + CAST(:lease AS interval),
        leased_until = now() + CAST(:lease AS interval)
    WHERE id IN (SELECT id FROM chosen)
    RETURNING id, kind, channel, payload, created_at, attempts, user_id
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
_HOLD = Statement(f"""
    UPDATE outbox SET leased_until = NULL, created_at = :until, due_at = :until WHERE {_THIS_LEASE} RETURNING id
""")  # noqa: S608


async def claim(
    executor: Executor,
    kinds: Collection[str],
    *,
    limit: int = 1,
    full_channels: Collection[str] = (),
    rooms: Mapping[str, int] = _NO_ROOMS,
) -> list[LeasedMessage]:
    """Takes at most `limit` messages of these kinds, those that are due for the longest time first.

    Takes none of the channels that are full. Of another channel, takes no more than its number in `rooms`, or
    MIN_PER_CHANNEL.
    """
    # A repeat on another connection may leave messages without a process. They are due again after the lease.
    rows = await executor.fetch_all(
        _CLAIM,
        lease=timedelta(seconds=LEASE_SECONDS),
        kinds=sorted(kinds),
        limit=limit,
        full_channels=sorted(full_channels),
        channels=[*rooms.keys()],
        rooms=[*rooms.values()],
        room=MIN_PER_CHANNEL,
    )
    return [LeasedMessage(**{**row, "payload": json.loads(row["payload"])}) for row in rows]


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


async def hold(executor: Executor, message: LeasedMessage, until: datetime) -> None:
    """Returns a message that must not be delivered before a time. The message counts as written then."""
    await executor.write(_HOLD, id=message.id, attempts=message.attempts, until=until)
