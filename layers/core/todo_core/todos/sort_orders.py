"""The SQL of the sort orders of todos: ORDER BY, and conditions that bound the part of an index to read."""

from typing import Final
from uuid import UUID

from todo_core.schema.sort_keys import NO_ID, SORT_KEYS
from todo_core.todos.filters import Sort
from todo_core.todos.model import Todo

_LOWEST_ID: Final = UUID(int=0)
_ENCODED_FIELDS: Final = {"priority", "title"}
"""Fields of a todo that are sorted by a number or bytes computed from them, not by their own value."""


class SortOrder:
    """A sort order of todos: by a key that is never null, then by id.

    `key` is an SQL expression with an index. `field` is the field of a todo that equals the key, or None. Relevance is
    sorted like `-created_at`.
    """

    def __init__(self, sort: Sort) -> None:
        name = "-created_at" if sort == "relevance" else sort
        ascending = name.removeprefix("-")
        self.name = name
        self.descending = name != ascending
        self.field = ascending if ascending in Todo.__struct_fields__ and ascending not in _ENCODED_FIELDS else None
        self.key = SORT_KEYS.get(name) or SORT_KEYS[ascending]

    @property
    def field_or_key(self) -> str:
        """The column of a page by which the page is sorted: a field of the todo, or `key`."""
        return f'"{self.field}"' if self.field else "key"

    def order_by(self, key: str) -> str:
        """Returns the terms of ORDER BY. `key` is the SQL of the sort key, or the name of its column in a subquery."""
        return f"{key} DESC, id DESC" if self.descending else f"{key}, id"

    def due_from(self, filter_name: str) -> str:
        """Returns the condition that starts an index scan by due date at the earlier sort key of a filter's bound.

        A bound has two sort keys: its instant, and 00:00 UTC of its day.
        """
        return f"{self.key} >= :{filter_name}_first"

    def due_until(self, filter_name: str) -> str:
        """Returns the condition that ends an index scan by due date before the later sort key of a filter's bound.

        A bound has two sort keys: its instant, and 00:00 UTC of its day.
        """
        return f"{self.key} < :{filter_name}_last"

    @property
    def has_due(self) -> str:
        """The condition that ends a list by due date before the todos without a due date, which sort last.

        Compares pairs of key and id: for two bounds of the key alone, PostgreSQL's planner assumes a narrow range.
        """
        if self.descending:
            return f"({self.key}, id) > ('-infinity'::timestamptz, '{NO_ID}'::uuid)"
        return f"({self.key}, id) < ('infinity'::timestamptz, '{_LOWEST_ID}'::uuid)"

    @property
    def after_position(self) -> str:
        """The condition that a todo sorts after the last todo of the page before, `:after_key` and `:after_id`."""
        return f"({self.key}, id) {'<' if self.descending else '>'} (:after_key, :after_id)"
