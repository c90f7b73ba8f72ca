"""Tables of accounts, sessions, invites and rate-limit counters."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import NOT_EXPORTED, instant_column, owner_column


class UserRow(SQLModel, table=True):
    __tablename__ = "users"

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    email: str = Field(sa_column=Column(Text, nullable=False))
    email_key: str = Field(sa_column=Column(Text, nullable=False, unique=True, info=NOT_EXPORTED))
    """The case-folded email, by which accounts are found. It is unique, so emails that differ only in case are equal.

    Computed in Python, so the result does not depend on the database's locale.
    """
    password_hash: str = Field(sa_column=Column(Text, nullable=False, info=NOT_EXPORTED))
    name: str | None = Field(sa_column=Column(Text))
    timezone: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    password_expires_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True), info=NOT_EXPORTED))
    """The time at which a temporary password is refused. Null for a password that the user chose."""
    known_networks: list[str] = Field(
        sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'"), info=NOT_EXPORTED)
    )
    """Keyed digests of the last networks that signed in. Failed logins of others do not lock these out."""
    email_verified_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))


class SessionRow(SQLModel, table=True):
    """One sign-in. A session token is valid only while the row with the id of its claim `sid` exists."""

    __tablename__ = "sessions"

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column(index=True))
    user_agent: str | None = Field(sa_column=Column(Text))
    opened_by: str = Field(sa_column=Column(Text, nullable=False, server_default="password"))
    """The proofs with which the user signed in: `password`, `totp`, `recovery_code`, `passkey`, `password_passkey`.

    With `totp` and `recovery_code`, a password came first.
    """
    confirmed_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    """The time at which the user has last proved, within the session, who they are."""
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    last_seen_at: datetime = Field(sa_column=instant_column("last_seen_at"))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))


class InviteRow(SQLModel, table=True):
    """An unused invite: a code with which one account can be registered until `expires_at`.

    With `email_key`, only an account with this email. `code_hash` is the SHA-256 of the code.
    """

    __tablename__ = "invites"

    code_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    email_key: str | None = Field(sa_column=Column(Text))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))


class AttemptRow(SQLModel, table=True):
    """The number of attempts under a key of a rate limit, within a window that ends at `expires_at`."""

    __tablename__ = "attempts"

    key: str = Field(sa_column=Column(Text, primary_key=True))
    count: int = Field(sa_column=Column(Integer, nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
