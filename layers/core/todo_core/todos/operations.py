"""Operations on todos. Each includes the owner in its statements, so another user's todo is not found.

Most operations are one statement, on the database or in a transaction, because triggers cascade to subtodos. But
completing and skipping a recurring todo read it first, and a failed write reads.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from todo_core.actors import Actor
from todo_core.database.byte_pages import MAX_PAGE_BYTES, drop_row_after_page
from todo_core.database.executor import Executor, Row
from todo_core.database.statements import Statement
from todo_core.identifiers import new_id
from todo_core.outbox.announcements import announce
from todo_core.todos import due_lists, lists, queries
from todo_core.todos.errors import (
    DoesNotRecur,
    IdTaken,
    RecurrenceEnds,
    RecurrenceNeverComes,
    StaleVersion,
    TodoNotFound,
)
from todo_core.todos.filters import Filters, Page, Position, Sort
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate, tag_key, tag_keys
from todo_core.todos.next_due import apply_changes, next_due_values
from todo_core.todos.recurrence import Due, depends_on_start, ever_recurs
from todo_core.todos.sort_orders import SortOrder

type Versions = Sequence[int] | None
"""The versions of a todo to which a change applies. None applies the change to any version."""


class Added(Struct, frozen=True):
    """The todo of a create. `is_new` is False if an earlier create with the same id stored it."""

    todo: Todo
    is_new: bool


class NewTodo(Struct, frozen=True):
    """A todo to store under an id."""

    id: UUID
    new: TodoCreate


_MAX_ATTEMPTS: Final = 20
_FIELD_COUNT: Final = len(Todo.__struct_fields__)


class Completion(Struct, frozen=True):
    """The result of completing a todo: it is completed, or moved to its next occurrence.

    `completed_due` is the due date that was completed, `next_due` that to which the todo was moved.
    """

    result: Literal["completed", "moved"]
    completed_due: Due | None
    next_due: Due | None


class Updated(Struct, frozen=True):
    """A todo after an update, and what became of its completion, if the update completes the todo."""

    todo: Todo
    completion: Completion | None = None


async def find(db: Executor, user_id: UUID, filters: Filters, *, limit: int, after: Position | None = None) -> Page:
    """Returns at most `limit` (up to 200) of the user's todos that meet the filters.

    A page may be shorter: its titles, descriptions and tags have at most 512 KB, but for a single todo. `after` is the
    position of the last todo on the page before, in a list with the same sort order.
    """
    if filters.sorted_by in {"due", "-due"}:
        return await due_lists.find(db, user_id, filters, limit=limit, after=after)
    sort, values = filters.sorted_by, filters.values | {"user_id": user_id, "limit": limit + 1}
    if after is not None:
        values |= {"after_key": after.key, "after_id": after.id}
    select = partial(lists.select_page, frozenset(filters.conditions), sort, start=_find_page_start(sort, after))
    rows = await db.fetch_all(select(by_bytes=False), max_row_bytes=MAX_PAGE_BYTES // (limit + 1), **values)
    if any(row["is_long"] for row in rows):
        # The page may have too many bytes, and has no long descriptions. Few pages are read twice.
        rows = await db.fetch_all(select(by_bytes=True), max_bytes=MAX_PAGE_BYTES, **values)
        has_more = drop_row_after_page(rows, limit, MAX_PAGE_BYTES)
    elif has_more := len(rows) > limit:
        rows.pop()
    todos = [Todo(*row[:_FIELD_COUNT]) for row in rows]
    return Page(todos, _build_position(sort, rows[-1], todos[-1]) if has_more else None)


async def get(db: Executor, user_id: UUID, todo_id: UUID) -> Todo:
    """Returns the user's todo with this id. Raises TodoNotFound, also for a todo in the trash."""
    row = await db.fetch_one(queries.SELECT_ONE, user_id=user_id, todo_id=todo_id)
    if row is None:
        raise TodoNotFound
    return Todo(*row)


async def find_by_id(db: Executor, user_id: UUID, todo_ids: Sequence[UUID]) -> list[Todo]:
    """Returns the user's todos that have one of these ids, in any order. Todos in the trash are included."""
    return [Todo(*row) for row in await db.fetch_all(queries.SELECT_SOME, user_id=user_id, todo_ids=list(todo_ids))]


async def find_subtodos(db: Executor, user_id: UUID, todo_ids: Sequence[UUID]) -> list[Todo]:
    """Returns the subtodos of these todos of the user, at every level, in any order. Those in the trash too.

    Their descriptions are None, because a todo may have thousands of subtodos.
    """
    rows = await db.fetch_all(queries.SELECT_SUBTODOS, user_id=user_id, todo_ids=list(todo_ids))
    return [Todo(*row) for row in rows]


async def add(db: Executor, actor: Actor, new: TodoCreate) -> Todo:
    """Stores a new todo and returns it, like `add_once`."""
    return (await add_once(db, actor, new)).todo


async def add_once(db: Executor, actor: Actor, new: TodoCreate) -> Added:
    """Stores a new todo, unless the user has one with its id, perhaps in the trash. That one stays unchanged.

    Raises IdTaken when another user has a todo with this id. Raises InvalidTodo if its recurrence never comes, or for a
    broken rule of the database.
    """
    _check_recurs(new, actor)
    statement, todo_id = (queries.INSERT, new_id()) if new.id is None else (queries.INSERT_UNLESS_EXISTS, new.id)
    values = {"user_id": actor.user_id, "actor": actor.signature, "todo_id": todo_id} | dict(new)
    row = await db.write(statement, **values)
    if row is not None:
        return Added(_parse_written_row(row), is_new=True)
    found = await find_by_id(db, actor.user_id, [todo_id])
    if not found:
        raise IdTaken
    return Added(found[0], is_new=False)


async def add_all(db: Executor, actor: Actor, todos: Sequence[NewTodo]) -> list[Todo]:
    """Stores new todos by one statement and returns them in the same order, as `add_once` does one by one.

    Raises the errors of `add_once`, without saying for which todo.
    """
    for todo in todos:
        _check_recurs(todo.new, actor)
    spellings: dict[str, str] = {}
    given = [
        dict(todo.new) | {"id": todo.id, "tags": [spellings.setdefault(tag_key(tag), tag) for tag in todo.new.tags]}
        for todo in todos
    ]
    rows = await db.fetch_all(
        queries.INSERT_ALL, user_id=actor.user_id, actor=actor.signature, todos=msgspec.json.encode(given).decode()
    )
    stored = {row["id"]: _parse_written_row(row) for row in rows}
    if missing := [todo.id for todo in todos if todo.id not in stored]:
        stored |= {todo.id: todo for todo in await find_by_id(db, actor.user_id, missing)}
    if any(todo.id not in stored for todo in todos):
        raise IdTaken
    return [stored[todo.id] for todo in todos]


async def update(db: Executor, actor: Actor, todo_id: UUID, changes: TodoUpdate, versions: Versions = None) -> Todo:
    """Applies the changes to the todo, as `apply` does, and returns the todo."""
    return (await apply(db, actor, todo_id, changes, versions)).todo


async def apply(db: Executor, actor: Actor, todo_id: UUID, changes: TodoUpdate, versions: Versions = None) -> Updated:
    """Applies the changes to the todo. Completing a recurring todo moves it to its next occurrence, if there is one.

    Changes that give the todo no other value make no version. Raises TodoNotFound, StaleVersion and InvalidTodo.
    """
    values = changes.to_columns()
    if not values:
        return Updated(await _get_version(db, actor.user_id, todo_id, versions))
    if values.get("recurrence") is not None:
        await _check_new_rule(db, actor, todo_id, values)
    if values.get("completed") and values.get("recurrence", "") is not None:
        return await _complete(db, actor, todo_id, values, versions)
    statement = queries.update_columns(frozenset(values), checked=versions is not None)
    todo = await _write(db, actor, todo_id, statement, versions, **values)
    return _tell_completed(todo) if values.get("completed") else Updated(todo)


async def skip(db: Executor, actor: Actor, todo_id: UUID, versions: Versions = None) -> Todo:
    """Moves an open recurring todo to its next occurrence without completing it.

    Raises TodoNotFound, StaleVersion, DoesNotRecur, and RecurrenceEnds when there is no next occurrence.
    """
    while True:
        row = await db.fetch_one(queries.SELECT_SERIES, user_id=actor.user_id, todo_id=todo_id)
        if row is None:
            raise TodoNotFound
        _check_version(Todo(*row[:_FIELD_COUNT]), versions)
        if row["completed"] or row["recurrence"] is None:
            raise DoesNotRecur
        values = next_due_values(dict(row), ZoneInfo(actor.timezone), datetime.now(UTC), "skipped")
        if values is None:
            raise RecurrenceEnds
        written = await _write_version(db, actor, todo_id, row["version"], values)
        if written is not None:
            return written


async def delete(db: Executor, actor: Actor, todo_id: UUID, versions: Versions = None) -> None:
    """Puts the todo into the trash. Raises TodoNotFound, also if it is there already, and StaleVersion."""
    await _write(db, actor, todo_id, queries.delete(checked=versions is not None), versions)


async def restore(db: Executor, actor: Actor, todo_id: UUID, versions: Versions = None) -> Todo:
    """Takes the todo out of the trash and returns it. A todo that is not in the trash is returned unchanged.

    Raises TodoNotFound and StaleVersion.
    """
    statement = queries.restore(checked=versions is not None)
    row = await db.write(statement, user_id=actor.user_id, actor=actor.signature, todo_id=todo_id, versions=versions)
    if row is not None:
        return _parse_written_row(row)
    # Nothing was restored: the todo does not exist, is not in the trash, or has another version.
    found = await find_by_id(db, actor.user_id, [todo_id])
    if not found:
        raise TodoNotFound
    return _check_version(found[0], versions)


async def _complete(db: Executor, actor: Actor, todo_id: UUID, values: dict[str, Any], versions: Versions) -> Updated:
    """Completes the todo, or moves an open recurring todo to its next occurrence.

    Starts again when another writer changed the todo between two of its statements.
    """
    this = {"user_id": actor.user_id, "actor": actor.signature, "todo_id": todo_id}
    statement = queries.complete_or_read(frozenset(values), checked=versions is not None)
    while True:
        row = await db.write(statement, **this, **values, versions=versions)
        if row is None:
            # Raises an error if the todo is missing or has another version.
            todo = await _get_version(db, actor.user_id, todo_id, versions)
            if _has_values(todo, values):
                return _tell_completed(todo)
            # Another writer changed the row during the statement, and the next attempt sees that change.
            continue
        if row["occurrences"] is None:  # null only if the statement has written the todo
            return _tell_completed(Todo(*row[:_FIELD_COUNT]))
        _check_version(Todo(*row[:_FIELD_COUNT]), versions)
        # A due date or a rule in `values` replaces that of the todo before the next occurrence is computed.
        completed = apply_changes(dict(row), values)
        moved = next_due_values(completed, ZoneInfo(actor.timezone), datetime.now(UTC))
        to_write = values if moved is None else {name: values[name] for name in values if name != "completed"} | moved
        written = await _write_version(db, actor, todo_id, row["version"], to_write)
        if written is not None:
            due = completed["due_at"] or completed["due_date"]
            is_moved = moved is not None
            return (
                Updated(written, Completion("moved", due, _due_of(written))) if is_moved else _tell_completed(written)
            )


def _tell_completed(todo: Todo) -> Updated:
    return Updated(todo, Completion("completed", _due_of(todo), None))


async def _write_version(
    db: Executor, actor: Actor, todo_id: UUID, version: int, values: Mapping[str, object]
) -> Todo | None:
    """Writes the columns of one version of a todo. Returns None when the todo no longer has this version."""
    row = await db.write(
        queries.update_columns(frozenset(values), checked=True),
        user_id=actor.user_id,
        actor=actor.signature,
        todo_id=todo_id,
        versions=[version],
        **values,
    )
    return None if row is None else _parse_written_row(row)


async def _check_new_rule(db: Executor, actor: Actor, todo_id: UUID, values: Mapping[str, Any]) -> None:
    """Checks the rule in `values`. Raises RecurrenceNeverComes if the todo never recurs by it, and TodoNotFound.

    Accepts the rule and the due date that the todo has already: its series may have begun at another due date.
    """
    rule, due = values["recurrence"], values.get("due_at") or values.get("due_date")
    if not depends_on_start(rule) or (due is not None and _ever_recurs(rule, due, actor)):
        return
    todo = await get(db, actor.user_id, todo_id)
    new, old = (rule, due or _due_of(todo)), (todo.recurrence, _due_of(todo))
    if new != old and not _ever_recurs(*new, actor):
        raise RecurrenceNeverComes


def _check_recurs(new: TodoCreate, actor: Actor) -> None:
    """Checks the rule of a new todo. Raises RecurrenceNeverComes if it has no occurrence after the due date."""
    if new.recurrence is not None and not _ever_recurs(new.recurrence, _due_of(new), actor):
        raise RecurrenceNeverComes


def _ever_recurs(rule: str, due: Due | None, actor: Actor) -> bool:
    """Returns whether the rule has an occurrence after the due date. The database refuses a rule without a due date."""
    return due is None or ever_recurs(rule, due, ZoneInfo(actor.timezone))


def _due_of(todo: Todo | TodoCreate) -> Due | None:
    return todo.due_at or todo.due_date


async def _write(
    db: Executor, actor: Actor, todo_id: UUID, statement: Statement, versions: Versions, **values: object
) -> Todo:
    """Runs a statement that writes one todo outside the trash, unless it has all values already.

    Returns the todo. Raises TodoNotFound and StaleVersion.
    """
    for _ in range(_MAX_ATTEMPTS):
        row = await db.write(
            statement, user_id=actor.user_id, actor=actor.signature, todo_id=todo_id, versions=versions, **values
        )
        if row is not None:
            return _parse_written_row(row)
        todo = await _get_version(db, actor.user_id, todo_id, versions)
        if values and _has_values(todo, values):
            return todo
        # Another writer changed the row during the statement, and the next attempt sees that change.
    raise StaleVersion


def _has_values(todo: Todo, values: Mapping[str, Any]) -> bool:
    """Returns whether the todo has all these values. Tags are one without regard to case."""
    return all(
        tag_keys(todo.tags) == tag_keys(value) if name == "tags" else getattr(todo, name, value) == value
        for name, value in values.items()
    )


async def _get_version(db: Executor, user_id: UUID, todo_id: UUID, versions: Versions) -> Todo:
    """Returns the todo. Raises TodoNotFound, or StaleVersion when its version is not among `versions`."""
    return _check_version(await get(db, user_id, todo_id), versions)


def _check_version(todo: Todo, versions: Versions) -> Todo:
    if versions is not None and todo.version not in versions:
        raise StaleVersion
    return todo


def _parse_written_row(row: Row) -> Todo:
    """Returns the todo of a row that a write returned. Drops the row's last column, the actor's signature.

    Announces the todo's reminder, which may be due soon.
    """
    todo = Todo(*row[:-1])
    announce(todo.reminder_at)
    return todo


def _find_page_start(sort: Sort, after: Position | None) -> lists.PageStart:
    if after is None:
        return "start"
    return "after_title_match" if sort == "relevance" and after.in_title else "after_todo"


def _build_position(sort: Sort, row: Row, todo: Todo) -> Position:
    field = SortOrder(sort).field
    return Position(
        key=getattr(todo, field) if field else row["key"], id=todo.id, in_title=sort == "relevance" and row["in_title"]
    )
