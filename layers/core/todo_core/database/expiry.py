"""Registry of the functions that delete expired rows. The purge job runs all registered functions.

Each function is registered by a decorator where it is defined, so the purge job needs no list of tables.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from todo_core.database.executor import Database


class DeleteExpired(Protocol):
    """Deletes at most `limit` expired rows and returns their number."""

    async def __call__(self, db: Database, *, limit: int) -> int: ...


@dataclass(frozen=True, slots=True)
class ExpiringTable:
    """A table whose rows expire.

    `is_unbounded` is true if deleting its expired rows may take a purge's whole time. Such tables are purged last.
    """

    name: str
    delete_expired: DeleteExpired
    is_unbounded: bool


_tables: Final[list[ExpiringTable]] = []


def deletes_expired[Function: DeleteExpired](
    table: str, *, is_unbounded: bool = False
) -> Callable[[Function], Function]:
    """Registers the decorated function as the one that deletes the expired rows of `table`."""

    def register(function: Function) -> Function:
        _tables.append(ExpiringTable(table, function, is_unbounded))
        return function

    return register


def expiring_tables() -> list[ExpiringTable]:
    """Returns the registered tables, those with `is_unbounded` last, so that the others are purged in any case."""
    return sorted(_tables, key=lambda table: table.is_unbounded)
