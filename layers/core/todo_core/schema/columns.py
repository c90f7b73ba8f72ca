"""Columns that several tables share."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKey, Uuid, func

NOT_EXPORTED: Final[dict[Any, Any]] = {"exported": False}
"""The `info` of a table or column that an account's export leaves out."""
TODO_SNAPSHOT: Final[dict[Any, Any]] = {"snapshot_of": "todos"}
"""The `info` of a JSON column that holds a row of `todos`, with times in PostgreSQL's format."""


def instant_column(name: str) -> Column[datetime]:
    """Returns a column for an instant that defaults to now()."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def owner_column(*, primary_key: bool = False, index: bool = False) -> Column[UUID]:
    """Returns the column of the owner, with whose account the row is deleted."""
    return Column(
        Uuid,
        ForeignKey("users.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        index=index,
        info=NOT_EXPORTED,  # the same in all rows of an export
    )
