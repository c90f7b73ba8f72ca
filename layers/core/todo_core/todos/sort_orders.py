"""The SQL of the sort orders of todos: ORDER BY, and conditions that bound the part of an index to read."""

from typing import Final, Literal

from todo_core.schema.sort_keys import NIL_ID, NO_ID, SORT_KEYS
from todo_core.todos.filters import Sort
from todo_core.todos.model import Todo

type DueKind = Literal["day", "instant", "undated"]
"""The kind of a todo's due date: a day, an instant, or none."""

_ENCODED_FIELDS: Final = {"priority", "title"}
"""Fields of a todo that are sorted by a number or bytes computed from them, not by their own value."""
_DUE_FIELDS: Final[dict[DueKind, str | None]] = {"day": "due_date", "instant": "due_at", "undated": None}
_INFINITY: Final = "'infinity'::timestamptz"


class SortOrder:
    """A sort order of todos: by a key that is never null, then by id.

    `key` is an SQL expression with an index. `field` is the field of a todo that equals the key, or None. Relevance is
    sorted like `-created_at`.
    """

    def __init__(self, sort: Sort) -> None:
        name = "-created_at" if sort == "relevance" else sort
        ascending = name.removeprefix("-")
        self.descending = name != ascending
        self.field: str | None = (
            ascending if ascending in Todo.__struct_fields__ and ascending not in _ENCODED_FIELDS else None
        )
        self.key = SORT_KEYS.get(name) or SORT_KEYS[ascending]

    @property
    def field_or_key(self) -> str:
        """The column of a page by which the page is sorted: a field of the todo, or `key`."""
        return f'"{self.field}"' if self.field else "key"

    def order_by(self, key: str) -> str:
        """Returns the terms of ORDER BY. `key` is the SQL of the sort key, or the name of its column in a subquery."""
        return f"{key} DESC, id DESC" if self.descending else f"{key}, id"

    @property
    def after_position(self) -> str:
        """The condition that a todo sorts after the last todo of the page before, `:after_key` and `:after_id`."""
        return self._after(":after_key", ":after_id")

    def _after(self, key: str, todo_id: str) -> str:
        return f"({self.key}, id) {'<' if self.descending else '>'} ({key}, {todo_id})"


class DueOrder(SortOrder):
    """The sort order of the todos of one kind in a list by due date: days by date, instants by time, others by id.

    A list by due date merges these three. A day and an instant are compared in the time zone of the user, which no
    index has.
    """

    def __init__(self, kind: DueKind, *, descending: bool) -> None:
        super().__init__("-due" if descending else "due")
        self.kind = kind
        self.field = _DUE_FIELDS[kind]
        self.key = self.field or SORT_KEYS["due"]

    @property
    def is_of_kind(self) -> str:
        """The condition that a todo has this kind of due date, as the index has it."""
        if self.field:
            return f"{self.key} IS NOT NULL"
        # For an equal key, PostgreSQL might read the primary key instead, which has the order of the ids too.
        return self._undated_after(f"'{NO_ID if self.descending else NIL_ID}'::uuid")

    @property
    def after_position(self) -> str:
        """The condition that a todo of this kind sorts after the last todo of the page before."""
        if self.kind != "undated":
            name = "after_day" if self.kind == "day" else "after_instant"
            return self._after(f":{name}", f":{name}_id")
        return self._undated_after(":after_id")

    def _undated_after(self, todo_id: str) -> str:
        # PostgreSQL begins to read the index at the pair of key and id; it might begin at an equal key.
        is_undated = f"{self._after(_INFINITY, todo_id)} AND {self.key} >= {_INFINITY}"
        # The driver stores the last day of the calendar as infinity, which is also the key without a due date.
        return f"{is_undated} AND due_date IS NULL"
