"""The tables. Migrations are made from them and compared with them; nothing that serves requests loads them."""

from datetime import datetime
from importlib import import_module
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKey, MetaData, Uuid, func
from sqlmodel import SQLModel

_NOW = func.now()


def all_tables() -> MetaData:
    """The whole schema."""
    for module in ("accounts", "projects", "todos", "assistant", "idempotency"):
        import_module(f"{__name__}.{module}")
    return SQLModel.metadata


def moment(name: str) -> Column[datetime]:
    """A column for when something happened: now, unless it is said."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=_NOW)


def owner(*, primary_key: bool = False, index: bool = False) -> Column[UUID]:
    """A column for the user to whom a row belongs, and with whom it goes."""
    return Column(
        Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=primary_key, nullable=False, index=index
    )
