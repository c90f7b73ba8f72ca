"""Registry of the functions that delete expired rows. The purge job runs all registered functions.

Each function is registered by a decorator where it is defined, so the purge job needs no list of tables.
"""

from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Struct

from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.limits import Retention


class DeleteExpired(Protocol):
    """Deletes at most `limit` expired rows and returns their number."""

    async def __call__(self, db: Database, *, limit: int) -> int: ...


class DeleteOld(Protocol):
    """Deletes at most `limit` rows that are older than the settings allow, and returns their number."""

    async def __call__(self, db: Database, *, limit: int, retention: Retention) -> int: ...


class ExpiringTable(Struct, frozen=True):
    """A table whose rows expire.

    `is_unbounded` is true if deleting its expired rows may take a purge's whole time. Such tables are purged last.
    """

    name: str
    delete_expired: DeleteOld
    is_unbounded: bool


_tables: Final[list[ExpiringTable]] = []


def deletes_expired[Function: DeleteExpired](
    table: str, *, is_unbounded: bool = False
) -> Callable[[Function], Function]:
    """Registers the decorated function as the one that deletes the expired rows of `table`."""

    def register(function: Function) -> Function:
        async def delete_expired(db: Database, *, limit: int, retention: Retention) -> int:  # noqa: ARG001
            return await function(db, limit=limit)

        _tables.append(ExpiringTable(table, delete_expired, is_unbounded))
        return function

    return register


def purged_at_expiry(table: str) -> DeleteExpired:
    """Registers a table whose rows have an `id` and expire at `expires_at`. Returns the function that deletes them."""
    statement = Statement(f"""
        DELETE FROM {table} WHERE id IN (
            SELECT id FROM {table} WHERE expires_at <= now() ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
        )
        RETURNING id
    """)  # noqa: S608 - the name of a table

    @deletes_expired(table)
    async def delete_expired(db: Database, *, limit: int) -> int:
        return len(await db.fetch_all(statement, limit=limit))

    return delete_expired


def deletes_old[Function: DeleteOld](table: str) -> Callable[[Function], Function]:
    """Registers the decorated function as the one that deletes the old rows of `table`, which may be many."""

    def register(function: Function) -> Function:
        _tables.append(ExpiringTable(table, function, is_unbounded=True))
        return function

    return register


def expiring_tables() -> list[ExpiringTable]:
    """Returns the registered tables, those with `is_unbounded` last, so that the others are purged in any case."""
    return sorted(_tables, key=lambda table: table.is_unbounded)
