"""The `.sql` files of this package, which define the current functions and triggers of the database."""

from importlib.resources import files
from typing import Final

from sqlalchemy import Connection

SQL_FILES: Final = (
    *("usage", "change_log", "trees", "search", "sort_keys", "orders", "accounts", "assistant"),
    "reminders",
)
"""Names of the files without suffix, in the order in which to run them.

A file may use functions that an earlier file creates.
"""


def run_sql_file(connection: Connection, name: str) -> None:
    """Creates the functions and triggers of one file in the current transaction. Replaces those that already exist."""
    run_script(connection, (files("todo_core.schema") / f"{name}.sql").read_text())


def run_script(connection: Connection, script: str) -> None:
    """Runs SQL that creates functions and triggers, in the current transaction."""
    # Switches off PostgreSQL's check of function bodies, because a body may use tables or columns of a later migration.
    script = f"SET LOCAL check_function_bodies = off;\n{script}"
    # Runs the script on asyncpg's connection. SQLAlchemy would prepare the script, but PostgreSQL cannot prepare
    # several statements together.
    dbapi_connection = connection.connection.dbapi_connection
    assert dbapi_connection is not None  # noqa: S101 - None only when the connection is detached or closed
    dbapi_connection.run_async(lambda driver_connection: driver_connection.execute(script))
