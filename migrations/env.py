"""Runs migrations over asyncpg, on the direct connection, one process at a time."""

import asyncio

import asyncpg
from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from todo_core.database import embedded, postgres_url
from todo_core.schema import tables
from todo_core.settings import Settings, load

_ADVISORY_LOCK = 0x70D0  # any number that nothing else in the database locks
_LOCK_TIMEOUT = "5s"  # how long a migration may wait, and make others wait behind it, for a table's lock


async def _run(settings: Settings) -> None:
    async with embedded.ensure_server(settings.database.url, settings.data_folder / "postgres") as database_url:
        url = postgres_url.parse(settings.database.with_url(database_url).migration_url)
        direct = await asyncpg.connect(url.dsn, ssl=url.ssl, statement_cache_size=0)

        async def connected() -> asyncpg.Connection:
            return direct

        engine = create_async_engine("postgresql+asyncpg://", async_creator=connected, poolclass=NullPool)
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
        await engine.dispose()


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=tables.all_tables(), compare_server_default=True)
    with context.begin_transaction():
        # Held to the end of the transaction, so it works through a transaction pooler as well.
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        context.run_migrations()


asyncio.run(_run(context.config.attributes.get("settings") or load()))
