"""The connection on which migrations run: on the direct URL, in one process at a time, with bounded waits for locks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

import asyncpg
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from functions.migrate.errors import MigrationFailed
from todo_core.database import embedded, postgres_url
from todo_core.database.postgres_url import PostgresUrl
from todo_core.logs import log
from todo_core.settings import Settings

LOCK_SECONDS: Final = 2
"""Longest wait of a migration for the lock of a table. Meanwhile, later statements on that table wait too."""
STATEMENT_SECONDS: Final = 600
"""Longest time of one statement of a migration."""
OTHER_MIGRATION_SECONDS: Final = 600
"""Longest wait for a migration that another process runs."""

_LOCK_PAUSE_SECONDS: Final = 0.5
_ADVISORY_LOCK: Final = 0x70D0  # an arbitrary number that no other advisory lock uses


@asynccontextmanager
async def connect_alone(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """Yields a connection while no other process has one from this function on the same database.

    Raises MigrationFailed when another process keeps it for 10 minutes. Errors of the driver are raised unchanged.
    """
    async with embedded.ensure_server(settings.database.url, settings.data_folder / "postgres") as database_url:
        url = postgres_url.parse(settings.database.with_url(database_url).migration_url)
        async with _exclude_others(url):
            direct = await _connect(url)

            async def use_direct_connection() -> asyncpg.Connection:
                return direct

            engine = create_async_engine(
                "postgresql+asyncpg://", async_creator=use_direct_connection, poolclass=NullPool
            )
            event.listen(engine.sync_engine, "begin", _bound_waits)
            async with engine.connect() as connection:
                yield connection
            await engine.dispose()


@asynccontextmanager
async def _exclude_others(url: PostgresUrl) -> AsyncIterator[None]:
    """Holds the advisory lock of migrations in a transaction of a connection of its own.

    Migrations have many transactions, and a transaction pooler keeps a session's lock in none of them. The open
    transaction has no snapshot, so it does not delay the concurrent build of an index.
    """
    holder = await _connect(url)
    try:
        await _begin_with_lock(holder)
        # Also ends the result of the statement before, which would keep a snapshot.
        await holder.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield
    finally:
        holder.terminate()


async def _begin_with_lock(holder: asyncpg.Connection) -> None:
    """Begins a transaction that holds the lock. Raises MigrationFailed when another process keeps it for 10 minutes.

    Asks again instead of waiting in a statement, whose snapshot would stop the other migration: it waits for the end of
    all snapshots when it builds an index.
    """
    deadline, is_waiting = monotonic() + OTHER_MIGRATION_SECONDS, False
    await holder.execute("BEGIN")
    while not await holder.fetchval(f"SELECT pg_try_advisory_xact_lock({_ADVISORY_LOCK})"):
        await holder.execute("ROLLBACK")
        if not is_waiting:
            log.info("Another migration runs. This one waits for its end.")
            is_waiting = True
        if monotonic() > deadline:
            raise MigrationFailed(
                f"Another migration has run for more than {OTHER_MIGRATION_SECONDS} seconds."
                " Wait for its end, then repeat."
            )
        await asyncio.sleep(_LOCK_PAUSE_SECONDS)
        await holder.execute("BEGIN")


async def _connect(url: PostgresUrl) -> asyncpg.Connection:
    return await asyncpg.connect(url.dsn, ssl=url.ssl, statement_cache_size=0)


def _bound_waits(connection: Connection) -> None:
    """Sets the time limits of a transaction. A pooler would pass on those of a session to other clients."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'"))
