"""The tables of a migrated database, compared with the SQLModel classes."""

from collections.abc import Iterator
from importlib.resources import files

import pytest
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.schema import CreateIndex, CreateTable

from tests import postgres
from tests.core.schema.definitions import read_schema
from todo_core.schema import tables

pytestmark = pytest.mark.pooler


@pytest.fixture
def migrated_database(server_url: str) -> Iterator[str]:
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    with postgres.database(server_url, migrated=False) as url:
        yield url


def test_the_migrations_create_the_tables_of_the_sqlmodel_classes(migrated_database: str, empty_database: str) -> None:
    create_tables(empty_database)
    assert read_schema(migrated_database) == read_schema(empty_database)


def create_tables(url: str) -> None:
    """Creates the functions that columns and indexes use, then the tables and indexes of the SQLModel classes."""
    functions = [(files("todo_core.schema") / f"{name}.sql").read_text() for name in ("search", "sort_keys")]
    postgres.run(url, "CREATE EXTENSION unaccent", *(f"BEGIN; {script} COMMIT;" for script in functions))
    dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
    for table in tables.all_tables().sorted_tables:
        statements: list[CreateTable | CreateIndex] = [
            CreateTable(table),
            *(CreateIndex(index) for index in table.indexes),
        ]
        postgres.run(url, *(str(statement.compile(dialect=dialect)) for statement in statements))
