"""Deletes expired rows: todos in the trash, idempotency keys, sessions and rate-limit counters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from todo_core.database.executor import Database
from todo_core.database.expiry import expiring_tables

_CHUNK_ROWS: Final = 500
"""Rows per transaction. The transaction locks the change log of a user, whose own writes wait meanwhile."""
_CHUNK_SECONDS: Final = 20.0
"""Time that must be left before a chunk begins: more than the timeout of a statement, so that no chunk is cut off."""


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """The number of deleted rows per table. `complete` is false if the time ended before all rows were deleted."""

    rows: dict[str, int]
    complete: bool


async def purge(db: Database, *, seconds_left: Callable[[], float]) -> PurgeResult:
    """Deletes all expired rows in chunks, until the time is too short for another chunk.

    The next run continues where this one stopped. Several purges may run at the same time.
    """
    tables = expiring_tables()
    rows = dict.fromkeys((table.name for table in tables), 0)
    for table in tables:
        while True:
            if seconds_left() < _CHUNK_SECONDS:
                return PurgeResult(rows, complete=False)
            deleted = await table.delete_expired(db, limit=_CHUNK_ROWS)
            rows[table.name] += deleted
            if not deleted:
                break
    return PurgeResult(rows, complete=True)
