"""The SQL conditions of the filters of a list. Some indexes exist for exactly these expressions."""

from typing import Final

from todo_core.schema.sort_keys import location_key

LIVE: Final = "user_id = :user_id AND deleted_at IS NULL"
TRASHED: Final = "user_id = :user_id AND deleted_at IS NOT NULL"
OPEN: Final = "NOT completed"

# In a subquery, the SQL function words_asked runs once per statement instead of once per row.
_SEARCHED_WORDS: Final = "(SELECT words_asked(:q))"
WORDS_ANYWHERE: Final = f"words @@ {_SEARCHED_WORDS}"
WORDS_IN_TITLE: Final = f"ts_filter(words, '{{a}}') @@ {_SEARCHED_WORDS}"


def _is_due_before(bound: str) -> str:
    return f"(due_at < :{bound}_at OR due_date < :{bound}_day)"


def _is_due_from(bound: str) -> str:
    return f"(due_at >= :{bound}_at OR due_date >= :{bound}_day)"


DUE_CONDITIONS: Final = {
    "due_from": _is_due_from("due_from"),
    "due_until": _is_due_before("due_until"),
    "overdue": _is_due_before("overdue"),
}
"""SQL conditions that compare the due date with a bound. Without a due date they are null, so NOT needs coalesce."""

CONDITIONS: Final = {
    "completed": "completed = :completed",
    "priority": "priority = :priority",
    "tags": "tags @> CAST(:tags AS text[])",
    "q": WORDS_ANYWHERE,
    "project_id": f"{location_key('project_id')} = :project_id",
    "parent_id": f"{location_key('parent_id')} = :parent_id",
    **DUE_CONDITIONS,
    "overdue": f"({OPEN} AND {DUE_CONDITIONS['overdue']})",
    "not_overdue": f"(completed OR NOT coalesce({_is_due_before('not_overdue')}, false))",
}
"""The SQL condition of each filter by its name in `Filters`, except `trashed`, which replaces LIVE by TRASHED."""


def select_live(names: frozenset[str]) -> str:
    """Returns the WHERE condition for the user's todos outside the trash that meet all the named CONDITIONS."""
    return " AND ".join([LIVE, *(CONDITIONS[name] for name in sorted(names))])
