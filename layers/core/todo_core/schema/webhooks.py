"""Tables of webhooks and of their deliveries."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import NOT_EXPORTED, instant_column, owner_column


class WebhookRow(SQLModel, table=True):
    """A URL to which the service sends the user's changes, in the order of the change log.

    `position` is the sequence number up to which all changes are handled. No transaction of the user writes here: the
    deliverer compares the position with the user's last sequence number.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        Index("webhooks_of_user", "user_id", "id"),
        Index("webhooks_by_due", "due_at", postgresql_where=text("enabled")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column())
    url: str = Field(sa_column=Column(Text, nullable=False))
    host: str = Field(sa_column=Column(Text, nullable=False, info=NOT_EXPORTED))
    """The host of the URL. Few requests go to one host at a time."""
    description: str | None = Field(sa_column=Column(Text))
    events: list[str] | None = Field(sa_column=Column(ARRAY(Text)))
    """The events that are sent. Null for all."""
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False, info=NOT_EXPORTED))
    """The secret of the signatures, encrypted."""
    previous_secret: bytes | None = Field(sa_column=Column(LargeBinary, info=NOT_EXPORTED))
    previous_secret_until: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    """The time until which the secret before signs too."""
    enabled: bool = Field(sa_column=Column(Boolean, nullable=False, server_default="true"))
    disabled_reason: str | None = Field(sa_column=Column(Text))
    """Null for an enabled webhook. Else `owner`, `gone` (the receiver answered 410) or `failing` (for three days)."""
    position: int = Field(sa_column=Column(BigInteger, nullable=False, info=NOT_EXPORTED))
    failing_since: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    """The first failed attempt to send the next change. Null if the last attempt succeeded."""
    attempts: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    """The number of failed attempts to send the next change."""
    due_at: datetime = Field(sa_column=instant_column("due_at"))
    """The time of the next attempt, if there are changes. During a lease, the end of the lease."""
    leased_until: datetime | None = Field(sa_column=Column(DateTime(timezone=True), info=NOT_EXPORTED))
    lease: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0", info=NOT_EXPORTED))
    """The number of the latest lease. A process with an earlier one cannot change the row any more."""
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    updated_at: datetime = Field(sa_column=instant_column("updated_at"))
    """The time of the owner's latest change."""


class WebhookDeliveryRow(SQLModel, table=True):
    """A message to a webhook and the result of the latest attempt to send it. Kept for 30 days.

    The content is not stored: it is made of the change log again.
    """

    __tablename__ = "webhook_deliveries"
    # The export and the list of a webhook's deliveries read the primary key.
    __table_args__ = (
        UniqueConstraint("webhook_id", "message_id", name="webhook_deliveries_message"),
        Index("webhook_deliveries_by_age", "created_at"),
    )

    webhook_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    message_id: str = Field(sa_column=Column(Text, nullable=False))
    """The header `webhook-id`, by which receivers recognise a repeat."""
    event: str = Field(sa_column=Column(Text, nullable=False))
    seq: int | None = Field(sa_column=Column(BigInteger))
    """The change that is sent. Null for a test."""
    state: str = Field(sa_column=Column(Text, nullable=False))
    """`waiting`, `delivered`, `retrying` or `failed`."""
    attempts: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    status_code: int | None = Field(sa_column=Column(Integer))
    """The status of the receiver's answer. Null without an answer."""
    error: str | None = Field(sa_column=Column(Text))
    milliseconds: int | None = Field(sa_column=Column(Integer))
    """The time of the latest attempt."""
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    attempted_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
