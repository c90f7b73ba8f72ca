"""Runs the migrations with asyncpg, on the direct URL, in one process at a time."""

import asyncio

import asyncpg
from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from todo_core.database import embedded, postgres_url
from todo_core.schema import tables
from todo_core.settings import Settings, load

_ADVISORY_LOCK = 0x70D0  # an arbitrary number that no other advisory lock uses
_LOCK_TIMEOUT = "5s"  # while a migration waits for a table's lock, all later statements on that table wait too


async def _run(settings: Settings) -> None:
    async with embedded.ensure_server(settings.database.url, settings.data_folder / "postgres") as database_url:
        url = postgres_url.parse(settings.database.with_url(database_url).migration_url)
        direct = await asyncpg.connect(url.dsn, ssl=url.ssl, statement_cache_size=0)

        async def use_direct_connection() -> asyncpg.Connection:
            return direct

        engine = create_async_engine("postgresql+asyncpg://", async_creator=use_direct_connection, poolclass=NullPool)
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
        await engine.dispose()


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=tables.all_tables(), compare_server_default=True)
    with context.begin_transaction():
        # Held to the end of the transaction, so that the lock also works through a transaction pooler.
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        context.run_migrations()


asyncio.run(_run(context.config.attributes.get("settings") or load()))
