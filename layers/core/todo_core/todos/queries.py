"""The SQL statements that read and write todos. Cached functions build each variant of a statement once."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final

from todo_core.actors import SET_ACTOR
from todo_core.database.statements import Statement
from todo_core.todos.columns import COLUMNS, THIS_DELETION
from todo_core.todos.conditions import LIVE, select_live, select_trashed
from todo_core.todos.model import TodoCreate

_THIS: Final = f"id = :todo_id AND {LIVE}"
_THIS_IN_TRASH: Final = "id = :todo_id AND user_id = :user_id AND deleted_at IS NOT NULL"
_LOCK_LOG: Final = "(SELECT lock_change_log(:user_id))"
"""Locks the user's change log before a todo is locked: with this order in all writes, writes do not deadlock."""
_COLUMNS_WITHOUT_DESCRIPTION: Final = COLUMNS.replace('"description"', "NULL::text AS description")
INTERNAL_COLUMNS: Final = ("due_time", "occurrences", "skips", "series")
"""Columns of recurring todos that `Todo` does not have."""
_SERIES_OF_POSTPONED: Final = """CASE
    WHEN recurrence IS NULL THEN NULL
    WHEN CAST(series->>'occurrence' AS integer) = occurrences THEN series
    ELSE jsonb_build_object(
        'occurrence', occurrences, 'due_date', due_date, 'due_at', due_at, 'reminder_at', reminder_at)
END"""
"""The place of a todo in its series when its due date changes. It stays if the todo was postponed before."""
_MAX_CACHED_STATEMENTS: Final = 128
"""Clients choose the fields of a change and the filters of a deletion, which make thousands of statements."""

SELECT_ONE = Statement(f"SELECT {COLUMNS} FROM todos WHERE {_THIS}")  # noqa: S608 - constants, as all below
SELECT_SERIES = Statement(f"SELECT {COLUMNS}, {', '.join(INTERNAL_COLUMNS)} FROM todos WHERE {_THIS}")  # noqa: S608
SELECT_SOME = Statement(f"SELECT {COLUMNS} FROM todos WHERE user_id = :user_id AND id = ANY(:todo_ids)")  # noqa: S608
SELECT_SUBTODOS = Statement(f"""
    WITH RECURSIVE subtodos AS (
        SELECT id FROM todos WHERE user_id = :user_id AND parent_id = ANY(:todo_ids)
        UNION SELECT todos.id FROM todos JOIN subtodos ON todos.parent_id = subtodos.id
    )
    SELECT {_COLUMNS_WITHOUT_DESCRIPTION} FROM todos WHERE id IN (SELECT id FROM subtodos)
""")  # noqa: S608

_SPELLED_TAGS: Final = "spell_tags(:user_id, :tags)"
_ROOM: Final = "room_for('todos', :user_id, :todo_id, :order, 2, :actor)"
_CHOSEN_VALUES: Final = {
    "tags": _SPELLED_TAGS,
    "order": f'CASE WHEN "order" = :order THEN "order" ELSE {_ROOM} END',
}
"""The SQL of new values of columns for which the database may choose another value than the given one."""
_NEW_VALUES: Final[Mapping[str, str]] = {name: f":{name}" for name in TodoCreate.model_fields} | {
    "id": ":todo_id",
    "user_id": ":user_id",
    "tags": _SPELLED_TAGS,
    # Locks the change log before the foreign key check locks the user's row: with this order, writes do not deadlock.
    "order": "order_of_new('todos', :user_id, :order, :actor)",
    "completed_at": "CASE WHEN :completed THEN now() END",
}
_INSERT: Final = f"""
    INSERT INTO todos ({", ".join(f'"{name}"' for name in _NEW_VALUES)}) VALUES ({", ".join(_NEW_VALUES.values())})
    {{on_conflict}} RETURNING {COLUMNS}, {SET_ACTOR}
"""  # noqa: S608
INSERT = Statement(_INSERT.format(on_conflict=""))
INSERT_UNLESS_EXISTS = Statement(_INSERT.format(on_conflict="ON CONFLICT (id) DO NOTHING"))

_GIVEN_FIELD: Final = re.compile(rf":({'|'.join(TodoCreate.model_fields)}|todo_id)\b")
_VALUES_OF_GIVEN: Final = ", ".join(
    _GIVEN_FIELD.sub(lambda field: f'given."{field[1].removeprefix("todo_")}"', value) for value in _NEW_VALUES.values()
)
INSERT_ALL = Statement(f"""
    INSERT INTO todos ({", ".join(f'"{name}"' for name in _NEW_VALUES)})
    SELECT {_VALUES_OF_GIVEN} FROM jsonb_populate_recordset(NULL::todos, :todos) AS given
    ON CONFLICT (id) DO NOTHING RETURNING {COLUMNS}, {SET_ACTOR}
""")  # noqa: S608
"""Inserts the todos of a JSON array in its order, as INSERT_UNLESS_EXISTS inserts one.

Its functions see the todos that it has inserted so far. So each todo goes to the end of the list.
"""


@lru_cache(_MAX_CACHED_STATEMENTS)
def update_columns(columns: frozenset[str], *, checked: bool) -> Statement:
    """Returns a statement that writes the named columns of one todo, unless all of them have these values already.

    If `checked`, the statement writes only a todo whose version is among `:versions`.
    """
    return Statement(_update(_assign_columns(columns), checked=checked, changed=columns))


@lru_cache(_MAX_CACHED_STATEMENTS)
def complete_or_read(columns: frozenset[str], *, checked: bool) -> Statement:
    """Returns a statement that completes one todo by writing the named columns, or only reads an open recurring todo.

    The recurring todo is only read, because Python finds its next due date. Every open todo counts as recurring when
    `recurrence` is among the columns. The resulting row has the columns of the todo, then INTERNAL_COLUMNS, which are
    null when the todo was written.
    """
    brings_recurrence = "recurrence" in columns
    only_written = "completed" if brings_recurrence else "(recurrence IS NULL OR completed)"
    only_read = "NOT completed" if brings_recurrence else "recurrence IS NOT NULL AND NOT completed"
    update = _update(_assign_columns(columns), checked=checked, this=f"{_THIS} AND {only_written}", changed=columns)
    return Statement(f"""
        WITH written AS ({update})
        SELECT {COLUMNS}, NULL::time AS due_time, NULL::integer AS occurrences, NULL::integer AS skips,
            NULL::jsonb AS series
        FROM written
        UNION ALL
        SELECT {COLUMNS}, {", ".join(INTERNAL_COLUMNS)} FROM todos WHERE {_THIS} AND {only_read}
    """)  # noqa: S608


@cache
def delete(*, checked: bool) -> Statement:
    """Returns a statement that puts one todo into the trash.

    If `checked`, the statement writes only a todo whose version is among `:versions`.
    """
    return Statement(_update({"deleted_at": THIS_DELETION}, checked=checked, now=THIS_DELETION))


@lru_cache(_MAX_CACHED_STATEMENTS)
def delete_some(conditions: frozenset[str]) -> Statement:
    """Returns a statement that puts at most `:limit` todos into the trash: those that meet all named conditions.

    The statement sets `deleted_at` to `:moment`, or to its own time if `:moment` is null. It returns one row: the
    `number` of these todos, and their `deleted_at` as `moment`.
    """
    return Statement(f"""
        WITH selected AS (SELECT id FROM todos WHERE {select_live(conditions)} AND {_LOCK_LOG} LIMIT :limit),
        deleted AS (
            UPDATE todos SET deleted_at = coalesce(:moment, {THIS_DELETION}), {_next_version(THIS_DELETION)}
            WHERE id IN (SELECT id FROM selected)
            RETURNING deleted_at, {SET_ACTOR}
        )
        SELECT count(*) AS number, min(deleted_at) AS moment FROM deleted
    """)  # noqa: S608


@cache
def restore(*, checked: bool) -> Statement:
    """Returns a statement that takes one todo out of the trash.

    If `checked`, the statement writes only a todo whose version is among `:versions`.
    """
    return Statement(_update({"deleted_at": "NULL"}, checked=checked, this=_THIS_IN_TRASH))


@lru_cache(_MAX_CACHED_STATEMENTS)
def restore_some(conditions: frozenset[str]) -> Statement:
    """Returns a statement that takes at most `:limit` todos out of the trash: those that meet all named conditions.

    It leaves todos below another such todo to the next statement. It returns one row: the `number` of restored todos.
    """
    return Statement(f"""
        WITH matching AS MATERIALIZED (
            SELECT id, parent_id FROM todos WHERE {select_trashed(conditions)} AND {_LOCK_LOG}
        ),
        selected AS (
            SELECT id FROM matching WHERE parent_id IS NULL OR NOT EXISTS (
                SELECT FROM todos_above(matching.id) AS above WHERE above.id IN (SELECT id FROM matching)
            )
            LIMIT :limit
        ),
        restored AS (
            UPDATE todos SET deleted_at = NULL, {_next_version()}
            WHERE id IN (SELECT id FROM selected) AND deleted_at IS NOT NULL
            RETURNING {SET_ACTOR}
        )
        SELECT count(*) AS number FROM restored
    """)  # noqa: S608


def _assign_columns(columns: frozenset[str]) -> dict[str, str]:
    """Returns the SQL value of each column to write. Adds `completed_at` and columns of a series that change too."""
    values = {name: f":{name}" for name in sorted(columns)}
    if "completed" in columns:
        values["completed_at"] = "CASE WHEN :completed THEN coalesce(completed_at, now()) END"
    chosen = {name: sql for name, sql in _CHOSEN_VALUES.items() if name in columns}
    return _place_in_series(columns) | values | chosen


def _place_in_series(columns: frozenset[str]) -> dict[str, str]:
    """Returns the SQL values of the columns that hold the place of a todo in its series.

    A new rule, or a rule with another due date, begins a series at the due date. A due date alone moves only the
    current occurrence. `apply_changes` in next_due.py has the same rules.
    """
    if "recurrence" in columns:
        names = sorted(columns & {"due_date", "due_at", "recurrence"})
        same = " AND ".join(f"{name} IS NOT DISTINCT FROM :{name}" for name in names)
        return {name: f"CASE WHEN {same} THEN {name} END" for name in ("due_time", "series")}
    return {} if columns.isdisjoint({"due_date", "due_at"}) else {"series": _SERIES_OF_POSTPONED}


def _next_version(now: str = "now()") -> str:
    return f"version = version + 1, updated_at = {now}"


def _update(
    values: Mapping[str, str],
    *,
    checked: bool,
    this: str = _THIS,
    changed: frozenset[str] = frozenset(),
    now: str = "now()",
) -> str:
    """Returns an UPDATE of one todo. It writes only if one of the `changed` columns gets another value."""
    assigned = ", ".join(f'"{name}" = {value}' for name, value in values.items())
    conditions = [this, *(["version = ANY(:versions)"] if checked else [])]
    if changed:
        new_values = ", ".join(_SPELLED_TAGS if name == "tags" else f":{name}" for name in sorted(changed))
        old_values = ", ".join(f'"{name}"' for name in sorted(changed))
        conditions.append(f"ROW({old_values}) IS DISTINCT FROM ROW({new_values})")
    return f"""
        UPDATE todos SET {assigned}, {_next_version(now)} WHERE {" AND ".join(conditions)} AND {_LOCK_LOG}
        RETURNING {COLUMNS}, {SET_ACTOR}
    """  # noqa: S608
