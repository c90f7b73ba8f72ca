"""Runs the migrations on the connection of `functions.migrate`. The command `alembic` opens one in the same way."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from functions.migrate.connection import connect_alone
from todo_core.schema import tables
from todo_core.settings import Settings, load


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=tables.all_tables(),
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _connect_and_migrate(settings: Settings) -> None:
    async with connect_alone(settings) as connection:
        await connection.run_sync(_migrate)


if given := context.config.attributes.get("connection"):
    _migrate(given)
else:
    asyncio.run(_connect_and_migrate(context.config.attributes.get("settings") or load()))
