"""Tables of the links in mails, and of registrations that wait for their link."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Index, LargeBinary, Text, Uuid, text
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import NOT_EXPORTED, instant_column, owner_column


class LinkRow(SQLModel, table=True):
    """A link that was not used yet. Using it deletes the row, so each link works once, until `expires_at`.

    `token_hash` is the SHA-256 of the link's token, which is derived from the secret key and the id.
    """

    __tablename__ = "links"
    __table_args__ = (
        CheckConstraint(
            "purpose IN ('verify_email', 'reset_password', 'change_email', 'take_back_email')", name="links_purpose"
        ),
        Index("links_of_user", "user_id", "id"),
        # Finds the links that lead back to an email which another account wants.
        Index("links_taken_back", "email_key", postgresql_where=text("purpose = 'take_back_email'")),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column())
    purpose: str = Field(sa_column=Column(Text, nullable=False))
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True, info=NOT_EXPORTED))
    email: str | None = Field(sa_column=Column(Text))
    """The email that a change sets, or the one that taking back the change restores. Null for other purposes."""
    email_key: str | None = Field(sa_column=Column(Text, info=NOT_EXPORTED))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))


class RegistrationRow(SQLModel, table=True):
    """An account to be, while REQUIRE_VERIFIED_EMAIL is on. The link in a mail makes the account and deletes the row.

    Several may exist for one email, because the email belongs to none of them yet. `invite_hash` is the invite's hash.
    """

    __tablename__ = "registrations"

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    email: str = Field(sa_column=Column(Text, nullable=False))
    email_key: str = Field(sa_column=Column(Text, nullable=False, index=True))
    password_hash: str = Field(sa_column=Column(Text, nullable=False))
    name: str | None = Field(sa_column=Column(Text))
    timezone: str = Field(sa_column=Column(Text, nullable=False))
    invite_hash: bytes | None = Field(sa_column=Column(LargeBinary))
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
