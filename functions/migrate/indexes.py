"""Indexes that a migration builds while the service writes."""

from typing import Final

from alembic import op
from sqlalchemy import text

from functions.migrate.errors import MigrationFailed

BUILD_SECONDS: Final = 3600
"""Longest time of one build. It waits for the transactions that were open when it began."""

_SELECT_INVALID: Final = text("SELECT true FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid")


def build_index(name: str, definition: str) -> None:
    """Builds an index without blocking writes, unless it exists: `build_index("todos_by_id", "todos (user_id, id)")`.

    Commits what the migration has changed before, so call it first in a migration. An interrupted build leaves an
    invalid index, which the next run replaces. Raises MigrationFailed after an hour.
    """
    with op.get_context().autocommit_block():
        if op.get_bind().scalar(_SELECT_INVALID, {"name": name}):
            _run(f"DROP INDEX CONCURRENTLY {name}", name)
        _run(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}", name)


def rebuild_index(name: str) -> None:
    """Builds an existing index anew without blocking writes, after a change of a function in its expression.

    Commits what the migration has changed before. Raises MigrationFailed after an hour.
    """
    with op.get_context().autocommit_block():
        # The name of the new index while PostgreSQL builds it; an interrupted build leaves it.
        _run(f"DROP INDEX CONCURRENTLY IF EXISTS {name}_ccnew", name)
        _run(f"REINDEX INDEX CONCURRENTLY {name}", name)


def _run(statement: str, name: str) -> None:
    # On asyncpg's connection, which ends the statement at the time limit also behind a pooler.
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None  # noqa: S101 - None only when the connection is detached or closed
    try:
        connection.run_async(lambda driver_connection: driver_connection.execute(statement, timeout=BUILD_SECONDS))
    except TimeoutError:
        raise MigrationFailed(
            f"The index {name} was not complete after {BUILD_SECONDS} seconds. Long transactions delay it:"
            " find them in pg_stat_activity, and run the migration again when they have ended."
        ) from None
