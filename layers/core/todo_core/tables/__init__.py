"""The tables. Migrations are made from them, statements are written against them.

A function loads only the modules whose tables it uses: to describe a table takes some milliseconds of a start.
"""

from datetime import datetime
from importlib import import_module
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKey, MetaData, Table, Uuid, func
from sqlmodel import SQLModel

_NOW = func.now()


def table_of(model: type[SQLModel]) -> Table:
    """The table behind a model, for statements that are written column by column."""
    return SQLModel.metadata.tables[str(model.__tablename__)]


def all_tables() -> MetaData:
    """The whole schema, which only migrations need."""
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
