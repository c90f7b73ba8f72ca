"""Todos and the log of their changes."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    Text,
    Time,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import NOT_EXPORTED, TODO_SNAPSHOT, moment, owner
from todo_core.schema.sort_keys import SORT_KEYS, TERMS, place_key

_LIVE = text("deleted_at IS NULL")


def _sorted(name: str, key: str, *more: str) -> Index:
    return Index(name, "user_id", text(SORT_KEYS[key]), "id", *more, postgresql_where=_LIVE)


def _placed(name: str, column: str) -> Index:
    return Index(name, "user_id", text(place_key(column)), "order", "id", postgresql_where=_LIVE)


class TodoRow(SQLModel, table=True):
    """A todo. Where it may lie, and what goes along with it, triggers on the table see to (migration 0003)."""

    __tablename__ = "todos"
    __table_args__ = (
        CheckConstraint("priority IN ('none', 'low', 'medium', 'high')", name="todos_priority"),
        CheckConstraint("due_date IS NULL OR due_at IS NULL", name="todos_one_due"),
        CheckConstraint(
            "recurrence IS NULL OR due_date IS NOT NULL OR due_at IS NOT NULL", name="recurrence_needs_due"
        ),
        CheckConstraint("completed = (completed_at IS NOT NULL)", name="todos_completed_at"),
        # What is behind the id is compared without a look at the row.
        Index("todos_by_order", "user_id", "order", "id", "completed", "priority", postgresql_where=_LIVE),
        Index("todos_in_trash", "user_id", "order", "id", postgresql_where=text("deleted_at IS NOT NULL")),
        Index("todos_to_purge", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
        Index("todos_of_project", "project_id", postgresql_where=text("project_id IS NOT NULL")),
        Index("todos_of_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("todos_by_created_at", "user_id", "created_at", "id", postgresql_where=_LIVE),
        Index("todos_by_updated_at", "user_id", "updated_at", "id", postgresql_where=_LIVE),
        _sorted("todos_by_due", "due", "completed"),
        _sorted("todos_by_due_backward", "-due", "completed"),
        _sorted("todos_by_priority", "priority"),
        _sorted("todos_by_title", "title"),
        _placed("todos_by_project", "project_id"),
        _placed("todos_by_parent", "parent_id"),
        # Without a list of what is pending, through which every search would have to read.
        Index(
            "todos_by_terms",
            text(TERMS),
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner())
    title: str = Field(sa_column=Column(Text, nullable=False))
    description: str | None = Field(sa_column=Column(Text))
    completed: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    completed_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    priority: str = Field(sa_column=Column(Text, nullable=False, server_default="none"))
    due_date: date | None = Field(sa_column=Column(Date))
    due_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    due_time: time | None = Field(sa_column=Column(Time))
    """The time of day that a todo recurs at, where a clock change has moved it away from there."""
    reminder_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    recurrence: str | None = Field(sa_column=Column(Text))
    occurrences: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    """How often it was completed and moved on to its next occurrence."""
    tags: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default="{}"))
    project_id: UUID | None = Field(sa_column=Column(Uuid, ForeignKey("projects.id", ondelete="SET NULL")))
    parent_id: UUID | None = Field(sa_column=Column(Uuid, ForeignKey("todos.id", ondelete="SET NULL")))
    order: float = Field(sa_column=Column(Double, nullable=False))
    version: int = Field(sa_column=Column(Integer, nullable=False, server_default="1"))
    created_at: datetime = Field(sa_column=moment("created_at"))
    updated_at: datetime = Field(sa_column=moment("updated_at"))
    deleted_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    words: str = Field(
        sa_column=Column(
            TSVECTOR,
            Computed("words_of(title, description)", persisted=True),
            info=NOT_EXPORTED,
        )
    )


class ChangeRow(SQLModel, table=True):
    """One change of one todo, written by a trigger on the table `todos`."""

    __tablename__ = "changes"
    __table_args__ = (Index("changes_of_turn", "turn_id", postgresql_where=text("turn_id IS NOT NULL")),)

    user_id: UUID = Field(sa_column=owner(primary_key=True))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    todo_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    op: str = Field(sa_column=Column(Text, nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    turn_id: UUID | None = Field(sa_column=Column(Uuid))
    before: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True), info=TODO_SNAPSHOT))
    after: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True), info=TODO_SNAPSHOT))
    created_at: datetime = Field(sa_column=moment("created_at"))
