"""Accounts, their sessions, and what was tried too often."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    Text,
    Uuid,
)
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import NOT_EXPORTED, moment, owner


class UserRow(SQLModel, table=True):
    __tablename__ = "users"

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    email: str = Field(sa_column=Column(Text, nullable=False))
    email_key: str = Field(sa_column=Column(Text, nullable=False, unique=True, info=NOT_EXPORTED))
    """The email as accounts are told apart by it: without regard to case, whatever the database's locale."""
    password_hash: str = Field(sa_column=Column(Text, nullable=False, info=NOT_EXPORTED))
    name: str | None = Field(sa_column=Column(Text))
    timezone: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=moment("created_at"))


class SessionRow(SQLModel, table=True):
    """One sign-in. A token is good only as long as the row of its `sid` is there."""

    __tablename__ = "sessions"

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner(index=True))
    user_agent: str | None = Field(sa_column=Column(Text))
    created_at: datetime = Field(sa_column=moment("created_at"))
    last_seen_at: datetime = Field(sa_column=moment("last_seen_at"))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))


class AttemptRow(SQLModel, table=True):
    """How often something that is limited was tried under a key, within a window that ends at `expires_at`."""

    __tablename__ = "attempts"

    key: str = Field(sa_column=Column(Text, primary_key=True))
    count: int = Field(sa_column=Column(Integer, nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
