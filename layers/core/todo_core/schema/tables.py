"""All tables of the service as SQLAlchemy metadata, for comparison with the migrations and for the export."""

from importlib import import_module

from sqlalchemy import MetaData
from sqlmodel import SQLModel


def all_tables() -> MetaData:
    """Imports all modules that define tables, and returns the metadata of their tables."""
    for module in ("accounts", "usage", "projects", "todos", "assistant", "idempotency"):
        import_module(f"todo_core.schema.{module}")
    return SQLModel.metadata
