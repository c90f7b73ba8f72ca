"""SQL for what lists go by and find todos by. Indexes are made of exactly this, and used for nothing else."""

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
"""Never null: what has no due is last, whichever way a list goes. A day begins in UTC."""
NOWHERE: Final = UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")
"""Stands for no project and no parent where lists look for them, because no order is known of nulls."""
TERMS: Final = "terms_of(user_id, tags, words)"
"""What the one index for tags and words knows a todo by."""


def place_key(column: str) -> str:
    """The project or the parent of a todo, or `NOWHERE`."""
    return f"coalesce({column}, '{NOWHERE}'::uuid)"
