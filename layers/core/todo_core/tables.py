"""The tables. Migrations are made from them, statements are written against them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlmodel import Field, SQLModel

_NOW = func.now()
_ASCII_PUNCTUATION = "!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~"


def words_in(text_expression: str) -> str:
    """SQL for the words in a text. PostgreSQL alone would take `milk/bread` or `ada@example.com` for one word."""
    return f"to_tsvector('simple', translate({text_expression}, '{_ASCII_PUNCTUATION}', repeat(' ', 32)))"


def _moment(name: str) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=_NOW)


def _owner(*, primary_key: bool = False, index: bool = False) -> Column[UUID]:
    return Column(
        Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=primary_key, nullable=False, index=index
    )


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
    user_id: UUID = Field(sa_column=_owner(index=True))
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
        Index("todos_in_trash", "user_id", "order", "id", postgresql_where=text("deleted_at IS NOT NULL")),
        Index("todos_by_words", "words", postgresql_using="gin"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=_owner())
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


class ChangeRow(SQLModel, table=True):
    """One change of one todo, written by a trigger on the table `todos`."""

    __tablename__ = "changes"
    __table_args__ = (Index("changes_of_turn", "turn_id", postgresql_where=text("turn_id IS NOT NULL")),)

    user_id: UUID = Field(sa_column=_owner(primary_key=True))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    todo_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    op: str = Field(sa_column=Column(Text, nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    turn_id: UUID | None = Field(sa_column=Column(Uuid))
    before: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    after: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    created_at: datetime = Field(sa_column=_moment("created_at"))


class ConversationRow(SQLModel, table=True):
    __tablename__ = "conversations"
    __table_args__ = (Index("conversations_by_activity", "user_id", "active_at", "id"),)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=_owner())
    title: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=_moment("created_at"))
    active_at: datetime = Field(sa_column=_moment("active_at"))


class TurnRow(SQLModel, table=True):
    """One message of the user's and what the assistant made of it.

    While a process works on a turn it holds a lease, for as long as a turn may take. A turn that is `running` without
    one has lost its process.
    """

    __tablename__ = "turns"
    __table_args__ = (
        CheckConstraint("status IN ('running', 'needs_approval', 'done', 'incomplete')", name="turns_status"),
        Index("turns_of_conversation", "conversation_id", "id"),
        Index("turns_of_user", "user_id"),
        Index(
            "turns_by_key",
            "user_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=_owner())
    conversation_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False)
    )
    message_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    reply_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    idempotency_key: str | None = Field(sa_column=Column(Text))
    request_digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    message: str = Field(sa_column=Column(Text, nullable=False))
    timezone: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False, server_default="running"))
    stopped_by: str | None = Field(sa_column=Column(Text))
    response: str | None = Field(sa_column=Column(Text))
    model: str = Field(sa_column=Column(Text, nullable=False))
    approval: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    lease: UUID | None = Field(sa_column=Column(Uuid))
    leased_until: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    created_at: datetime = Field(sa_column=_moment("created_at"))
    finished_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    undone_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))


class RoundRow(SQLModel, table=True):
    """One answer of the model inside a turn: what it said, what it cost, and how long it took."""

    __tablename__ = "rounds"

    turn_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    content: str = Field(sa_column=Column(Text, nullable=False))
    prompt_tokens: int = Field(sa_column=Column(Integer, nullable=False))
    completion_tokens: int = Field(sa_column=Column(Integer, nullable=False))
    milliseconds: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: datetime = Field(sa_column=_moment("created_at"))


class ToolCallRow(SQLModel, table=True):
    """What the model asked for in a round. Its outcome is written in the transaction of its effect."""

    __tablename__ = "tool_calls"
    __table_args__ = (
        ForeignKeyConstraint(["turn_id", "round"], ["rounds.turn_id", "rounds.number"], ondelete="CASCADE"),
    )

    turn_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    round: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    position: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    call_id: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    arguments: str = Field(sa_column=Column(Text, nullable=False))
    ok: bool | None = Field(sa_column=Column(Boolean))
    result: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    milliseconds: int | None = Field(sa_column=Column(Integer))
    finished_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))


class AssistantUsageRow(SQLModel, table=True):
    """What a user has had of the assistant on a day (UTC). Deleting conversations does not give it back."""

    __tablename__ = "assistant_usage"

    user_id: UUID = Field(sa_column=_owner(primary_key=True))
    day: date = Field(sa_column=Column(Date, primary_key=True))
    turns: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    tokens: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))


metadata = SQLModel.metadata


def table_of(model: type[SQLModel]) -> Table:
    """The table behind a model, for statements that are written column by column."""
    return metadata.tables[str(model.__tablename__)]
