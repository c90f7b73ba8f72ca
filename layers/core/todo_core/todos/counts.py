"""Counts todos by the filters of a list."""

from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.database.executor import Executor
from todo_core.todos import lists
from todo_core.todos.filters import DueBound, Filters

_MAX_COUNTED: Final = 10_000
"""The most todos that one count reads, so that its cost does not grow with the list."""


class Counts(Struct, frozen=True):
    """The numbers of todos that meet some filters. Unless `is_exact`, there are more than the first 10,000 counted."""

    total: int
    completed: int
    overdue: int
    due_today: int
    is_exact: bool

    @property
    def open(self) -> int:
        return self.total - self.completed


class CountedDay(Struct, frozen=True):
    """The current instant, and the midnights at which the user's day begins and ends."""

    now: DueBound
    today: DueBound
    tomorrow: DueBound


async def count(db: Executor, user_id: UUID, filters: Filters, day: CountedDay) -> Counts:
    """Counts the user's todos that meet the filters, and among them those completed, overdue and due today."""
    statement = lists.select_counts(frozenset(filters.conditions), filters.sorted_by)
    bounds: dict[str, object] = {}
    for name in ("now", "today", "tomorrow"):
        bound: DueBound = getattr(day, name)
        bounds |= {f"{name}_at": bound.at, f"{name}_day": bound.day}
    row = await db.fetch_one(statement, user_id=user_id, limit=_MAX_COUNTED + 1, **bounds, **filters.values)
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY returns one row
    return Counts(
        min(row["total"], _MAX_COUNTED),
        row["completed"],
        row["overdue"],
        row["due_today"],
        is_exact=row["total"] <= _MAX_COUNTED,
    )
