"""Several tries to get the locks of tables, with pauses in which the service goes on."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from functions.migrate.errors import MigrationFailed
from todo_core.logs import log

MAX_TRIES: Final = 8
PAUSE_SECONDS: Final = (1.0, 5.0)
"""Bounds of a pause between two tries. Statements that waited behind the migration run meanwhile."""

_IN_THE_WAY: Final = {asyncpg.LockNotAvailableError.sqlstate, asyncpg.DeadlockDetectedError.sqlstate}


async def try_repeatedly[Result](connection: AsyncConnection, work: Callable[[Connection], Result]) -> Result:
    """Runs the work and commits. While another transaction holds a lock, rolls back and tries again, 8 times at most.

    Raises MigrationFailed after the last try and after other errors of a statement.
    """
    for attempt in range(1, MAX_TRIES + 1):
        try:
            result = await connection.run_sync(work)
            await connection.commit()
        except (DBAPIError, asyncpg.PostgresError) as error:
            await connection.rollback()
            if _state_of(error) not in _IN_THE_WAY:
                raise MigrationFailed(f"A migration failed: {_first_line_of_server(error)}") from error
            log.warning("Another transaction holds a lock that the migration needs", extra={"attempt": attempt})
        else:
            return result
        if attempt < MAX_TRIES:
            await asyncio.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311 - no secret depends on the pause
    raise MigrationFailed(
        f"Other transactions held a lock during {MAX_TRIES} tries. Find them in pg_stat_activity, wait for their end,"
        " and run the migration again."
    )


def first_line(error: BaseException) -> str:
    """Returns the first line of a message. PostgreSQL may add details on further lines, with values of a row."""
    return str(error).partition("\n")[0]


def _state_of(error: DBAPIError | asyncpg.PostgresError) -> str | None:
    return getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)


def _first_line_of_server(error: DBAPIError | asyncpg.PostgresError) -> str:
    # The cause of SQLAlchemy's error is that of its adapter, whose cause is the driver's.
    driver_error = error.orig and error.orig.__cause__ if isinstance(error, DBAPIError) else error
    return first_line(driver_error or error)
