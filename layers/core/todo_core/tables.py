"""The tables. Migrations are made from them, statements are written against them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlmodel import Field, SQLModel

_NOW = func.now()
_ASCII_PUNCTUATION = "!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~"


def words_in(text_expression: str) -> str:
    """SQL for the words in a text. PostgreSQL alone would take `milk/bread` or `ada@example.com` for one word."""
    return f"to_tsvector('simple', translate({text_expression}, '{_ASCII_PUNCTUATION}', repeat(' ', 32)))"


def _moment(name: str) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=_NOW)


class UserRow(SQLModel, table=True):
    __tablename__ = "users"

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    email: str = Field(sa_column=Column(Text, nullable=False))
    email_key: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    """The email as accounts are told apart by it: without regard to case, whatever the database's locale."""
    password_hash: str = Field(sa_column=Column(Text, nullable=False))
    name: str | None = Field(sa_column=Column(Text))
    timezone: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=_moment("created_at"))


class SessionRow(SQLModel, table=True):
    """One sign-in. A token is good only as long as the row of its `sid` is there."""

    __tablename__ = "sessions"

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    user_agent: str | None = Field(sa_column=Column(Text))
    created_at: datetime = Field(sa_column=_moment("created_at"))
    last_seen_at: datetime = Field(sa_column=_moment("last_seen_at"))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class AttemptRow(SQLModel, table=True):
    """How often something that is limited was tried under a key, within a window that ends at `expires_at`."""

    __tablename__ = "attempts"

    key: str = Field(sa_column=Column(Text, primary_key=True))
    count: int = Field(sa_column=Column(Integer, nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))


class TodoRow(SQLModel, table=True):
    __tablename__ = "todos"
    __table_args__ = (
        CheckConstraint("priority IN ('none', 'low', 'medium', 'high')", name="todos_priority"),
        CheckConstraint("due_date IS NULL OR due_at IS NULL", name="todos_one_due"),
        CheckConstraint("completed = (completed_at IS NOT NULL)", name="todos_completed_at"),
        Index("todos_by_order", "user_id", "order", "id", postgresql_where=text("deleted_at IS NULL")),
        Index("todos_by_words", "words", postgresql_using="gin"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    description: str | None = Field(sa_column=Column(Text))
    completed: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    completed_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    priority: str = Field(sa_column=Column(Text, nullable=False, server_default="none"))
    due_date: date | None = Field(sa_column=Column(Date))
    due_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    tags: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default="{}"))
    order: float = Field(sa_column=Column(Double, nullable=False))
    version: int = Field(sa_column=Column(Integer, nullable=False, server_default="1"))
    created_at: datetime = Field(sa_column=_moment("created_at"))
    updated_at: datetime = Field(sa_column=_moment("updated_at"))
    deleted_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    words: str = Field(
        sa_column=Column(
            TSVECTOR,
            Computed(words_in("title || ' ' || coalesce(description, '')"), persisted=True),
        )
    )


metadata = SQLModel.metadata


def table_of(model: type[SQLModel]) -> Table:
    """The table behind a model, for statements that are written column by column."""
    return metadata.tables[str(model.__tablename__)]
