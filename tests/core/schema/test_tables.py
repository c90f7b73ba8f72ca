"""The tables of a migrated database, compared with the SQLModel classes."""

from collections.abc import Iterator

import pytest
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.schema import CreateIndex, CreateTable

from tests import postgres
from tests.core.schema.definitions import read_schema
from todo_core.schema import tables

pytestmark = pytest.mark.pooler

SELECT_FUNCTIONS = """
SELECT pg_get_functiondef(oid) AS definition FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND provolatile = 'i' AND prosqlbody IS NOT NULL
ORDER BY oid
"""


@pytest.fixture
def migrated_database(server_url: str) -> Iterator[str]:
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    with postgres.database(server_url, migrated=False) as url:
        yield url


def test_the_migrations_create_the_tables_of_the_sqlmodel_classes(migrated_database: str, empty_database: str) -> None:
    create_tables(empty_database, functions=read_functions(migrated_database))
    assert read_schema(migrated_database) == read_schema(empty_database)


def read_functions(url: str) -> list[str]:
    """Returns SQL that creates the functions and the extension which columns and indexes of the tables use."""
    definitions = [row["definition"] for row in postgres.query(url, SELECT_FUNCTIONS)]
    return ["CREATE EXTENSION unaccent", *definitions]


def create_tables(url: str, functions: list[str]) -> None:
    """Creates the functions, then the tables and indexes of the SQLModel classes, without running migrations."""
    postgres.run(url, *functions)
    dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
    for table in tables.all_tables().sorted_tables:
        statements: list[CreateTable | CreateIndex] = [
            CreateTable(table),
            *(CreateIndex(index) for index in table.indexes),
        ]
        postgres.run(url, *(str(statement.compile(dialect=dialect)) for statement in statements))
