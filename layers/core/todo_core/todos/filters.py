"""The filters and the sort order of a list of todos, and its pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from todo_core.schema.sort_keys import NO_ID
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
"""The sort orders of any list, descending with `-`."""
type Sort = ListSort | Literal["relevance"]
"""The sort orders of a list, with relevance for searches.

Matches of the title come first, then other matches, each from the newest to the oldest.
"""
type LocationFilter = UUID | Literal["none"]


@dataclass(frozen=True, slots=True)
class DueBound:
    """One end of a range of due dates: `at` for todos due at an instant, `day` for todos due on a day."""

    at: datetime
    day: date

    @classmethod
    def of(cls, when: date | datetime, timezone: ZoneInfo) -> Self:
        """Returns the bound at a day or an instant in the user's time zone.

        The bound at a day is its midnight. The bound at an instant counts the day of the instant as not yet over.
        """
        if not isinstance(when, datetime):
            return cls(datetime.combine(when, time(), timezone), when)
        try:
            return cls(when, when.astimezone(timezone).date())
        except OverflowError:  # The local day lies outside the years 1 to 9999.
            return cls(when, when.date())

    @property
    def ends(self) -> tuple[datetime, datetime]:
        """The earlier and the later of the two bounds, as sort keys. The key of a day is its midnight in UTC."""
        day = datetime.combine(self.day, time(), UTC)
        return min(self.at, day), max(self.at, day)


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a list, all of which a todo must meet, and its sort order. None does not filter.

    A todo must have all `tags` and all words of `q`. `due_from` is inclusive, `due_until` exclusive. `overdue` selects
    open todos due before the bound, `not_overdue` all others. `trashed` selects from the trash instead of live todos.
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
        """The names of the filters that are set."""
        return {name for name in _NULLABLE if getattr(self, name) is not None} | {
            name for name in ("tags", "trashed") if getattr(self, name)
        }

    @property
    def values(self) -> dict[str, object]:
        """The statement parameters of the filters."""
        values: dict[str, object] = {
            "completed": self.completed,
            "priority": self.priority,
            "tags": list(self.tags),
            "q": self.q,
            "project_id": NO_ID if self.project_id == "none" else self.project_id,
            "parent_id": NO_ID if self.parent_id == "none" else self.parent_id,
        }
        for name in _BOUNDS:
            bound: DueBound | None = getattr(self, name)
            if bound is not None:
                values |= {f"{name}_at": bound.at, f"{name}_day": bound.day}
                values[f"{name}_first"], values[f"{name}_last"] = bound.ends
        return values

    @property
    def sorted_by(self) -> Sort:
        """The sort order, or its default: relevance for a search, due date for a filter by due date, else `order`."""
        if self.sort is not None:
            return self.sort
        if self.q is not None:
            return "relevance"
        return "due" if self.due_from or self.due_until or self.overdue else "order"


_BOUNDS = ("due_from", "due_until", "overdue", "not_overdue")
_NULLABLE = ("completed", "priority", "q", "project_id", "parent_id", *_BOUNDS)


@dataclass(frozen=True, slots=True)
class Position:
    """The position before a page: the sort key and the id of the last todo on the page before.

    `in_title`: that todo is among the matches of the title, the first part of a list by relevance.
    """

    key: float | bytes | datetime
    id: UUID
    in_title: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, and the position before the next page, or None on the last page."""

    todos: list[Todo]
    next: Position | None
