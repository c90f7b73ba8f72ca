"""Tables of what an account uses, by which the quotas are checked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Text, text
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import NOT_EXPORTED, instant_column, owner_column


class AccountUsageRow(SQLModel, table=True):
    """Counters of one user. Triggers write them: see usage.sql.

    Their row is the last that a transaction locks. It is updated by each write, so its page has room for new versions.
    """

    __tablename__ = "account_usage"
    # Not exported: the counters describe data that is in other tables of the export.
    __table_args__ = (
        Index("account_usage_by_log", "log_begins_at"),
        {"info": NOT_EXPORTED, "postgresql_with": {"fillfactor": 50}},
    )

    user_id: UUID = Field(sa_column=owner_column(primary_key=True))
    last_seq: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    """The sequence number of the user's latest change."""
    log_begins_at: datetime = Field(sa_column=instant_column("log_begins_at"))
    """A time before which the log has no change, but perhaps the latest one. The cut of the log sets it."""
    live_todos: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    """The number of todos outside the trash."""
    stored_bytes: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    """The bytes of all todos and of the change log by todo_bytes(), of all turns, and of stored responses."""
    followed_until: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    """The time until which each change of the user is notified: see count_changes() in usage.sql. Null for never."""


class KnownTagRow(SQLModel, table=True):
    """A tag that a todo of the user outside the trash has, or has had: see check_tags() in usage.sql."""

    __tablename__ = "known_tags"
    # Not exported: the tags are in the todos.
    __table_args__ = (
        Index("known_tags_by_key", "user_id", text("tag_key(tag)")),
        {"info": NOT_EXPORTED},
    )

    user_id: UUID = Field(sa_column=owner_column(primary_key=True))
    tag: str = Field(sa_column=Column(Text, primary_key=True))
