"""Everything that is held of a user, as one JSON document.

The tables say what that is: each that belongs to users, by a column of its own or by the table it hangs on, is a list
of its rows, with every column but those named below. So what a later migration adds is in it by itself.

It is read page by page. Neither the memory that it takes nor the time for which it holds a connection grows with what a
user has, however slowly it is taken; in return, what changes meanwhile may be in it or not.
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
from todo_core.schema.tables import all_tables

_ROWS_AT_ONCE: Final = 500
_NAMED: Final = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
_OWNER: Final = "user_id"
_ACCOUNT: Final = "users"
_REPEATED: Final = "idempotency_keys"
"""Holds answers that say for a day what is said elsewhere."""
_LEFT_OUT: Final = {
    _OWNER,  # is that of the account, everywhere
    "password_hash",
    "email_key",  # made from other columns, as is the next one
    "words",
    "request_digest",
    "lease",  # of the process that works on a turn, as is the next one
    "leased_until",
}
_SNAPSHOTS: Final = {"before", "after"}
"""Columns that hold a todo as a row of its table, with times as PostgreSQL writes them."""


async def parts_of_document(db: Database, user_id: UUID) -> AsyncIterator[bytes]:
    """The document from its beginning to its end.

    Raises NotAuthenticated when the account is gone before it began.
    """
    account = await db.fetch_one(_account(), user_id=user_id)
    if account is None:
        raise NotAuthenticated
    yield b'{"exported_at":%b,"account":%b' % (_json(datetime.now(UTC)), _json(dict(account)))
    for table in _lists():
        yield b",%b:[" % _json(str(table.name))
        separator = b""
        async for rows in _pages(db, table, user_id):
            yield separator + _json([_fields(table, row) for row in rows])[1:-1]
            separator = b","
        yield b"]"
    yield b"}"


async def _pages(db: Database, table: Table, user_id: UUID) -> AsyncIterator[Sequence[Row]]:
    last: Mapping[str, object] = {}
    while rows := await db.fetch_all(_page(table, after=bool(last)), user_id=user_id, limit=_ROWS_AT_ONCE, **last):
        yield rows
        if len(rows) < _ROWS_AT_ONCE:
            return
        last = {_last(column): rows[-1][column.name] for column in table.primary_key if column.name != _OWNER}


@cache
def _lists() -> Sequence[Table]:
    """The tables that belong to users, each after those it refers to."""
    others = (table for table in all_tables().sorted_tables if table.name not in {_ACCOUNT, _REPEATED})
    return [table for table in others if _belongs(table)]


def _belongs(table: Table) -> bool:
    return _OWNER in table.c or any(_belongs(key.referred_table) for key in table.foreign_key_constraints)


def _of_user(table: Table) -> ColumnElement[bool]:
    """That a row of the table is the user's."""
    if _OWNER in table.c:
        return table.c[_OWNER] == bindparam("user_id")
    (key,) = table.foreign_key_constraints
    refers = [element.parent == element.column for element in key.elements]
    return exists().where(*refers, _of_user(key.referred_table))


@cache
def _account() -> Statement:
    users = all_tables().tables[_ACCOUNT]
    return _statement(select(*_shown(users)).where(users.c.id == bindparam("user_id")))


@cache
def _page(table: Table, *, after: bool) -> Statement:
    """Some of the user's rows by primary key: the first ones, or those after one whose key is given."""
    key = [column for column in table.primary_key if column.name != _OWNER]
    rows = select(*_shown(table)).where(_of_user(table))
    if after:
        rows = rows.where(tuple_(*key) > tuple_(*(bindparam(_last(column), type_=column.type) for column in key)))
    return _statement(rows.order_by(*key).limit(bindparam("limit", type_=Integer)))


def _statement(rows: Select[Any]) -> Statement:
    return Statement(str(rows.compile(dialect=_NAMED)))


def _last(column: Column[Any]) -> str:
    return f"last_{column.name}"


def _shown(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name not in _LEFT_OUT]


def _fields(table: Table, row: Row) -> dict[str, object]:
    return {name: _value(table.c[name], value) for name, value in row.items()}


def _value(column: Column[Any], value: Any) -> object:
    if value is None or not isinstance(column.type, JSONB):
        return value
    # JSON comes as its text, and so it goes.
    return _snapshot(value) if column.name in _SNAPSHOTS else msgspec.Raw(value.encode())


def _snapshot(text: str) -> dict[str, object]:
    """A todo of the change log, with its times as everywhere else."""
    fields: dict[str, Any] = msgspec.json.decode(text)
    for name in _instants_of_a_todo() & fields.keys():
        fields[name] = fields[name] and datetime.fromisoformat(fields[name])
    return fields


@cache
def _instants_of_a_todo() -> frozenset[str]:
    columns = all_tables().tables["todos"].columns
    return frozenset(column.name for column in columns if isinstance(column.type, DateTime))


_json = msgspec.json.Encoder().encode
