"""Columns that several tables share."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKey, Uuid, func


def moment(name: str) -> Column[datetime]:
    """Returns a column for an instant that defaults to now()."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def owner(*, primary_key: bool = False, index: bool = False) -> Column[UUID]:
    """Returns the column of the owner, with whose account the row is deleted."""
    return Column(
        Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=primary_key, nullable=False, index=index
    )
