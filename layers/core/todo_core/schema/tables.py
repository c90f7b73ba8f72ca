"""All tables of the service. Migrations are compared with them; no function that serves requests loads them."""

from importlib import import_module

from sqlalchemy import MetaData
from sqlmodel import SQLModel


def all_tables() -> MetaData:
    """Returns the metadata of every table."""
    for module in ("accounts", "projects", "todos", "assistant", "idempotency"):
        import_module(f"todo_core.schema.{module}")
    return SQLModel.metadata
