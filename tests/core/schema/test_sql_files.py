"""The functions and triggers of a migrated database, compared with the `.sql` files that define them."""

import asyncio
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests import postgres
from tests.core.schema.definitions import OWN_FUNCTIONS, SELECT_FUNCTIONS, SELECT_TRIGGERS
from todo_core.schema.sql_files import SQL_FILES, run_sql_file

pytestmark = pytest.mark.pooler

DROPS = f"SELECT format('DROP FUNCTION IF EXISTS %s CASCADE', oid::regprocedure) {OWN_FUNCTIONS}"


def read_definitions(connection: Connection) -> dict[str, str]:
    """Returns the definitions of the database's functions and triggers, keyed by name, without SQL comments."""
    rows = [*connection.execute(text(SELECT_FUNCTIONS)), *connection.execute(text(SELECT_TRIGGERS))]
    return {name: re.sub(r"\s*--[^\n]*", "", definition) for name, definition in rows}


def replace_all(connection: Connection) -> tuple[dict[str, str], dict[str, str]]:
    """Drops all functions, creates them again from the `.sql` files, and rolls back.

    Returns the definitions of functions and triggers from before and after.
    """
    migrated = read_definitions(connection)
    for (drop,) in connection.execute(text(DROPS)).all():
        connection.execute(text(drop))
    assert read_definitions(connection) == {}
    for name in SQL_FILES:
        run_sql_file(connection, name)
    described = read_definitions(connection)
    connection.rollback()
    return migrated, described


@pytest.fixture
def new_database(server_url: str) -> Iterator[str]:
    with postgres.database(server_url) as url:
        yield url


def test_every_sql_file_of_the_package_is_listed() -> None:
    names = {Path(file.name) for file in files("todo_core.schema").iterdir()}
    assert {name.stem for name in names if name.suffix == ".sql"} == set(SQL_FILES)


def test_the_migrations_create_the_functions_and_triggers_of_the_files(new_database: str) -> None:
    async def compare() -> tuple[dict[str, str], dict[str, str]]:
        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=lambda: postgres.connect(new_database), poolclass=NullPool
        )
        async with engine.connect() as connection:
            return await connection.run_sync(replace_all)

    migrated, described = asyncio.run(compare())
    assert "todos_log_updated" in migrated
    assert migrated == described
