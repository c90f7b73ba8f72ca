"""Table of API tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Column, DateTime, Index, LargeBinary, Text, Uuid
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import NOT_EXPORTED, instant_column, owner_column


class ApiTokenRow(SQLModel, table=True):
    """A token with which a program of the user works. `token_hash` is its SHA-256; deleting the row revokes it."""

    __tablename__ = "api_tokens"
    __table_args__ = (Index("api_tokens_of_user", "user_id", "id"),)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column())
    name: str = Field(sa_column=Column(Text, nullable=False))
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True, info=NOT_EXPORTED))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    last_used_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    """The time of the latest use, accurate to one hour. Null before the first."""
    may_delete_unasked: bool = Field(sa_column=Column(Boolean, nullable=False, server_default="false"))
    """True if the program may delete without asking a person, where the service asks."""
    expires_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True), index=True))
