"""Table of the outbox."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import NOT_EXPORTED, instant_column


class OutboxRow(SQLModel, table=True):
    """A message that waits for its delivery, or that is dead. Delivering it deletes the row.

    The transaction that causes a message writes the row. A process that delivers it holds a lease until
    `leased_until`. Then, or after a failed try at `due_at`, any process may take the message.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_by_due", "due_at", postgresql_where=text("dead_at IS NULL")),
        Index("outbox_dead", "dead_at", postgresql_where=text("dead_at IS NOT NULL")),
        Index("outbox_of_user", "user_id", "id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    """The id by which receivers recognise a repeat: the Message-ID of a mail is made of it."""
    kind: str = Field(sa_column=Column(Text, nullable=False))
    channel: str = Field(sa_column=Column(Text, nullable=False, info=NOT_EXPORTED))
    """The receiver whose slowness must not delay others: the domain of a mail's address."""
    user_id: UUID | None = Field(sa_column=Column(Uuid, ForeignKey("users.id", ondelete="CASCADE"), info=NOT_EXPORTED))
    payload: dict[str, Any] = Field(sa_column=Column(JSONB(none_as_null=True), nullable=False))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    due_at: datetime = Field(sa_column=instant_column("due_at"))
    """The time of the next try. During a lease, the end of the lease."""
    leased_until: datetime | None = Field(sa_column=Column(DateTime(timezone=True), info=NOT_EXPORTED))
    attempts: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    last_error: str | None = Field(sa_column=Column(Text, info=NOT_EXPORTED))
    """The reason of the latest failure, for the operator."""
    dead_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    """The time at which the last try failed. A dead message is not tried again, and is kept for 30 days."""
