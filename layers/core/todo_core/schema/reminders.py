"""Tables of reminders: the channels by which a user gets them, and the devices that get them by web push."""

from datetime import datetime, time
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
)
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import NOT_EXPORTED, instant_column, owner_column


class ReminderChannelsRow(SQLModel, table=True):
    """The channels of a user who has chosen them. Users without a row have the defaults: all channels, no quiet hours.

    In the quiet hours, from `quiet_start` to `quiet_end` in the user's zone, no message of a reminder is sent.
    """

    __tablename__ = "reminder_channels"
    __table_args__ = (
        UniqueConstraint("user_id"),
        CheckConstraint(
            "(quiet_start IS NULL) = (quiet_end IS NULL) AND (quiet_start = quiet_end) IS NOT TRUE",
            name="reminder_channels_quiet_hours",
        ),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column())
    mail: bool = Field(sa_column=Column(Boolean, nullable=False))
    push: bool = Field(sa_column=Column(Boolean, nullable=False))
    webhook: bool = Field(sa_column=Column(Boolean, nullable=False))
    quiet_start: time | None = Field(sa_column=Column(Time))
    quiet_end: time | None = Field(sa_column=Column(Time))
    updated_at: datetime = Field(sa_column=instant_column("updated_at"))


class PushSubscriptionRow(SQLModel, table=True):
    """A browser that gets reminders by web push. `endpoint` is a URL of its push service.

    `p256dh` is the browser's public key (65 bytes), and `auth` the secret that it shares with the service (16 bytes).
    """

    __tablename__ = "push_subscriptions"
    __table_args__ = (
        Index("push_subscriptions_of_user", "user_id", "id"),
        Index("push_subscriptions_by_endpoint", "endpoint_hash", "user_id", unique=True),
        Index("push_subscriptions_of_session", "session_id"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column())
    session_id: UUID | None = Field(
        sa_column=Column(Uuid, ForeignKey("sessions.id", ondelete="SET NULL", onupdate="CASCADE"), info=NOT_EXPORTED)
    )
    """The session that made the subscription. Ending the session ends the subscription, and its expiry does not."""
    endpoint: str = Field(sa_column=Column(Text, nullable=False))
    endpoint_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, info=NOT_EXPORTED))
    """The SHA-256 of the endpoint, which may be longer than an index allows."""
    p256dh: bytes = Field(sa_column=Column(LargeBinary, nullable=False, info=NOT_EXPORTED))
    auth: bytes = Field(sa_column=Column(LargeBinary, nullable=False, info=NOT_EXPORTED))
    user_agent: str | None = Field(sa_column=Column(Text))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
