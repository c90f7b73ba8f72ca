"""The filters, the sort orders and the pages of a list of todos."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

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
"""The sort orders that are allowed with and without a search. `-` means descending."""
type Sort = ListSort | Literal["relevance"]
"""All sort orders of a list. `relevance` is for searches.

By relevance, todos whose title matches come first, then the other matches. Both groups are sorted from the newest todo
to the oldest.
"""
type LocationFilter = UUID | Literal["none"]


class DueBound(Struct, frozen=True):
    """One end of a range of due dates.

    Todos due at an instant are compared with `at`, those due on a day with `day`.
    """

    at: datetime
    day: date

    @classmethod
    def of(cls, when: date | datetime, timezone: ZoneInfo) -> Self:
        """Returns the bound for a day or an instant. `timezone` is the user's.

        The bound for a day is the midnight at which it begins. For an instant, todos due on its local day count as due
        later, because that day is not yet over.
        """
        if not isinstance(when, datetime):
            return cls(datetime.combine(when, time(), timezone), when)
        try:
            return cls(when, when.astimezone(timezone).date())
        except OverflowError:  # the local day is outside the years 1 to 9999, so the UTC day is used
            return cls(when, when.date())

    @property
    def ends(self) -> tuple[datetime, datetime]:
        """The earlier and the later of `at` and `day`, as sort keys. The sort key of a day is its midnight in UTC."""
        day = datetime.combine(self.day, time(), UTC)
        return min(self.at, day), max(self.at, day)


_UTC = ZoneInfo("UTC")


class Filters(Struct, frozen=True):
    """The filters and the sort order of a list. A todo must meet all filters; a filter that is None is not applied.

    A todo must have all `tags` and, for each word of `q`, a word that begins with it. `due_from` is inclusive,
    `due_until` exclusive. `completed_from` and `completed_until` bound the time of completion in the same way.
    `overdue` selects open todos due before the bound, `not_overdue` all others. `undated` selects todos without a due
    date. `trashed` selects only todos in the trash; without it, only todos outside the trash are selected. `below`
    selects the subtodos of a todo at every level.

    `title_words` has one text for each word that the title must contain. The text has the forms of the word, separated
    by spaces; one of them must be a whole word of the title.

    `timezone` is the user's. In a list by due date, an all-day todo comes before the instants of its day there.
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
    undated: bool = False
    completed_from: DueBound | None = None
    completed_until: DueBound | None = None
    below: UUID | None = None
    title_words: Sequence[str] = ()
    sort: Sort | None = None
    timezone: ZoneInfo = _UTC

    @property
    def conditions(self) -> set[str]:
        """The names of the filters that are set. The SQL conditions are looked up by these names."""
        return {name for name in _NULLABLE if getattr(self, name) is not None} | {
            name for name in ("tags", "trashed", "undated", "title_words") if getattr(self, name)
        }

    @property
    def values(self) -> dict[str, object]:
        """The values of the SQL parameters that the conditions of the filters use."""
        values: dict[str, object] = {
            "completed": self.completed,
            "priority": self.priority,
            "tags": list(self.tags),
            "q": self.q,
            "title_words": list(self.title_words),
            "below": self.below,
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
        """The chosen sort order, or else a default.

        The default is relevance for a search, and `order` for most filters. Filters by due date sort by due date.
        Filters by time of completion sort by the time of the last change, the latest first.
        """
        if self.sort is not None:
            return self.sort
        if self.q is not None:
            return "relevance"
        if self.completed_from or self.completed_until:
            return "-updated_at"
        return "due" if self.due_from or self.due_until or self.overdue or self.undated else "order"


_UNDATED = "none"
_BOUNDS = ("due_from", "due_until", "overdue", "not_overdue", "completed_from", "completed_until")
_NULLABLE = (
    "completed",
    "priority",
    "q",
    "project_id",
    "parent_id",
    "below",
    *_BOUNDS,
)


class Position(Struct, frozen=True):
    """The place in a list after which a page begins: the sort key and the id of the last todo on the page before.

    In a list by due date the key is the due date, None for a todo without one. `in_title` is true in a list by
    relevance if the title of that todo matches the search.
    """

    key: float | bytes | date | None
    id: UUID
    in_title: bool = False


def format_due_key(key: date | None) -> str:
    """Returns the key of a position in a list by due date as a text for a cursor."""
    return _UNDATED if key is None else key.isoformat()


def parse_due_key(text: str) -> date | None:
    """Returns the key of a text of `format_due_key`. Raises ValueError for another text."""
    if text == _UNDATED:
        return None
    return _require_zone(datetime.fromisoformat(text)) if "T" in text else date.fromisoformat(text)


def _require_zone(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"An instant without a time zone: {instant}")
    return instant


class Page(Struct, frozen=True):
    """A page of a list of todos. `next` is the position after which the next page begins, None on the last page."""

    todos: list[Todo]
    next: Position | None
