"""The change log, which triggers of the database write in the transaction of each change, and undo by it.

Sequence numbers are counted per user, under a lock that is held to the end of the transaction. So they become visible
in their order, and a reader who asks for what came after the last one it saw never misses one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from todo_core.actors import Actor, ActorKind
from todo_core.database.executor import Executor, Transaction
from todo_core.database.statements import Statement
from todo_core.todos.model import Todo

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
    """A todo that a turn changed, without a title if it is gone.

    `untouched`: nobody else has changed it since the turn began to. `to_trash`: that is where an undo would put it.
    """

    todo_id: UUID
    to_trash: bool
    title: str | None
    untouched: bool


# What todos did not have yet when the oldest of the snapshots were made. Null stays null.
_NOT_YET: Final = """'{"reminder_at": null, "recurrence": null, "project_id": null, "parent_id": null}'::jsonb"""

_SINCE = Statement(f"""
    SELECT seq, todo_id, op, actor, turn_id, {_NOT_YET} || before AS before, {_NOT_YET} || after AS after, created_at
    FROM changes WHERE user_id = :user_id AND seq > :since ORDER BY seq LIMIT :limit
""")  # noqa: S608 - constants, as all below
_CHANGED_IN_TURN = Statement("""
    SELECT todo_id, bool_or(op = 'create') AS added
    FROM changes WHERE user_id = :user_id AND turn_id = :turn_id GROUP BY todo_id ORDER BY min(seq)
""")
_VERSIONS_BY_TURN = Statement("""
    SELECT todo_id, array_agg((after->>'version')::int) AS versions
    FROM changes WHERE user_id = :user_id AND turn_id = :turn_id AND after IS NOT NULL GROUP BY todo_id
""")
_LOCK = Statement("SELECT lock_change_log(:user_id)")

# What an undo gives back. The other columns say who and when, or are made from these.
_UNDONE: Final = (
    *(name for name in Todo.__struct_fields__ if name not in {"id", "version", "created_at", "updated_at"}),
    "due_time",
    "occurrences",
)
# A project or a parent that is gone since cannot be given back.
_STILL_THERE = {
    f"{kind}_id": f"(SELECT id FROM {table} WHERE id = old.{kind}_id AND user_id = old.user_id)"  # noqa: S608 - constants
    for kind, table in (("project", "projects"), ("parent", "todos"))
}
_WRITTEN = ", ".join(f'"{name}"' for name in _UNDONE)
_OLD = ", ".join(_STILL_THERE.get(name, f'old."{name}"') for name in _UNDONE)
_TURN = """
    SELECT todo_id, (array_agg(before ORDER BY seq))[1] AS before, max((after->>'version')::int) AS version,
        count(*) AS changes
    FROM changes WHERE user_id = :user_id AND turn_id = :turn_id GROUP BY todo_id
"""
# Nobody else has changed it: neither since the turn nor between two changes of the turn.
_UNTOUCHED = (
    "todos.version = turn.version AND turn.version - coalesce((turn.before->>'version')::int, 0) = turn.changes"
)
_STATE_OF_TURN = Statement(f"""
    WITH turn AS ({_TURN})
    SELECT turn.todo_id, turn.before IS NULL OR turn.before->>'deleted_at' IS NOT NULL, todos.title,
        coalesce({_UNTOUCHED}, false)
    FROM turn LEFT JOIN todos ON todos.id = turn.todo_id AND todos.user_id = :user_id
""")  # noqa: S608
_UNDO = Statement(f"""
    WITH turn AS ({_TURN})
    UPDATE todos SET
        ({_WRITTEN}) = (SELECT {_OLD} FROM jsonb_populate_record(
            todos, coalesce(turn.before, jsonb_build_object('deleted_at', now()))) AS old),
        version = todos.version + 1,
        updated_at = now()
    FROM turn
    WHERE todos.id = turn.todo_id AND todos.user_id = :user_id AND {_UNTOUCHED}
        AND (SELECT lock_change_log(:user_id)) AND (SELECT set_config('todo.undoing', 'on', true)) = 'on'
    RETURNING todos.id, set_config('todo.actor', :actor, true)
""")  # noqa: S608


_KEEP_TO_RULES = Statement("SELECT set_config('todo.undoing', 'off', true)")


async def since(db: Executor, user_id: UUID, seq: int, *, limit: int) -> list[Change]:
    """At most `most` of the user's changes after a sequence number, oldest first."""
    rows = await db.fetch_all(_SINCE, user_id=user_id, since=seq, limit=limit)
    return [Change(**{**row, "before": _todo(row["before"]), "after": _todo(row["after"])}) for row in rows]


async def changed_in_turn(db: Executor, user_id: UUID, turn_id: UUID) -> dict[UUID, bool]:
    """The todos that a turn changed, in the order in which it first did, and whether it had added them itself."""
    rows = await db.fetch_all(_CHANGED_IN_TURN, user_id=user_id, turn_id=turn_id)
    return {row["todo_id"]: row["added"] for row in rows}


async def versions_by_turn(db: Executor, user_id: UUID, turn_id: UUID) -> dict[UUID, list[int]]:
    """The versions that a turn has given to the todos it changed."""
    rows = await db.fetch_all(_VERSIONS_BY_TURN, user_id=user_id, turn_id=turn_id)
    return {row["todo_id"]: row["versions"] for row in rows}


async def state_of_turn(db: Executor, user_id: UUID, turn_id: UUID) -> list[TurnChange]:
    """The todos that a turn changed, and whether someone else has changed them since."""
    return [TurnChange(*row) for row in await db.fetch_all(_STATE_OF_TURN, user_id=user_id, turn_id=turn_id)]


async def undo(transaction: Transaction, actor: Actor, turn_id: UUID) -> Sequence[UUID]:
    """Puts back every todo of a turn that nobody has changed since, and what the turn added into the trash."""
    rows = await transaction.fetch_all(_UNDO, user_id=actor.user_id, turn_id=turn_id, actor=actor.signature)
    # What else happens in the transaction keeps to the rules of the tree again.
    await transaction.fetch_one(_KEEP_TO_RULES)
    return [row["id"] for row in rows]


async def lock(transaction: Transaction, user_id: UUID) -> None:
    """Lets the user's other changes wait for this transaction, from here to its end. Comes before any lock on a row."""
    await transaction.write(_LOCK, user_id=user_id)


def _todo(snapshot: str | None) -> Todo | None:
    return None if snapshot is None else msgspec.json.decode(snapshot, type=Todo)
