"""Table of projects."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, Column, Double, Index, Integer, Text, Uuid, text
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import instant_column, owner_column


class ProjectRow(SQLModel, table=True):
    __tablename__ = "projects"
    __table_args__ = (Index("projects_by_order", "user_id", "order", "id"),)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column())
    name: str = Field(sa_column=Column(Text, nullable=False))
    order: float = Field(sa_column=Column(Double, nullable=False))
    archived: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    version: int = Field(sa_column=Column(Integer, nullable=False, server_default="1"))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    updated_at: datetime = Field(sa_column=instant_column("updated_at"))
