"""The SQL of sort orders: ORDER BY, and the bounds within which a page is read."""

from typing import Final
from uuid import UUID

from todo_core.schema.sort_keys import NO_ID, SORT_KEYS
from todo_core.todos.filters import Sort
from todo_core.todos.model import Todo

_LOWEST_ID: Final = UUID(int=0)
_ENCODED_FIELDS: Final = {"priority", "title"}
"""Fields whose sort key is a number or bytes computed from them."""


class SortOrder:
    """A sort order: by a key that is never null, then by id.

    `key` is an SQL expression with an index. `field` is the field of a todo that equals the key, or None.
    """

    def __init__(self, sort: Sort) -> None:
        name = "-created_at" if sort == "relevance" else sort
        ascending = name.removeprefix("-")
        self.name = name
        self.descending = name != ascending
        self.field = ascending if ascending in Todo.__struct_fields__ and ascending not in _ENCODED_FIELDS else None
        self.key = SORT_KEYS.get(name) or SORT_KEYS[ascending]

    def order_by(self, key: str) -> str:
        """Returns the ORDER BY terms. `key` is the expression itself, or its name in a subquery."""
        return f"{key} DESC, id DESC" if self.descending else f"{key}, id"

    def due_from(self, filter_name: str) -> str:
        """Returns the condition that starts a scan of the due-date index at the value of a filter."""
        return f"{self.key} >= :{filter_name}_first"

    def due_until(self, filter_name: str) -> str:
        """Returns the condition that ends a scan of the due-date index at the value of a filter."""
        return f"{self.key} < :{filter_name}_last"

    @property
    def has_due(self) -> str:
        """The condition that ends a list by due date before the todos without one.

        Compares pairs, because the planner assumes a narrow range when the key alone has two bounds.
        """
        if self.descending:
            return f"({self.key}, id) > ('-infinity'::timestamptz, '{NO_ID}'::uuid)"
        return f"({self.key}, id) < ('infinity'::timestamptz, '{_LOWEST_ID}'::uuid)"

    @property
    def after_position(self) -> str:
        """The condition that a todo comes after the position of the page."""
        return f"({self.key}, id) {'<' if self.descending else '>'} (:after_key, :after_id)"
