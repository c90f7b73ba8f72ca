"""The SQL conditions of the filters of a list. Some indexes exist for exactly these expressions."""

from typing import Final

from todo_core.schema.sort_keys import SORT_KEYS, location_key

LIVE: Final = "user_id = :user_id AND deleted_at IS NULL"
TRASHED: Final = "user_id = :user_id AND deleted_at IS NOT NULL"
OPEN: Final = "NOT completed"

# In a subquery, the SQL function words_asked runs once per statement instead of once per row.
_SEARCHED_WORDS: Final = "(SELECT words_asked(:q))"
WORDS_ANYWHERE: Final = f"words @@ {_SEARCHED_WORDS}"
_TITLE: Final = "ts_filter(words, '{a}')"
WORDS_IN_TITLE: Final = f"{_TITLE} @@ {_SEARCHED_WORDS}"


def _tag_keys(tags: str) -> str:
    """Returns the SQL of the keys of an array of tags, as tag_key() defines them.

    Works on the text of the array: a subquery over the tags would take a query for each row.
    """
    return f"translate(lower(CAST({tags} AS text)), '\u03c2', '\u03c3')::text[]"


def ask_title_words(term_prefix: str = "''") -> str:
    """Returns the SQL of a tsquery: for each element of `:title_words`, one of the words in it.

    `term_prefix` is SQL for a text that begins each lexeme, as in the index of terms.
    """
    forms = f"any_asked(forms, {term_prefix})"
    return f"(SELECT string_agg('(' || {forms} || ')', ' & ')::tsquery FROM unnest(CAST(:title_words AS text[])) forms)"  # noqa: S608 - constants


def is_due_before(bound: str) -> str:
    return f"(due_at < :{bound}_at OR due_date < :{bound}_day)"


def is_due_from(bound: str) -> str:
    return f"(due_at >= :{bound}_at OR due_date >= :{bound}_day)"


DUE_CONDITIONS: Final = {
    "due_from": is_due_from("due_from"),
    "due_until": is_due_before("due_until"),
    "overdue": is_due_before("overdue"),
}
"""SQL conditions that compare the due date with a bound. Without a due date they are null, so NOT needs coalesce."""

CONDITIONS: Final = {
    "completed": "completed = :completed",
    "priority": "priority = :priority",
    "tags": f"(tags <> '{{}}' AND {_tag_keys('tags')} @> (SELECT {_tag_keys('CAST(:tags AS text[])')}))",
    "q": WORDS_ANYWHERE,
    "title_words": f"{_TITLE} @@ {ask_title_words()}",
    "project_id": f"{location_key('project_id')} = :project_id",
    "parent_id": f"{location_key('parent_id')} = :parent_id",
    "below": "id = ANY (ARRAY(SELECT subtodo.id FROM todos_below(:below) AS subtodo))",
    # A todo is never completed later than it is changed. Time of change has an index, time of completion has none.
    "completed_from": "(completed_at >= :completed_from_at AND updated_at >= :completed_from_at)",
    "completed_until": "completed_at < :completed_until_at",
    # The due dates of the index, so that a list by due date reads only the todos without one.
    "undated": f"{SORT_KEYS['due']} = 'infinity'::timestamptz",
    **DUE_CONDITIONS,
    "overdue": f"({OPEN} AND {DUE_CONDITIONS['overdue']})",
    "not_overdue": f"(completed OR NOT coalesce({is_due_before('not_overdue')}, false))",
}
"""The SQL condition of each filter by its name in `Filters`, except `trashed`, which replaces LIVE by TRASHED."""


def select_live(names: frozenset[str]) -> str:
    """Returns the WHERE condition for the user's todos outside the trash that meet all the named CONDITIONS."""
    return " AND ".join([LIVE, *(CONDITIONS[name] for name in sorted(names))])


def select_trashed(names: frozenset[str]) -> str:
    """Returns the WHERE condition for the user's todos in the trash that meet all the named CONDITIONS."""
    return " AND ".join([TRASHED, *(CONDITIONS[name] for name in sorted(names))])
