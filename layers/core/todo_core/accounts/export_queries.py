"""The SQL statements of the export, made from the tables of the schema.

Each page is a range of an index that begins with the owner. So no rows of other users are read.
"""

from functools import cache
from typing import Any, Final

from sqlalchemy import ARRAY, Column, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from todo_core.database.byte_pages import BYTES_SO_FAR, end_by_bytes
from todo_core.database.executor import Row
from todo_core.database.statements import Statement
from todo_core.schema.columns import NOT_EXPORTED, TODO_SNAPSHOT
from todo_core.schema.snapshots import select_full_snapshot
from todo_core.schema.tables import all_tables

_BYTES_PER_COLUMN: Final = 32
"""Size in the document of a column's name and separators, with a short value."""
_OWNER: Final = "user_id"
_ACCOUNT_TABLE: Final = "users"


@cache
def build_account_statement() -> Statement:
    columns = _list_names(find_exported_columns(all_tables().tables[_ACCOUNT_TABLE]))
    return Statement(f"SELECT {columns} FROM {_ACCOUNT_TABLE} WHERE id = :user_id")  # noqa: S608 - names of the schema, as below


@cache
def build_page_statement(table: Table, *, after_key: bool) -> Statement:
    """Returns the SELECT for the first page of a table's rows. Its parameters are `user_id`, `limit` and `max_bytes`.

    A page has at most `limit` rows and ends with the first row that reaches `max_bytes`. With `after_key` returns the
    SELECT for the page after the row whose key is passed as parameters. JSON is returned as text.
    """
    columns, key = find_exported_columns(table), _list_names(_find_page_key(table))
    page = end_by_bytes(_select_rows(table, after_key=after_key), _measure(columns), order_by=key)
    return Statement(f"SELECT {_list_names(columns)}, {BYTES_SO_FAR} FROM ({page}) AS page ORDER BY {key}")  # noqa: S608


def name_last_key(table: Table, row: Row) -> dict[str, object]:
    """Returns the parameters of the page after this row."""
    return {f"last_{column.name}": row[column.name] for column in _find_page_key(table)}


def has_owner(table: Table) -> bool:
    """Returns True if the rows of a table belong to users: by a column `user_id` or by a foreign key."""
    if table.name == _ACCOUNT_TABLE:
        return False
    return _OWNER in table.c or any(has_owner(key.referred_table) for key in table.foreign_key_constraints)


def find_exported_columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.info != NOT_EXPORTED]


def _select_rows(table: Table, *, after_key: bool) -> str:
    """Returns the SELECT of the next `limit` rows of the user, in the order of their key."""
    columns = ", ".join(_select_column(column) for column in find_exported_columns(table))
    first, *others = key = _find_page_key(table)
    # Rows without an owner are found through the rows that they belong to: by their own key alone, PostgreSQL would
    # read rows of all users.
    owner_id = first if _OWNER in table.c else _find_column_with_owner(first)
    join = "" if owner_id is first else f"JOIN {table.name} ON {owner_id} = {first}"
    conditions = [f"{owner_id.table.name}.{_OWNER} = :user_id"]
    if after_key:
        last = ", ".join(f":last_{column.name}" for column in key)
        conditions.append(f"({', '.join(map(str, key))}) > ({last})")
        if join:
            conditions.append(f"{owner_id} >= :last_{first.name}")
    return f"""
        SELECT {columns} FROM {owner_id.table.name} {join} WHERE {" AND ".join(conditions)}
        ORDER BY {", ".join(map(str, [owner_id, *others]))} LIMIT :limit
    """  # noqa: S608


def _find_column_with_owner(column: Column[Any]) -> Column[Any]:
    """Returns the column to which a foreign key refers, in a table with owners. Follows keys of keys."""
    (key,) = column.foreign_keys
    return key.column if _OWNER in key.column.table.c else _find_column_with_owner(key.column)


def _measure(columns: list[Column[Any]]) -> str:
    """Returns the SQL of a row's size in bytes. PostgreSQL knows the length of a long text without reading it."""
    sizes = [str(len(columns) * _BYTES_PER_COLUMN)]
    for column in columns:
        if isinstance(column.type, Text | LargeBinary | JSONB):
            sizes.append(f'coalesce(octet_length("{column.name}"), 0)')
        elif isinstance(column.type, ARRAY):
            sizes.append(f"coalesce(octet_length(array_to_string(\"{column.name}\", ',')), 0)")
    return " + ".join(sizes)


def _select_column(column: Column[Any]) -> str:
    name = f'{column.table.name}."{column.name}"'
    if column.info == TODO_SNAPSHOT:
        return f'CAST({select_full_snapshot(name)} AS text) AS "{column.name}"'
    return f'CAST({name} AS text) AS "{column.name}"' if isinstance(column.type, JSONB) else name


def _find_page_key(table: Table) -> list[Column[Any]]:
    """Returns the columns by which pages are sorted: the primary key without the owner.

    The owner is the same in every row of an export.
    """
    return [column for column in table.primary_key if column.name != _OWNER]


def _list_names(columns: list[Column[Any]]) -> str:
    return ", ".join(f'"{column.name}"' for column in columns)
