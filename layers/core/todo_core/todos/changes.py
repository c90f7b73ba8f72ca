"""The change log of todos: reads it, locks it, and undoes the changes of a turn.

Triggers of the database write the log in the transaction of each change. Sequence numbers are counted per user, under
a lock that is held until the transaction ends. They become visible in order, so a reader misses no change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import NoneType
from typing import Final, Literal, get_args, get_type_hints
from uuid import UUID

import msgspec
from pydantic_core import PydanticUndefined

from todo_core.actors import Actor, ActorKind
from todo_core.database.executor import Executor, Transaction
from todo_core.database.statements import Statement
from todo_core.todos.model import Todo, TodoCreate

type Operation = Literal["create", "update", "complete", "reopen", "delete", "restore", "purge"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one todo: `before` is None for a creation, `after` for a purge from the trash."""

    seq: int
    todo_id: UUID
    op: Operation
    actor: ActorKind
    turn_id: UUID | None
    before: Todo | None
    after: Todo | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TurnChange:
    """A todo that a turn changed. `title` is None when the todo has been purged.

    `to_trash`: an undo puts the todo into the trash. `untouched`: every change since the first of the turn is its own.
    """

    todo_id: UUID
    to_trash: bool
    title: str | None
    untouched: bool


def derive_snapshot_defaults(todo: type[Todo], new_todo: type[TodoCreate]) -> dict[str, object]:
    """Returns the values of fields that a logged todo may lack, because it is older than their columns.

    They are None for an optional field, and otherwise the default of a new todo.
    """
    defaults: dict[str, object] = {}
    for name, annotation in get_type_hints(todo).items():
        if NoneType in get_args(annotation):
            defaults[name] = None
        elif name in new_todo.model_fields:
            default = new_todo.model_fields[name].get_default(call_default_factory=True)
            if default not in (None, PydanticUndefined):
                defaults[name] = default
    return defaults


_SNAPSHOT_DEFAULTS: Final = msgspec.json.encode(derive_snapshot_defaults(Todo, TodoCreate)).decode()
_INTERNAL_DEFAULTS: Final = {"due_time": None, "occurrences": 0}
"""Columns that a recurring todo needs beside its fields, with the value of a todo that never recurred."""
_UNDO_DEFAULTS: Final = msgspec.json.encode(derive_snapshot_defaults(Todo, TodoCreate) | _INTERNAL_DEFAULTS).decode()

_SELECT_SINCE = Statement("""
    SELECT seq, todo_id, op, actor, turn_id, CAST(:defaults AS jsonb) || before AS before,
        CAST(:defaults AS jsonb) || after AS after, created_at
    FROM changes WHERE user_id = :user_id AND seq > :since ORDER BY seq LIMIT :limit
""")
_SELECT_CHANGED_TODOS = Statement("""
    SELECT todo_id, bool_or(op = 'create') AS added
    FROM changes WHERE user_id = :user_id AND turn_id = :turn_id GROUP BY todo_id ORDER BY min(seq)
""")
_SELECT_VERSIONS = Statement("""
    SELECT todo_id, array_agg((after->>'version')::int) AS versions
    FROM changes WHERE user_id = :user_id AND turn_id = :turn_id AND after IS NOT NULL GROUP BY todo_id
""")
_LOCK = Statement("SELECT lock_change_log(:user_id)")

# An undo restores these columns. The others are identity, version and times, or are computed from these.
_RESTORED_COLUMNS: Final = (
    *(name for name in Todo.__struct_fields__ if name not in {"id", "version", "created_at", "updated_at"}),
    *_INTERNAL_DEFAULTS,
)
# A project or a parent that was deleted meanwhile cannot be restored.
_EXISTING_REFERENCES = {
    f"{kind}_id": f"(SELECT id FROM {table} WHERE id = old.{kind}_id AND user_id = old.user_id)"  # noqa: S608 - constants
    for kind, table in (("project", "projects"), ("parent", "todos"))
}
_RESTORED = ", ".join(f'"{name}"' for name in _RESTORED_COLUMNS)
_OLD_VALUES = ", ".join(_EXISTING_REFERENCES.get(name, f'old."{name}"') for name in _RESTORED_COLUMNS)
_TURN = """
    SELECT todo_id, (array_agg(before ORDER BY seq))[1] AS before, max((after->>'version')::int) AS version,
        count(*) AS changes
    FROM changes WHERE user_id = :user_id AND turn_id = :turn_id GROUP BY todo_id
"""
# The todo has the last version of the turn, and the turn made every version since it began.
_UNTOUCHED = (
    "todos.version = turn.version AND turn.version - coalesce((turn.before->>'version')::int, 0) = turn.changes"
)
_SELECT_TURN_CHANGES = Statement(f"""
    WITH turn AS ({_TURN})
    SELECT turn.todo_id, turn.before IS NULL OR turn.before->>'deleted_at' IS NOT NULL, todos.title,
        coalesce({_UNTOUCHED}, false)
    FROM turn LEFT JOIN todos ON todos.id = turn.todo_id AND todos.user_id = :user_id
""")  # noqa: S608 - constants, as all below
_UNDO = Statement(f"""
    WITH turn AS ({_TURN})
    UPDATE todos SET
        ({_RESTORED}) = (SELECT {_OLD_VALUES} FROM jsonb_populate_record(
            todos, coalesce(CAST(:defaults AS jsonb) || turn.before, jsonb_build_object('deleted_at', now()))) AS old),
        version = todos.version + 1,
        updated_at = now()
    FROM turn
    WHERE todos.id = turn.todo_id AND todos.user_id = :user_id AND {_UNTOUCHED}
        AND (SELECT lock_change_log(:user_id)) AND (SELECT set_config('todo.undoing', 'on', true)) = 'on'
    RETURNING todos.id, set_config('todo.actor', :actor, true)
""")  # noqa: S608
_STOP_UNDOING = Statement("SELECT set_config('todo.undoing', 'off', true)")


async def find_since(db: Executor, user_id: UUID, seq: int, *, limit: int) -> list[Change]:
    """Returns at most `limit` of the user's changes after a sequence number, oldest first."""
    rows = await db.fetch_all(_SELECT_SINCE, user_id=user_id, since=seq, limit=limit, defaults=_SNAPSHOT_DEFAULTS)
    return [
        Change(**{**row, "before": _parse_snapshot(row["before"]), "after": _parse_snapshot(row["after"])})
        for row in rows
    ]


async def find_changed_todos(db: Executor, user_id: UUID, turn_id: UUID) -> dict[UUID, bool]:
    """Returns the todos that a turn changed, by first change. The value is True for a todo that the turn created."""
    rows = await db.fetch_all(_SELECT_CHANGED_TODOS, user_id=user_id, turn_id=turn_id)
    return {row["todo_id"]: row["added"] for row in rows}


async def find_versions(db: Executor, user_id: UUID, turn_id: UUID) -> dict[UUID, list[int]]:
    """Returns the versions that the changes of a turn produced, by todo."""
    rows = await db.fetch_all(_SELECT_VERSIONS, user_id=user_id, turn_id=turn_id)
    return {row["todo_id"]: row["versions"] for row in rows}


async def find_turn_changes(db: Executor, user_id: UUID, turn_id: UUID) -> list[TurnChange]:
    """Returns the todos that a turn changed, and for each whether an undo of the turn can restore it."""
    return [TurnChange(*row) for row in await db.fetch_all(_SELECT_TURN_CHANGES, user_id=user_id, turn_id=turn_id)]


async def undo_turn(transaction: Transaction, actor: Actor, turn_id: UUID) -> Sequence[UUID]:
    """Restores the todos of a turn to their state before it, and returns their ids.

    Puts the todos that the turn created into the trash. Leaves out todos that anyone else has changed since.
    """
    rows = await transaction.fetch_all(
        _UNDO, user_id=actor.user_id, turn_id=turn_id, actor=actor.signature, defaults=_UNDO_DEFAULTS
    )
    # Later statements of the transaction must keep the rules of the tree again.
    await transaction.fetch_one(_STOP_UNDOING)
    return [row["id"] for row in rows]


async def lock_log(transaction: Transaction, user_id: UUID) -> None:
    """Makes the user's other changes wait until this transaction ends.

    Call it before the first lock on a todo: a write takes the locks in this order, and any other order may deadlock.
    """
    await transaction.write(_LOCK, user_id=user_id)


def _parse_snapshot(snapshot: str | None) -> Todo | None:
    return None if snapshot is None else msgspec.json.decode(snapshot, type=Todo)
