"""All tables of the service as SQLAlchemy metadata, for comparison with the migrations and for the export."""

from importlib import import_module
from typing import Final

from sqlalchemy import MetaData
from sqlmodel import SQLModel

_MODULES: Final = (
    *("accounts", "links", "api_tokens", "oauth", "second_factors", "usage"),
    *("projects", "todos", "assistant", "idempotency", "outbox", "reminders", "webhooks"),
)


def all_tables() -> MetaData:
    """Imports all modules that define tables, and returns the metadata of their tables."""
    for module in _MODULES:
        import_module(f"todo_core.schema.{module}")
    return SQLModel.metadata
