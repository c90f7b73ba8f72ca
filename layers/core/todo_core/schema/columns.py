"""Definitions of columns that occur in several tables, and markers for the export of an account."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKey, Uuid, func

NOT_EXPORTED: Final[dict[Any, Any]] = {"exported": False}
"""The value of `info` that marks a table or column which the export of an account leaves out."""
EXPORT_NAME: Final = "export_name"
"""The key in `info` of a table for its name in the export. Without it, the export uses the name of the table."""
TODO_SNAPSHOT: Final[dict[Any, Any]] = {"snapshot_of": "todos"}
"""The value of `info` that marks a JSON column which holds a past state of a todo.

Times in the JSON have PostgreSQL's format, so the export of an account converts them.
"""


def instant_column(name: str) -> Column[datetime]:
    """Returns a column for an instant, never null; the default is the start of the transaction."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def owner_column(*, primary_key: bool = False, index: bool = False) -> Column[UUID]:
    """Returns a column with the id of the user who owns the row. Deleting this user deletes the row."""
    return Column(
        Uuid,
        ForeignKey("users.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        index=index,
        info=NOT_EXPORTED,  # an export has the data of one owner, so the column would be the same in all rows
    )
