"""The export: one JSON document with all data of a user.

The lists of the document are derived from the database schema: one for each table with a column `user_id` or with a
foreign key to such a table. A new table or column is exported without a change here, unless the schema marks it as
NOT_EXPORTED.

Rows are read in pages of some 64 KB. That bounds the memory, and the time of each step in the event loop. No database
connection is held while the client reads. A row that changes during the export may appear in its old or its new form.
"""

from asyncio import Task, create_task
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import DateTime, Table
from sqlalchemy.dialects.postgresql import JSONB

from todo_core.accounts import export_queries
from todo_core.database.byte_pages import BYTES_SO_FAR
from todo_core.database.executor import Database, Row
from todo_core.errors import NotAuthenticated
from todo_core.schema.columns import EXPORT_NAME, NOT_EXPORTED, TODO_SNAPSHOT
from todo_core.schema.tables import all_tables

_PAGE_BYTES: Final = 64 * 1024
"""A page ends with the row that reaches this size, so it is longer by at most one row."""
_FIRST_PAGE_ROWS: Final = 8
_MAX_PAGE_ROWS: Final = 128
_TIME: Final = datetime | None | msgspec.UnsetType


async def stream_document(db: Database, user_id: UUID) -> AsyncIterator[bytes]:
    """Yields the JSON document with all data of the user, in pieces to be sent one after the other.

    Raises NotAuthenticated before the first piece when the account does not exist.
    """
    account = await db.fetch_one(export_queries.build_account_statement(), user_id=user_id)
    if account is None:
        raise NotAuthenticated
    yield b'{"exported_at":%b,"account":%b' % (_to_json(datetime.now(UTC)), _to_json(dict(account)))
    for table in _find_exported_tables():
        yield b",%b:[" % _to_json(table.info.get(EXPORT_NAME, str(table.name)))
        separator = b""
        async for rows in _fetch_pages(db, table, user_id):
            yield separator + _to_json([_convert_row(table, row) for row in rows])[1:-1]
            separator = b","
        yield b"]"
    yield b"}"


async def _fetch_pages(db: Database, table: Table, user_id: UUID) -> AsyncIterator[Sequence[Row]]:
    """Yields the user's rows of a table, in pages of at most 128 rows and some 64 KB.

    The next page is read while this one is written. PostgreSQL must read the long texts of a row to measure the row. So
    a page after a short one is asked for at most twice as many rows.
    """

    def read(limit: int, last: Row | None) -> Task[Sequence[Row]]:
        statement = export_queries.build_page_statement(table, after_key=last is not None)
        last_key = {} if last is None else export_queries.name_last_key(table, last)
        return create_task(db.fetch_all(statement, user_id=user_id, limit=limit, max_bytes=_PAGE_BYTES, **last_key))

    limit = _FIRST_PAGE_ROWS
    page = read(limit, None)
    try:
        while rows := await page:
            is_last = len(rows) < limit and rows[-1][BYTES_SO_FAR] < _PAGE_BYTES
            if not is_last:
                limit = min(2 * len(rows), _MAX_PAGE_ROWS)
                page = read(limit, rows[-1])
            yield rows
            if is_last:
                return
    finally:
        page.cancel()


@cache
def _find_exported_tables() -> Sequence[Table]:
    """Returns the tables to export beside `users`, each one after the tables to which its foreign keys refer."""
    exported = (table for table in all_tables().sorted_tables if table.info != NOT_EXPORTED)
    return [table for table in exported if export_queries.has_owner(table)]


def _convert_row(table: Table, row: Row) -> dict[str, object]:
    values = dict(row)
    del values[BYTES_SO_FAR]
    for name, is_snapshot in _find_json_columns(table):
        text = values[name]
        if text is not None:
            # asyncpg returns JSON as text, which is copied into the document. But the times of a snapshot have another
            # format.
            values[name] = _load_snapshot_decoder().decode(text) if is_snapshot else msgspec.Raw(text.encode())
    return values


@cache
def _find_json_columns(table: Table) -> Sequence[tuple[str, bool]]:
    """Returns the names of the exported JSON columns of a table, and whether they hold past states of a todo."""
    columns = (column for column in export_queries.find_exported_columns(table) if isinstance(column.type, JSONB))
    return [(column.name, column.info == TODO_SNAPSHOT) for column in columns]


@cache
def _load_snapshot_decoder() -> msgspec.json.Decoder[msgspec.Struct]:
    """Returns the decoder of a todo, a project or a tag in the change log, whose times have PostgreSQL's format.

    Decoded, the times are written like all other times in the document. Fields that the object lacks are left out.
    """
    tables = all_tables().tables
    columns = (*tables["todos"].columns, *tables["projects"].columns)  # a tag has a name only, as a project has
    types = {str(column.name): _TIME if isinstance(column.type, DateTime) else Any for column in columns}
    fields = [(name, field_type, msgspec.UNSET) for name, field_type in types.items()]
    return msgspec.json.Decoder(msgspec.defstruct("Snapshot", fields))


_to_json = msgspec.json.Encoder().encode
