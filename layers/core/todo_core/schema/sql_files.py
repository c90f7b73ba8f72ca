"""The `.sql` files of this package: the database's functions and triggers as they are today."""

from importlib.resources import files
from typing import Final

from sqlalchemy import Connection

SQL_FILES: Final = ("change_log", "trees", "search", "sort_keys", "accounts")
"""Names without suffix. Functions of a file may call functions of the files before it."""


def run_sql_file(connection: Connection, name: str) -> None:
    """Creates the functions and triggers of one file, or replaces those that exist, in the current transaction."""
    script = (files("todo_core.schema") / f"{name}.sql").read_text()
    # Without this setting, PostgreSQL would check tables and columns that only a later migration creates.
    script = f"SET LOCAL check_function_bodies = off;\n{script}"
    # asyncpg itself runs a whole script; SQLAlchemy prepares statements, which PostgreSQL allows for a single one only.
    dbapi_connection = connection.connection.dbapi_connection
    assert dbapi_connection is not None  # noqa: S101 - None only when the connection is detached or closed
    dbapi_connection.run_async(lambda driver_connection: driver_connection.execute(script))
