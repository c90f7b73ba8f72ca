"""The messages that wait, and the time at which the next message or reminder becomes due."""

from collections.abc import Collection
from copy import replace
from typing import Final

from msgspec import Struct

from todo_core.database.executor import Executor
from todo_core.database.statements import Statement
from todo_core.schema.pending_reminders import IS_PENDING


class Backlog(Struct, frozen=True):
    """The messages that are not delivered, and the reminders that are to come.

    `waiting` messages are tried again, the oldest of which was written `oldest_seconds` ago. `dead` ones are not.
    `next_seconds` is the time until the next message is due: negative if it is due already, and None without any.
    `reminder_seconds` is the same for reminders. `has_webhooks` is true if any webhook is enabled.
    """

    waiting: int = 0
    oldest_seconds: float = 0.0
    dead: int = 0
    next_seconds: float | None = None
    reminder_seconds: float | None = None
    has_webhooks: bool = False

    @property
    def is_due(self) -> bool:
        return _has_come(self.next_seconds)

    @property
    def has_due_reminders(self) -> bool:
        return _has_come(self.reminder_seconds)

    @property
    def overdue_seconds(self) -> float:
        """The time by which the oldest reminder that has not fired is late."""
        return max(0.0, -(self.reminder_seconds or 0.0))


def _has_come(seconds: float | None) -> bool:
    return seconds is not None and seconds <= 0


_NEXT: Final = f"""
    (
        SELECT extract(epoch FROM due_at - now())::float FROM outbox
        WHERE dead_at IS NULL AND kind = ANY (CAST(:kinds AS text[])) ORDER BY due_at LIMIT 1
    ) AS next_seconds,
    (
        SELECT extract(epoch FROM reminder_at - now())::float FROM todos
        WHERE {IS_PENDING} ORDER BY reminder_at LIMIT 1
    ) AS reminder_seconds
"""  # noqa: S608 - constants, as below
_SELECT_BACKLOG = Statement(f"""
    SELECT
        count(*) FILTER (WHERE dead_at IS NULL) AS waiting,
        greatest(extract(epoch FROM now() - min(created_at) FILTER (WHERE dead_at IS NULL)), 0)::float
            AS oldest_seconds,
        count(*) FILTER (WHERE dead_at IS NOT NULL) AS dead,
        {_NEXT},
        EXISTS (SELECT FROM webhooks WHERE enabled) AS has_webhooks
    FROM outbox
""")  # noqa: S608
_SELECT_NEXT = Statement(f"SELECT {_NEXT}")


async def read(executor: Executor, kinds: Collection[str]) -> Backlog:
    """Counts all messages, and finds when the next one of these kinds is due. Reads the whole table."""
    row = await executor.fetch_one(_SELECT_BACKLOG, kinds=sorted(kinds))
    assert row is not None  # noqa: S101 - an aggregate has one row
    return Backlog(*row)


async def find_next(executor: Executor, kinds: Collection[str], known: Backlog) -> Backlog:
    """Finds when the next message and the next reminder are due. The numbers stay as they are `known`."""
    row = await executor.fetch_one(_SELECT_NEXT, kinds=sorted(kinds))
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    return replace(known, next_seconds=row["next_seconds"], reminder_seconds=row["reminder_seconds"])
