"""Which todos a list holds, what it goes by, and where one of its pages begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from todo_core.schema.sort_keys import NOWHERE
from todo_core.todos.model import Priority, Todo

ListSort = Literal[
    "order",
    "-order",
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "due",
    "-due",
    "priority",
    "-priority",
    "title",
    "-title",
]
"""What a list goes by, and backwards with `-`."""
type Sort = ListSort | Literal["relevance"]
"""By relevance go searches only: whatever has all of the words in its title comes first, then the rest; in both the
newest first.
"""
type LocationFilter = UUID | Literal["none"]


@dataclass(frozen=True, slots=True)
class DueBound:
    """An end of a span of time, for todos that are due at an instant and for those that are due on a day."""

    at: datetime
    day: date

    @classmethod
    def of(cls, when: date | datetime, timezone: ZoneInfo) -> Self:
        """A day begins in the user's zone. A day with an instant in it is not over by then."""
        if not isinstance(when, datetime):
            return cls(datetime.combine(when, time(), timezone), when)
        try:
            return cls(when, when.astimezone(timezone).date())
        except OverflowError:  # at the ends of the calendar
            return cls(when, when.date())

    @property
    def ends(self) -> tuple[datetime, datetime]:
        """The earlier and the later of the two, on the line on which a day begins in UTC."""
        day = datetime.combine(self.day, time(), UTC)
        return min(self.at, day), max(self.at, day)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which todos a list holds, and what it goes by; None does not filter.

    `tags` must all be on the todo, every word of `q` in it.

    `due_from` is inclusive, `due_until` is not. `overdue` is what is open and due before the bound, `not_overdue` all
    else. `trashed` shows the trash instead of what is not in it.
    """

    completed: bool | None = None
    priority: Priority | None = None
    tags: Sequence[str] = ()
    q: str | None = None
    due_from: DueBound | None = None
    due_until: DueBound | None = None
    trashed: bool = False
    project_id: LocationFilter | None = None
    parent_id: LocationFilter | None = None
    overdue: DueBound | None = None
    not_overdue: DueBound | None = None
    sort: Sort | None = None

    @property
    def conditions(self) -> set[str]:
        """The names of the conditions under which a list is read."""
        return {name for name in _ALONE if getattr(self, name) is not None} | {
            name for name in ("tags", "trashed") if getattr(self, name)
        }

    @property
    def values(self) -> dict[str, object]:
        """The parameters of those conditions."""
        values: dict[str, object] = {
            "completed": self.completed,
            "priority": self.priority,
            "tags": list(self.tags),
            "q": self.q,
            "project_id": NOWHERE if self.project_id == "none" else self.project_id,
            "parent_id": NOWHERE if self.parent_id == "none" else self.parent_id,
        }
        for name in _BOUNDS:
            bound: DueBound | None = getattr(self, name)
            if bound is not None:
                values |= {f"{name}_at": bound.at, f"{name}_day": bound.day}
                values[f"{name}_first"], values[f"{name}_last"] = bound.ends
        return values

    @property
    def sorted_by(self) -> Sort:
        """What the list goes by, also if it is not said."""
        if self.sort is not None:
            return self.sort
        if self.q is not None:
            return "relevance"
        return "due" if self.due_from or self.due_until or self.overdue else "order"


_BOUNDS = ("due_from", "due_until", "overdue", "not_overdue")
_ALONE = ("completed", "priority", "q", "project_id", "parent_id", *_BOUNDS)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page of a list begins: right after the todo with this key, of what the list goes by, and this id.

    In a list by relevance, `in_title` says in which of its two parts that todo is.
    """

    key: float | bytes | datetime
    id: UUID
    in_title: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the todos of a list, and where the next page begins, if there is one."""

    todos: list[Todo]
    next: Position | None
