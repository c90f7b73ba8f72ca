"""The export: one JSON document with all data of a user.

The lists of the document are derived from the database schema: one for each table with a column `user_id` or with a
foreign key to such a table. A new table or column is exported without a change here, unless the schema marks it as
NOT_EXPORTED.

Rows are read page by page, which bounds the memory, and no database connection is held while the client reads. A row
that changes during the export may appear in its old or its new form.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Column, ColumnElement, DateTime, Integer, Select, Table, bindparam, exists, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import PGDialect

from todo_core.database.executor import Database, Row
from todo_core.database.statements import Statement
from todo_core.errors import NotAuthenticated
from todo_core.schema.columns import NOT_EXPORTED, TODO_SNAPSHOT
from todo_core.schema.tables import all_tables

_PAGE_SIZE: Final = 500
_DIALECT: Final = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
_OWNER_COLUMN: Final = "user_id"
_ACCOUNT_TABLE: Final = "users"


async def stream_document(db: Database, user_id: UUID) -> AsyncIterator[bytes]:
    """Yields the JSON document with all data of the user, in pieces to be sent one after the other.

    Raises NotAuthenticated before the first piece when the account does not exist.
    """
    account = await db.fetch_one(_build_account_statement(), user_id=user_id)
    if account is None:
        raise NotAuthenticated
    yield b'{"exported_at":%b,"account":%b' % (_to_json(datetime.now(UTC)), _to_json(dict(account)))
    for table in _find_exported_tables():
        yield b",%b:[" % _to_json(str(table.name))
        separator = b""
        async for rows in _fetch_pages(db, table, user_id):
            yield separator + _to_json([_convert_row(table, row) for row in rows])[1:-1]
            separator = b","
        yield b"]"
    yield b"}"


async def _fetch_pages(db: Database, table: Table, user_id: UUID) -> AsyncIterator[Sequence[Row]]:
    last_key: Mapping[str, object] = {}
    while rows := await db.fetch_all(
        _build_page_statement(table, after_key=bool(last_key)), user_id=user_id, limit=_PAGE_SIZE, **last_key
    ):
        yield rows
        if len(rows) < _PAGE_SIZE:
            return
        last_key = {_name_parameter(column): rows[-1][column.name] for column in _find_page_key(table)}


@cache
def _find_exported_tables() -> Sequence[Table]:
    """Returns the tables to export beside `users`, each one after the tables to which its foreign keys refer."""
    exported = (table for table in all_tables().sorted_tables if table.info != NOT_EXPORTED)
    return [table for table in exported if table.name != _ACCOUNT_TABLE and _has_owner(table)]


def _has_owner(table: Table) -> bool:
    return _OWNER_COLUMN in table.c or any(_has_owner(key.referred_table) for key in table.foreign_key_constraints)


def _build_owner_condition(table: Table) -> ColumnElement[bool]:
    """Returns the SQL condition that a row belongs to the user.

    A table without a column `user_id` has one foreign key: the row belongs to the user if the row it refers to does.
    """
    if _OWNER_COLUMN in table.c:
        return table.c[_OWNER_COLUMN] == bindparam("user_id")
    (key,) = table.foreign_key_constraints
    joined = [element.parent == element.column for element in key.elements]
    return exists().where(*joined, _build_owner_condition(key.referred_table))


@cache
def _build_account_statement() -> Statement:
    users = all_tables().tables[_ACCOUNT_TABLE]
    return _compile(select(*_find_exported_columns(users)).where(users.c.id == bindparam("user_id")))


@cache
def _build_page_statement(table: Table, *, after_key: bool) -> Statement:
    """Returns the SELECT for the first page of a table's rows.

    With `after_key` returns the SELECT for the page after the row whose key is passed as parameters.
    """
    key = _find_page_key(table)
    rows = select(*_find_exported_columns(table)).where(_build_owner_condition(table))
    if after_key:
        last = tuple_(*(bindparam(_name_parameter(column), type_=column.type) for column in key))
        rows = rows.where(tuple_(*key) > last)
    return _compile(rows.order_by(*key).limit(bindparam("limit", type_=Integer)))


def _find_page_key(table: Table) -> list[Column[Any]]:
    """Returns the columns by which pages are sorted: the primary key without the owner.

    The owner is the same in every row of an export.
    """
    return [column for column in table.primary_key if column.name != _OWNER_COLUMN]


def _compile(rows: Select[Any]) -> Statement:
    return Statement(str(rows.compile(dialect=_DIALECT)))


def _name_parameter(column: Column[Any]) -> str:
    return f"last_{column.name}"


def _find_exported_columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.info != NOT_EXPORTED]


def _convert_row(table: Table, row: Row) -> dict[str, object]:
    return {name: _convert_value(table.c[name], value) for name, value in row.items()}


def _convert_value(column: Column[Any], value: Any) -> object:
    if value is None or not isinstance(column.type, JSONB):
        return value
    # asyncpg returns JSON as text. The text is copied into the document without parsing, except that of a snapshot,
    # whose times need another format.
    return _convert_snapshot(value) if column.info == TODO_SNAPSHOT else msgspec.Raw(value.encode())


def _convert_snapshot(text: str) -> dict[str, object]:
    """Parses a todo as the change log holds it, with times in PostgreSQL's format.

    The times become `datetime`s, so that they are written like all other times in the document.
    """
    fields: dict[str, Any] = msgspec.json.decode(text)
    for name in _find_time_columns_of_todos() & fields.keys():
        fields[name] = fields[name] and datetime.fromisoformat(fields[name])
    return fields


@cache
def _find_time_columns_of_todos() -> frozenset[str]:
    columns = all_tables().tables["todos"].columns
    return frozenset(column.name for column in columns if isinstance(column.type, DateTime))


_to_json = msgspec.json.Encoder().encode
