"""SQL expressions by which lists are sorted and filtered.

PostgreSQL uses an expression index only if the query has exactly the same expression, so both use these constants.
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
"""Expressions that are never null. Todos without a due date sort last in both directions.

A due date without a time sorts as 00:00 UTC of that day.
"""
NO_ID: Final = UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")
"""Replaces a null project or parent: under `IS NULL`, PostgreSQL would not sort by the rest of the index."""
TERMS: Final = "terms_of(user_id, tags, words)"
"""The terms of a todo in the shared index of tags and words."""


def location_key(column: str) -> str:
    """Returns the expression for a nullable id column with `NO_ID` instead of null."""
    return f"coalesce({column}, '{NO_ID}'::uuid)"
