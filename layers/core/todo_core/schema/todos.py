"""Tables of todos and of the change log."""

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

from todo_core.schema.columns import EXPORT_NAME, NOT_EXPORTED, TODO_SNAPSHOT, instant_column, owner_column
from todo_core.schema.pending_reminders import IS_PENDING
from todo_core.schema.sort_keys import SORT_KEYS, TERMS, location_key

_LIVE = text("deleted_at IS NULL")


def _sorted_index(name: str, key: str, *more: str) -> Index:
    return Index(name, "user_id", text(SORT_KEYS[key]), "id", *more, postgresql_where=_LIVE)


def _due_index(name: str, column: str) -> Index:
    has_due = text(f"deleted_at IS NULL AND {column} IS NOT NULL")
    return Index(name, "user_id", column, "id", "completed", postgresql_where=has_due)


def _location_index(name: str, column: str) -> Index:
    return Index(name, "user_id", text(location_key(column)), "order", "id", postgresql_where=_LIVE)


class TodoRow(SQLModel, table=True):
    """A todo. Triggers check its parent and project, and cascade its changes to subtodos: see trees.sql."""

    __tablename__ = "todos"
    __table_args__ = (
        CheckConstraint("priority IN ('none', 'low', 'medium', 'high')", name="todos_priority"),
        CheckConstraint("due_date IS NULL OR due_at IS NULL", name="todos_one_due"),
        CheckConstraint(
            "recurrence IS NULL OR due_date IS NOT NULL OR due_at IS NOT NULL", name="recurrence_needs_due"
        ),
        CheckConstraint("completed = (completed_at IS NOT NULL)", name="todos_completed_at"),
        # For the pages of an export. All other indexes by owner are partial, or do not sort by a unique column.
        Index("todos_by_id", "user_id", "id"),
        # `completed` and `priority` do not sort: they let PostgreSQL filter in the index, without reading the table.
        Index("todos_by_order", "user_id", "order", "id", "completed", "priority", postgresql_where=_LIVE),
        Index("todos_in_trash", "user_id", "order", "id", postgresql_where=text("deleted_at IS NOT NULL")),
        Index("todos_to_purge", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
        Index("todos_of_project", "project_id", postgresql_where=text("project_id IS NOT NULL")),
        Index("todos_of_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("todos_by_created_at", "user_id", "created_at", "id", postgresql_where=_LIVE),
        Index("todos_by_updated_at", "user_id", "updated_at", "id", postgresql_where=_LIVE),
        # Two indexes for a list by due date: a day and an instant are compared in the user's time zone.
        _due_index("todos_by_due_at", "due_at"),
        _due_index("todos_by_due_date", "due_date"),
        # For todos without a due date, and for counts. The code of version 0.2.0 needs both for its lists.
        _sorted_index("todos_by_due", "due", "completed"),
        _sorted_index("todos_by_due_backward", "-due", "completed"),
        _sorted_index("todos_by_priority", "priority"),
        _sorted_index("todos_by_title", "title"),
        _location_index("todos_by_project", "project_id"),
        _location_index("todos_by_parent", "parent_id"),
        # With the owner, so that reminders of a busy owner are skipped in the index.
        Index("todos_to_remind", "reminder_at", "user_id", postgresql_where=text(IS_PENDING)),
        # With `fastupdate`, the index would keep new entries in a pending list, which each search would have to read.
        Index(
            "todos_by_terms",
            text(TERMS),
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column())
    title: str = Field(sa_column=Column(Text, nullable=False))
    description: str | None = Field(sa_column=Column(Text))
    completed: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    completed_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    priority: str = Field(sa_column=Column(Text, nullable=False, server_default="none"))
    due_date: date | None = Field(sa_column=Column(Date))
    due_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    due_time: time | None = Field(sa_column=Column(Time))
    """The intended time of day of a recurring todo whose due date a clock change has moved. Else null.

    Later occurrences return to this time. With a `series`, this is the time of its due date.
    """
    reminder_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    reminded_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    """The latest `reminder_at` that has fired or was skipped. Reminders up to this time are done.

    Setting it makes no new version of the todo.
    """
    recurrence: str | None = Field(sa_column=Column(Text))
    occurrences: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    """Counts how often completing or skipping a recurring todo has moved it to its next due date."""
    recurrence_from: str = Field(sa_column=Column(Text, nullable=False, server_default="due"))
    """The start of the rule for the next occurrence: `due` or `completion`."""
    skips: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    """Counts how many of the occurrences were skipped."""
    series: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    """The place of the current occurrence in its series, if the todo was postponed or its reminder moved.

    `SeriesPlace` in next_due.py describes the fields. Null if the due date and the reminder are at their place.
    """
    tags: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default="{}"))
    project_id: UUID | None = Field(sa_column=Column(Uuid, ForeignKey("projects.id", ondelete="SET NULL")))
    # Without a foreign key, which would look for subtodos at the deletion of each row: see trees.sql.
    parent_id: UUID | None = Field(sa_column=Column(Uuid))
    order: float = Field(sa_column=Column(Double, nullable=False))
    version: int = Field(sa_column=Column(Integer, nullable=False, server_default="1"))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    updated_at: datetime = Field(sa_column=instant_column("updated_at"))
    deleted_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    words: str = Field(
        sa_column=Column(
            TSVECTOR,
            Computed("words_of(title, description)", persisted=True),
            info=NOT_EXPORTED,
        )
    )


class ChangeRow(SQLModel, table=True):
    """One change of a todo, a project or a tag, written by triggers: see change_log.sql.

    One of `todo_id`, `project_id` and `tag` is set. A renamed tag has its old name in `tag`.

    A change that leaves the description as it is has no description in `before` and `after`; full_snapshot() finds it.
    """

    __tablename__ = "change_log"
    __table_args__ = (
        Index("changes_of_turn", "turn_id", postgresql_where=text("turn_id IS NOT NULL")),
        # For full_snapshot().
        Index(
            "changes_of_description",
            "user_id",
            "todo_id",
            "seq",
            postgresql_where=text("(before ->> 'description') IS NOT NULL"),
        ),
        {"info": {EXPORT_NAME: "changes"}},
    )

    # Without a foreign key, whose check would take a tenth of the time of a write. The owner exists, because todos and
    # projects have a foreign key. A trigger of the table `users` deletes the changes with the account.
    user_id: UUID = Field(sa_column=Column(Uuid, primary_key=True, info=NOT_EXPORTED))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    todo_id: UUID | None = Field(sa_column=Column(Uuid))
    project_id: UUID | None = Field(sa_column=Column(Uuid))
    tag: str | None = Field(sa_column=Column(Text))
    op: str = Field(sa_column=Column(Text, nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    turn_id: UUID | None = Field(sa_column=Column(Uuid))
    before: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True), info=TODO_SNAPSHOT))
    after: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True), info=TODO_SNAPSHOT))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    read_bytes: int | None = Field(sa_column=Column(Integer, info=NOT_EXPORTED))
    """Stored bytes before and after, as todo_bytes() defines them, with the descriptions that are left out.

    Bounds the size of a page before the rows are read. Null in rows of older versions.
    """
    token_name: str | None = Field(sa_column=Column(Text))
    """The name of the API token with which the change was made."""
