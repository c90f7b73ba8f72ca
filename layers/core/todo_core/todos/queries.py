"""The statements behind the operations, each compiled once for every shape it is used in."""

from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Double,
    Integer,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    func,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from todo_core.statements import Statement
from todo_core.tables import table_of
from todo_core.tables.todos import TodoRow
from todo_core.todos import lists
from todo_core.todos.model import Todo, TodoCreate

_todos = table_of(TodoRow)
_COLUMNS = [_todos.c[name] for name in Todo.__struct_fields__]
_OWNED = _todos.c.user_id == bindparam("of_user")
_OF_USER = _OWNED & _todos.c.deleted_at.is_(None)
_IN_TRASH = _OWNED & _todos.c.deleted_at.is_not(None)
_THIS = (_todos.c.id == bindparam("todo_id")) & _OF_USER
_NOW = func.now()
_SIGNED = func.set_config("todo.actor", bindparam("actor"), True)  # noqa: FBT003 - PostgreSQL's is_local
"""In RETURNING of each write, so that the trigger behind the change log knows in whose name it was."""

_LOG_IS_OURS = select(func.lock_change_log(bindparam("of_user"), type_=Boolean)).scalar_subquery()
"""Taken before the lock on the row, see `changes`."""

SELECT_ONE = Statement(select(*_COLUMNS).where(_THIS))
SELECT_RECURRING = Statement(
    select(
        *(
            _todos.c[name]
            for name in (
                "version",
                "completed",
                "due_date",
                "due_at",
                "due_time",
                "reminder_at",
                "recurrence",
                "occurrences",
            )
        )
    ).where(_THIS)
)
SELECT_SOME = Statement(select(*_COLUMNS).where(_OWNED, _todos.c.id == any_(cast(bindparam("todo_ids"), ARRAY(Uuid)))))

_COMPLETED = bindparam("completed", type_=Boolean)
_END_OF_LIST = select(func.coalesce(func.max(_todos.c.order) + 1, 1)).where(_OF_USER).scalar_subquery()

INSERT = Statement(
    insert(_todos)
    .values({name: bindparam(name) for name in TodoCreate.model_fields})
    .values(
        {
            "id": bindparam("todo_id"),
            # Before the database looks whether there is such a user, for whom it locks another row.
            "user_id": case((_LOG_IS_OURS, bindparam("of_user"))),
            "order": func.coalesce(bindparam("order", type_=Double), _END_OF_LIST),
            "completed_at": case((_COMPLETED, _NOW)),
        }
    )
    .returning(*_COLUMNS, _SIGNED)
)


@cache
def update_columns(columns: frozenset[str], *, checked: bool, unless_recurring: bool = False) -> Statement:
    """Writes the named columns of one todo; `checked` only if its version is among the `versions`.

    `unless_recurring` leaves one alone that completing would move to its next occurrence.
    """
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    if "completed" in columns:
        values["completed_at"] = case((_COMPLETED, func.coalesce(_todos.c.completed_at, _NOW)))
    if not columns.isdisjoint({"due_date", "due_at"}):
        values.setdefault("due_time", null())
    this = _THIS & (_todos.c.recurrence.is_(None) | _todos.c.completed) if unless_recurring else _THIS
    return _write(values, checked=checked, this=this)


@cache
def delete(*, checked: bool) -> Statement:
    """Puts one todo into the trash; `checked` only if its version is among the `versions`."""
    return _write({"deleted_at": _NOW}, checked=checked)


@cache
def delete_all(conditions: frozenset[str]) -> Statement:
    """Puts all todos into the trash for which the conditions hold that `Filters` names."""
    return Statement(
        update(_todos)
        .where(lists.matching(conditions), _LOG_IS_OURS)
        .values(deleted_at=_NOW, version=_todos.c.version + 1, updated_at=_NOW)
        .returning(_SIGNED)
    )


@cache
def restore(*, checked: bool) -> Statement:
    """Takes one todo out of the trash; `checked` only if its version is among the `versions`."""
    return _write({"deleted_at": null()}, checked=checked, this=(_todos.c.id == bindparam("todo_id")) & _IN_TRASH)


def _write(values: dict[str, Any], *, checked: bool, this: ColumnElement[bool] = _THIS) -> Statement:
    if checked:
        this &= _todos.c.version == any_(cast(bindparam("versions"), ARRAY(Integer)))
    return Statement(
        update(_todos)
        .where(this, _LOG_IS_OURS)
        .values(**values, version=_todos.c.version + 1, updated_at=_NOW)
        .returning(*_COLUMNS, _SIGNED)
    )
