"""Table of idempotency keys and stored responses."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import NOT_EXPORTED, owner_column


class IdempotencyKeyRow(SQLModel, table=True):
    """One request with an idempotency key and its response. One transaction writes both."""

    __tablename__ = "idempotency_keys"
    # Not exported: the rows expire after a day, and their data is in other tables of the export.
    __table_args__ = ({"info": NOT_EXPORTED},)

    user_id: UUID = Field(sa_column=owner_column(primary_key=True))
    route: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    request_digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status: int | None = Field(sa_column=Column(SmallInteger))
    headers: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    body: bytes | None = Field(sa_column=Column(LargeBinary))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
