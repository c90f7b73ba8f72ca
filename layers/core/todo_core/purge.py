"""Deletes expired rows: todos that were in the trash long enough, old changes, sessions, invites, and others."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from todo_core.database.executor import Database
from todo_core.database.expiry import expiring_tables
from todo_core.limits import Retention

_CHUNK_ROWS: Final = 500
"""Rows deleted in one transaction. A purge of todos locks their owner's change log; the owner's writes must wait."""
_CHUNK_SECONDS: Final = 20.0
"""Time that must be left when a chunk begins: more than the timeout of a statement, so no chunk is interrupted."""


class PurgeResult(Struct, frozen=True):
    """The number of deleted rows per table. `complete` is false if the time ended while expired rows may be left."""

    rows: dict[str, int]
    complete: bool


async def purge(db: Database, retention: Retention, *, seconds_left: Callable[[], float]) -> PurgeResult:
    """Deletes expired rows in chunks until none is left, or until `seconds_left()` is too short for another chunk.

    The next purge deletes the rows that are left. Several purges may run at the same time.
    """
    tables = expiring_tables()
    rows = dict.fromkeys((table.name for table in tables), 0)
    for table in tables:
        while True:
            if seconds_left() < _CHUNK_SECONDS:
                return PurgeResult(rows, complete=False)
            deleted = await table.delete_expired(db, limit=_CHUNK_ROWS, retention=retention)
            rows[table.name] += deleted
            if not deleted:
                break
    return PurgeResult(rows, complete=True)
