"""The statements behind the operations, one for every shape it is used in."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from todo_core.actors import SET_ACTOR
from todo_core.database.statements import Statement
from todo_core.todos import lists
from todo_core.todos.lists import COLUMNS, LIVE
from todo_core.todos.model import TodoCreate

_THIS: Final = f"id = :todo_id AND {LIVE}"
_THIS_IN_TRASH: Final = "id = :todo_id AND user_id = :user_id AND deleted_at IS NOT NULL"
_LOG_IS_OURS: Final = "(SELECT lock_change_log(:user_id))"
"""Taken before the lock on the row, see `changes`."""
_CHANGED: Final = "version = version + 1, updated_at = now()"

SELECT_ONE = Statement(f"SELECT {COLUMNS} FROM todos WHERE {_THIS}")  # noqa: S608 - constants, as all below
SELECT_SOME = Statement(f"SELECT {COLUMNS} FROM todos WHERE user_id = :user_id AND id = ANY(:todo_ids)")  # noqa: S608
SELECT_BELOW = Statement(f"""
    WITH RECURSIVE below AS (
        SELECT id FROM todos WHERE user_id = :user_id AND parent_id = ANY(:todo_ids)
        UNION SELECT todos.id FROM todos JOIN below ON todos.parent_id = below.id
    )
    SELECT {COLUMNS} FROM todos WHERE id IN (SELECT id FROM below)
""")  # noqa: S608

_NEW: Final[Mapping[str, str]] = {name: f":{name}" for name in TodoCreate.model_fields} | {
    "id": ":todo_id",
    # Before the database looks whether there is such a user, for whom it locks another row.
    "user_id": f"CASE WHEN {_LOG_IS_OURS} THEN :user_id::uuid END",
    "order": f'coalesce(:order, (SELECT coalesce(max("order") + 1, 1) FROM todos WHERE {LIVE}))',  # noqa: S608
    "completed_at": "CASE WHEN :completed THEN now() END",
}
INSERT = Statement(f"""
    INSERT INTO todos ({", ".join(f'"{name}"' for name in _NEW)}) VALUES ({", ".join(_NEW.values())})
    RETURNING {COLUMNS}, {SET_ACTOR}
""")  # noqa: S608


@cache
def update_columns(columns: frozenset[str], *, checked: bool) -> Statement:
    """Writes the named columns of one todo; `checked` only if its version is among the `versions`."""
    return Statement(_update(_assigned(columns), checked=checked))


@cache
def complete_or_read(columns: frozenset[str], *, checked: bool) -> Statement:
    """Writes the named columns of one todo, which complete the todo, unless it is open and recurring.

    An open recurring todo is only read, because Python finds its next due date. Every open todo counts as recurring
    when `recurrence` is among the columns. The row has the columns of the todo, then `due_time` and `occurrences`,
    both of which are null when the todo was written.
    """
    brings_recurrence = "recurrence" in columns
    only_written = "completed" if brings_recurrence else "(recurrence IS NULL OR completed)"
    only_read = "NOT completed" if brings_recurrence else "recurrence IS NOT NULL AND NOT completed"
    return Statement(f"""
        WITH written AS ({_update(_assigned(columns), checked=checked, this=f"{_THIS} AND {only_written}")})
        SELECT {COLUMNS}, NULL::time AS due_time, NULL::integer AS occurrences FROM written
        UNION ALL
        SELECT {COLUMNS}, due_time, occurrences FROM todos WHERE {_THIS} AND {only_read}
    """)  # noqa: S608


def _assigned(columns: frozenset[str]) -> dict[str, str]:
    values = {name: f":{name}" for name in sorted(columns)}
    if "completed" in columns:
        values["completed_at"] = "CASE WHEN :completed THEN coalesce(completed_at, now()) END"
    if not columns.isdisjoint({"due_date", "due_at"}):
        values.setdefault("due_time", "NULL")
    return values


@cache
def delete(*, checked: bool) -> Statement:
    """Puts one todo into the trash; `checked` only if its version is among the `versions`."""
    return Statement(_update({"deleted_at": "now()"}, checked=checked))


@cache
def delete_some(conditions: frozenset[str]) -> Statement:
    """Puts at most `most` todos into the trash for which the conditions hold that `Filters` names.

    Gives their `number`, and the moment that all of them have in common: `moment`, or now.
    """
    return Statement(f"""
        WITH next_ones AS (SELECT id FROM todos WHERE {lists.matching(conditions)} AND {_LOG_IS_OURS} LIMIT :limit),
        deleted AS (
            UPDATE todos SET deleted_at = coalesce(:moment, now()), {_CHANGED} WHERE id IN (SELECT id FROM next_ones)
            RETURNING deleted_at, {SET_ACTOR}
        )
        SELECT count(*) AS number, min(deleted_at) AS moment FROM deleted
    """)  # noqa: S608


@cache
def restore(*, checked: bool) -> Statement:
    """Takes one todo out of the trash; `checked` only if its version is among the `versions`."""
    return Statement(_update({"deleted_at": "NULL"}, checked=checked, this=_THIS_IN_TRASH))


def _update(values: Mapping[str, str], *, checked: bool, this: str = _THIS) -> str:
    assigned = ", ".join(f'"{name}" = {value}' for name, value in values.items())
    expected = "AND version = ANY(:versions)" if checked else ""
    return f"""
        UPDATE todos SET {assigned}, {_CHANGED} WHERE {this} {expected} AND {_LOG_IS_OURS}
        RETURNING {COLUMNS}, {SET_ACTOR}
    """  # noqa: S608
