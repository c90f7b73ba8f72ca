"""Tables of conversations, turns, model responses, tool calls and the daily quota."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import NOT_EXPORTED, instant_column, owner_column


class ConversationRow(SQLModel, table=True):
    __tablename__ = "conversations"
    __table_args__ = (Index("conversations_by_activity", "user_id", "active_at", "id"),)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column())
    title: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    active_at: datetime = Field(sa_column=instant_column("active_at"))


class TurnRow(SQLModel, table=True):
    """One message of the user and the assistant's work on it.

    The process that runs a turn holds a lease, for the longest time that a turn may take. A turn with the status
    `running` and an expired lease has lost its process.
    """

    __tablename__ = "turns"
    __table_args__ = (
        CheckConstraint("status IN ('running', 'needs_approval', 'done', 'incomplete')", name="turns_status"),
        CheckConstraint("reversal IN ('undo', 'redo')", name="turns_reversal"),
        Index("turns_of_conversation", "conversation_id", "id"),
        Index("turns_by_id", "user_id", "id"),
        Index("turns_leased", "user_id", postgresql_where=text("lease IS NOT NULL")),
        Index(
            "turns_by_key",
            "user_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column())
    conversation_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False)
    )
    message_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    reply_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    idempotency_key: str | None = Field(sa_column=Column(Text))
    request_digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False, info=NOT_EXPORTED))
    message: str = Field(sa_column=Column(Text, nullable=False))
    timezone: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False, server_default="running"))
    stopped_by: str | None = Field(sa_column=Column(Text))
    response: str | None = Field(sa_column=Column(Text))
    model: str = Field(sa_column=Column(Text, nullable=False))
    approval: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    reversal: str | None = Field(sa_column=Column(Text))
    """`undo` or `redo` if this turn changed todos only by undoing turns, or by redoing undone ones."""
    lease: UUID | None = Field(sa_column=Column(Uuid, info=NOT_EXPORTED))
    leased_until: datetime | None = Field(sa_column=Column(DateTime(timezone=True), info=NOT_EXPORTED))
    reserved_tokens: int = Field(sa_column=Column(Integer, nullable=False, server_default="0", info=NOT_EXPORTED))
    """The tokens that the turn may still spend. They count towards the daily quota while the lease is valid."""
    stored_bytes: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0", info=NOT_EXPORTED))
    """The bytes of the turn with its model responses and tool calls. They count towards the user's stored bytes."""
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    finished_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    undone_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    undone_by: UUID | None = Field(sa_column=Column(Uuid))
    """The turn of the same conversation that undid this turn last, even if a redo has revived this turn since."""


class RoundRow(SQLModel, table=True):
    """One model response in a turn: its text, tokens and duration."""

    __tablename__ = "rounds"

    turn_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    content: str = Field(sa_column=Column(Text, nullable=False))
    prompt_tokens: int = Field(sa_column=Column(Integer, nullable=False))
    completion_tokens: int = Field(sa_column=Column(Integer, nullable=False))
    milliseconds: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    question: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    extras: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True), info=NOT_EXPORTED))


class ToolCallRow(SQLModel, table=True):
    """One tool call of a model response. Its result is stored in the transaction of the tool's changes."""

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
    extras: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True), info=NOT_EXPORTED))


class AssistantUsageRow(SQLModel, table=True):
    """The turns and tokens of a user on a day (UTC). Deleting conversations does not reduce them."""

    __tablename__ = "assistant_usage"

    user_id: UUID = Field(sa_column=owner_column(primary_key=True))
    day: date = Field(sa_column=Column(Date, primary_key=True))
    turns: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    tokens: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
