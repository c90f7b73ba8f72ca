"""SQL expressions by which lists of todos are sorted and filtered.

PostgreSQL uses the index of an expression only for queries with exactly the same expression. Therefore the definitions
of the indexes and the queries both use these constants.
"""

from typing import Final
from uuid import UUID

_DUE: Final = "coalesce(due_at, timezone('UTC', due_date::timestamp), '{}infinity'::timestamptz)"
SORT_KEYS: Final = {
    "order": '"order"',
    "created_at": "created_at",
    "updated_at": "updated_at",
    "due": _DUE.format(""),
    "-due": _DUE.format("-"),
    "priority": "priority_key(priority)",
    "title": "title_key(title)",
}
"""The SQL expression of each sort order. No expression is ever null.

`due` is for ascending and `-due` for descending order, so todos without a due date come last in both. A due date
without a time sorts as 00:00 UTC of that day.
"""
NO_ID: Final = UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")
"""Stands for null in the index of a project or parent id, so that a query can compare with `=`.

With `IS NULL`, PostgreSQL would not use the index's other columns for sorting.
"""
NIL_ID: Final = UUID(int=0)
"""The lowest id. No todo and no project has it, nor `NO_ID`: they stand before and after all ids of a list."""
TERMS: Final = "terms_of(user_id, tags, words)"
"""The SQL expression of the GIN index that finds todos by their tags and words."""


def location_key(column: str) -> str:
    """Returns the SQL expression that replaces null by `NO_ID` in a column of project or parent ids."""
    return f"coalesce({column}, '{NO_ID}'::uuid)"
