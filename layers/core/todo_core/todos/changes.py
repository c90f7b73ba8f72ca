"""Reads and locks the change log, and undoes the changes of todos that a turn of the assistant has made.

Triggers of the database write the log in the transaction of each change. Sequence numbers are counted per user, under
a lock that is held until the transaction ends. A user's changes thus become visible in the order of their numbers. A
reader that continues after the last number it has seen misses no change.
"""

from collections.abc import Sequence
from datetime import datetime
from types import NoneType
from typing import Final, Literal, get_args, get_type_hints
from uuid import UUID

import msgspec
from msgspec import Struct
from pydantic_core import PydanticUndefined

from todo_core.actors import SET_ACTOR, Actor, ActorKind
from todo_core.database.byte_pages import BYTES_SO_FAR, MAX_PAGE_BYTES, drop_row_after_page, end_by_bytes
from todo_core.database.executor import Executor, Row, Transaction
from todo_core.database.statements import Statement
from todo_core.schema.snapshots import select_full_snapshot
from todo_core.todos.columns import THIS_DELETION
from todo_core.todos.errors import ChangesExpired
from todo_core.todos.model import Todo, TodoCreate
from todo_core.todos.project import Project
from todo_core.workload import in_slices

type ChangeKind = Literal["todo", "project", "tag"]
type Operation = Literal[
    "create", "update", "complete", "reopen", "skip", "delete", "restore", "purge", "reminder", "rename"
]
"""The operation of a change. Projects have `create`, `update` and `delete`; tags have `rename` and `delete`."""


class TagName(msgspec.Struct, frozen=True):
    """A tag as the change log holds it."""

    name: str


type Snapshot = Todo | Project | TagName
"""A todo, a project or a tag as it was before or after a change."""
_DECODERS: Final[dict[ChangeKind, msgspec.json.Decoder[Snapshot]]] = {
    "todo": msgspec.json.Decoder(Todo),
    "project": msgspec.json.Decoder(Project),
    "tag": msgspec.json.Decoder(TagName),
}


class Change(Struct, frozen=True):
    """One change of a todo, a project or a tag, as `kind` tells. The ids of the other kinds are None.

    `before` is None for a creation. `after` is None if a todo was purged from the trash, or if a project or a tag was
    deleted. The todos of a renamed or deleted tag have changes of their own.

    `token_name` is the name that the API token had whose request made the change.
    """

    seq: int
    kind: ChangeKind
    todo_id: UUID | None
    project_id: UUID | None
    tag: str | None
    op: Operation
    actor: ActorKind
    turn_id: UUID | None
    token_name: str | None
    before: Snapshot | None
    after: Snapshot | None
    created_at: datetime


CHANGES_AT_ONCE: Final = 25
"""The number of changes that are parsed or encoded in one step. It takes a quarter of a millisecond."""


class ChangePage(Struct, frozen=True):
    """A page of the change log. `has_more` is true if more changes follow."""

    changes: list[Change]
    has_more: bool


class TurnChange(Struct, frozen=True):
    """A todo that a turn of the assistant changed. `title` is None when the todo has been purged.

    `to_trash` is true if an undo moves the todo into the trash: the turn created the todo or found it in the trash.
    `is_added` is true if the turn created the todo.

    `untouched` is true if the todo is as this turn has left it, unless others changed it during the turn. Only an
    untouched todo can be undone.
    """

    todo_id: UUID
    is_added: bool
    to_trash: bool
    title: str | None
    untouched: bool


def derive_snapshot_defaults(todo: type[Todo], new_todo: type[TodoCreate]) -> dict[str, object]:
    """Returns default values for fields that a todo in the change log may lack.

    A todo that was logged before a column was added lacks the column's field. The default is None for an optional
    field, and otherwise the default of a new todo, if it has one.
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


_FIELD_DEFAULTS: Final = derive_snapshot_defaults(Todo, TodoCreate)
_INTERNAL_DEFAULTS: Final = {"due_time": None, "occurrences": 0, "skips": 0, "series": None}
"""Columns of recurring todos that `Todo` does not have, with their values for a todo that never recurred."""
_UNDO_DEFAULTS: Final = msgspec.json.encode(_FIELD_DEFAULTS | _INTERNAL_DEFAULTS).decode()

_PAGE_SINCE: Final = end_by_bytes(
    """
    SELECT seq, todo_id, project_id, tag, op, actor, turn_id, token_name, before, after, read_bytes, created_at
    FROM change_log WHERE user_id = :user_id AND seq > :since ORDER BY seq LIMIT :limit
    """,
    # Rows of older versions have no `read_bytes`.
    """coalesce(read_bytes,
        coalesce(octet_length(CAST(before AS text)), 0) + coalesce(octet_length(CAST(after AS text)), 0))""",
    order_by="seq",
)
_SELECT_SINCE = Statement(f"""
    SELECT seq, todo_id, project_id, tag, op, actor, turn_id, token_name,
        CAST({select_full_snapshot("before", owner=":user_id")} AS text) AS before,
        CAST({select_full_snapshot("after", owner=":user_id")} AS text) AS after, created_at, {BYTES_SO_FAR}
    FROM ({_PAGE_SINCE}) AS page ORDER BY seq
""")  # noqa: S608 - constants, as all below
_OF_TURN: Final = "user_id = :user_id AND turn_id = :turn_id AND todo_id IS NOT NULL"
_SELECT_CHANGED_TODOS = Statement(f"""
    SELECT todo_id, bool_or(op = 'create') AS added
    FROM change_log WHERE {_OF_TURN} GROUP BY todo_id ORDER BY min(seq)
""")  # noqa: S608
_SELECT_VERSIONS = Statement(f"""
    SELECT todo_id, array_agg((after->>'version')::int) AS versions
    FROM change_log WHERE {_OF_TURN} AND after IS NOT NULL GROUP BY todo_id
""")  # noqa: S608
_LOG_TAG = Statement(f"SELECT {SET_ACTOR}, log_tag(:user_id, :name, :new_name)")
_LOCK = Statement("SELECT lock_change_log(:user_id)")

# An undo restores these columns. It keeps the id, the owner and `created_at`, and renews `version` and `updated_at`.
_RESTORED_COLUMNS: Final = (
    *(name for name in Todo.__struct_fields__ if name not in {"id", "version", "created_at", "updated_at"}),
    *_INTERNAL_DEFAULTS,
)
# An undo sets `project_id` or `parent_id` to null if the project or parent no longer exists: the foreign keys refuse
# its old id.
_EXISTING_REFERENCES = {
    f"{kind}_id": f"(SELECT id FROM {table} WHERE id = old.{kind}_id AND user_id = old.user_id)"  # noqa: S608 - constants
    for kind, table in (("project", "projects"), ("parent", "todos"))
}
_RESTORED = ", ".join(f'"{name}"' for name in _RESTORED_COLUMNS)
_OLD_VALUES = ", ".join(_EXISTING_REFERENCES.get(name, f'old."{name}"') for name in _RESTORED_COLUMNS)
# The counters and the clock of a recurring todo are not compared: they only follow other columns.
_COMPARED = [f'"{name}"' for name in _RESTORED_COLUMNS if name not in _INTERNAL_DEFAULTS]
_TURN = f"""
    SELECT todo_id, changes, full_snapshot(before, :user_id, todo_id, first_seq) AS before,
        full_snapshot(after, :user_id, todo_id, last_seq) AS after
    FROM (
        SELECT todo_id, (array_agg(before ORDER BY seq))[1] AS before, (array_agg(after ORDER BY seq DESC))[1] AS after,
            min(seq) AS first_seq, max(seq) AS last_seq, count(*) AS changes
        FROM change_log WHERE {_OF_TURN} GROUP BY todo_id
    ) AS logged
"""  # noqa: S608
# True if the todo is as the turn has left it, and nothing else changed it between the turn's changes. The turn then
# logged one change for each version. Later changes do not count if they were reverted, such as by another undo.
_UNTOUCHED = f"""(
    (turn.after->>'version')::int - coalesce((turn.before->>'version')::int, 0) = turn.changes
    AND EXISTS (
        SELECT FROM jsonb_populate_record(todos, CAST(:defaults AS jsonb) || turn.after) AS was
        WHERE ({", ".join(f"was.{name}" for name in _COMPARED)})
            IS NOT DISTINCT FROM ({", ".join(f"todos.{name}" for name in _COMPARED)})
    )
)"""  # noqa: S608
_SELECT_TURN_CHANGES = Statement(f"""
    WITH turn AS ({_TURN})
    SELECT turn.todo_id, turn.before IS NULL AS is_added,
        (turn.before IS NULL OR turn.before->>'deleted_at' IS NOT NULL) AND todos.deleted_at IS NULL AS to_trash,
        todos.title,
        coalesce(todos.id IS NOT NULL AND {_UNTOUCHED}, false) AS untouched
    FROM turn LEFT JOIN todos ON todos.id = turn.todo_id AND todos.user_id = :user_id
""")  # noqa: S608
_UNDO = Statement(f"""
    WITH turn AS ({_TURN})
    UPDATE todos SET
        ({_RESTORED}) = (SELECT {_OLD_VALUES} FROM jsonb_populate_record(todos, coalesce(
            CAST(:defaults AS jsonb) || turn.before, jsonb_build_object('deleted_at', {THIS_DELETION})
        )) AS old),
        version = todos.version + 1,
        updated_at = now()
    FROM turn
    WHERE todos.id = turn.todo_id AND todos.user_id = :user_id AND {_UNTOUCHED}
        AND (SELECT lock_change_log(:user_id)) AND (SELECT set_config('todo.undoing', 'on', true)) = 'on'
    RETURNING todos.id, set_config('todo.actor', :actor, true)
""")  # noqa: S608
_STOP_UNDOING = Statement("SELECT set_config('todo.undoing', 'off', true)")


async def find_since(
    db: Executor, user_id: UUID, seq: int, *, limit: int, max_bytes: int = MAX_PAGE_BYTES
) -> ChangePage:
    """Returns at most `limit` of the user's changes with a sequence number above `seq`, oldest first.

    A page may be shorter: it has at most `max_bytes` of todos, but for a single change. Raises ChangesExpired when the
    next change was cut off the log.
    """
    rows = await db.fetch_all(
        _SELECT_SINCE,
        user_id=user_id,
        since=seq,
        limit=limit + 1,
        max_bytes=max_bytes,
    )
    # Sequence numbers have no gaps, and the latest change is never cut.
    if rows and rows[0]["seq"] > seq + 1:
        raise ChangesExpired(rows[0]["seq"] - 1)
    has_more = drop_row_after_page(rows, limit, max_bytes)
    changes: list[Change] = []
    async for part in in_slices(rows, CHANGES_AT_ONCE):
        changes += map(_parse_change, part)
    return ChangePage(changes, has_more)


async def log_tag(transaction: Transaction, actor: Actor, name: str, new_name: str | None) -> None:
    """Logs that a tag of the user was renamed, or deleted if `new_name` is None.

    Must be called in the transaction that changes the todos.
    """
    await transaction.write(_LOG_TAG, user_id=actor.user_id, actor=actor.signature, name=name, new_name=new_name)


async def find_changed_todos(db: Executor, user_id: UUID, turn_id: UUID) -> dict[UUID, bool]:
    """Returns the ids of the todos that a turn changed, in the order of their first change in the turn.

    The value is True for a todo that the turn created.
    """
    rows = await db.fetch_all(_SELECT_CHANGED_TODOS, user_id=user_id, turn_id=turn_id)
    return {row["todo_id"]: row["added"] for row in rows}


async def find_versions(db: Executor, user_id: UUID, turn_id: UUID) -> dict[UUID, list[int]]:
    """Returns for each todo that a turn changed the version numbers that these changes produced."""
    rows = await db.fetch_all(_SELECT_VERSIONS, user_id=user_id, turn_id=turn_id)
    return {row["todo_id"]: row["versions"] for row in rows}


async def find_turn_changes(db: Executor, user_id: UUID, turn_id: UUID) -> list[TurnChange]:
    """Returns the todos that a turn changed, each with what an undo of the turn would do to it."""
    rows = await db.fetch_all(_SELECT_TURN_CHANGES, user_id=user_id, turn_id=turn_id, defaults=_UNDO_DEFAULTS)
    return [TurnChange(*row) for row in rows]


async def undo_turn(transaction: Transaction, actor: Actor, turn_id: UUID) -> Sequence[UUID]:
    """Restores the todos that a turn changed to their state before the turn, and returns the ids of these todos.

    Puts todos that the turn created into the trash. Skips todos that are no longer as the turn has left them. Also
    skips those that others changed during the turn.
    """
    rows = await transaction.fetch_all(
        _UNDO, user_id=actor.user_id, turn_id=turn_id, actor=actor.signature, defaults=_UNDO_DEFAULTS
    )
    # The undo switched off the triggers' rules for subtodos. Later statements of the transaction must obey them again.
    await transaction.fetch_one(_STOP_UNDOING)
    return [row["id"] for row in rows]


async def lock_log(transaction: Transaction, user_id: UUID) -> None:
    """Locks the user's change log until the transaction ends. Other transactions that change the user's todos wait.

    Must be called before the transaction locks a todo. Every write locks the log first, so the opposite order may
    deadlock.
    """
    await transaction.write(_LOCK, user_id=user_id)


def _parse_change(row: Row) -> Change:
    seq, todo_id, project_id, tag, op, actor, turn_id, token_name, before, after, created_at, _ = row
    kind: ChangeKind = "todo" if todo_id else "project" if project_id else "tag"
    return Change(
        seq=seq,
        kind=kind,
        todo_id=todo_id,
        project_id=project_id,
        tag=tag,
        op=op,
        actor=actor,
        turn_id=turn_id,
        token_name=token_name,
        before=_parse_snapshot(before, kind),
        after=_parse_snapshot(after, kind),
        created_at=created_at,
    )


def _parse_snapshot(snapshot: str | None, kind: ChangeKind) -> Snapshot | None:
    if snapshot is None:
        return None
    try:
        return _DECODERS[kind].decode(snapshot)
    except msgspec.ValidationError:
        # Only todos have fields that were added later.
        return msgspec.convert(_FIELD_DEFAULTS | msgspec.json.decode(snapshot), Todo)
