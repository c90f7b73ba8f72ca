"""Reading, adding and changing todos. The owner is part of every question, so another's is simply not found.

Each is one statement, so it may run on the database or in a transaction of several; what goes along with a todo the
database sees to. Completing what recurs takes two, as its next occurrence is not the database's to tell, and deleting
all takes one for every few thousand.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from todo_core.actors import Actor
from todo_core.database.executor import Executor, Row
from todo_core.database.statements import Statement
from todo_core.identifiers import new_id
from todo_core.todos import lists, queries
from todo_core.todos.errors import StaleVersion, TodoNotFound
from todo_core.todos.filters import Filters, Page, Position, Sort
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate
from todo_core.todos.next_due import next_due_values

type Versions = Sequence[int] | None
"""The versions that a change is meant for; None means whichever there is."""

_DELETED_AT_ONCE: Final = 5_000
"""Takes about a second."""
_WIDTH: Final = len(Todo.__struct_fields__)


async def find(db: Executor, user_id: UUID, filters: Filters, *, limit: int, after: Position | None = None) -> Page:
    """At most `most` of the user's todos that pass the filters, those after a position in a list of the same sort."""
    sort, conditions, values = filters.sorted_by, filters.conditions, filters.values
    page = lists.select_page(frozenset(conditions), sort, after=_part(sort, after))
    if after is not None:
        values |= {"after_key": after.key, "after_id": after.id}
    rows = await db.fetch_all(page, user_id=user_id, limit=limit + 1, **values)
    todos = [Todo(*row[:_WIDTH]) for row in rows[:limit]]
    return Page(todos, _position(sort, rows[limit - 1], todos[-1]) if len(rows) > limit else None)


async def delete_all(db: Executor, actor: Actor, filters: Filters) -> None:
    """Puts the user's todos that pass the filters into the trash. What is there already stays as it is.

    By thousands, so that neither a statement nor the user's other changes wait for long. If it breaks off, what is in
    the trash stays there, and to ask again is to go on.
    """
    if filters.trashed:
        return
    statement, moment = queries.delete_some(frozenset(filters.conditions)), None
    while True:
        # One moment for all, by which a subtodo is known to have gone along.
        deleted = await db.write(
            statement,
            user_id=actor.user_id,
            actor=actor.signature,
            limit=_DELETED_AT_ONCE,
            moment=moment,
            **filters.values,
        )
        assert deleted is not None  # noqa: S101 - it counts
        if deleted["number"] < _DELETED_AT_ONCE:
            return
        moment = deleted["moment"]


async def get(db: Executor, user_id: UUID, todo_id: UUID) -> Todo:
    """Raises TodoNotFound."""
    row = await db.fetch_one(queries.SELECT_ONE, user_id=user_id, todo_id=todo_id)
    if row is None:
        raise TodoNotFound
    return Todo(*row)


async def find_by_id(db: Executor, user_id: UUID, todo_ids: Sequence[UUID]) -> list[Todo]:
    """Those of the todos that are the user's, in the trash too, in no order."""
    return [Todo(*row) for row in await db.fetch_all(queries.SELECT_SOME, user_id=user_id, todo_ids=list(todo_ids))]


async def find_below(db: Executor, user_id: UUID, todo_ids: Sequence[UUID]) -> list[Todo]:
    """The subtodos of the user's todos at every level, in the trash too, in no order."""
    return [Todo(*row) for row in await db.fetch_all(queries.SELECT_BELOW, user_id=user_id, todo_ids=list(todo_ids))]


async def add(db: Executor, actor: Actor, new: TodoCreate) -> Todo:
    row = await db.write(queries.INSERT, user_id=actor.user_id, actor=actor.signature, todo_id=new_id(), **dict(new))
    assert row is not None  # noqa: S101 - INSERT ... RETURNING yields its row or raises
    return _todo(row)


async def update(db: Executor, actor: Actor, todo_id: UUID, changes: TodoUpdate, versions: Versions = None) -> Todo:
    """Applies the changes. Completing a recurring todo moves it to its next occurrence, if the rule has one.

    Raises TodoNotFound, StaleVersion and InvalidTodo.
    """
    values = changes.values()
    if not values:
        return await _get_expected(db, actor.user_id, todo_id, versions)
    if values.get("completed") and values.get("recurrence", "") is not None:
        return await _complete(db, actor, todo_id, values, versions)
    statement = queries.update_columns(frozenset(values), checked=versions is not None)
    return await _write(db, actor, todo_id, statement, versions, **values)


async def delete(db: Executor, actor: Actor, todo_id: UUID, versions: Versions = None) -> None:
    """Puts the todo into the trash. Raises TodoNotFound and StaleVersion."""
    await _write(db, actor, todo_id, queries.delete(checked=versions is not None), versions)


async def restore(db: Executor, actor: Actor, todo_id: UUID, versions: Versions = None) -> Todo:
    """Takes the todo out of the trash; one that is not there is left as it is. Raises TodoNotFound and StaleVersion."""
    statement = queries.restore(checked=versions is not None)
    row = await db.write(statement, user_id=actor.user_id, actor=actor.signature, todo_id=todo_id, versions=versions)
    if row is not None:
        return _todo(row)
    # In the trash too, where one that is stale has stayed.
    found = await find_by_id(db, actor.user_id, [todo_id])
    if not found:
        raise TodoNotFound
    if versions is not None and found[0].version not in versions:
        raise StaleVersion
    return found[0]


async def _complete(db: Executor, actor: Actor, todo_id: UUID, values: dict[str, Any], versions: Versions) -> Todo:
    """Completes the todo, or moves an open recurring one to its next occurrence. Starts again when it lost a race."""
    this = {"user_id": actor.user_id, "actor": actor.signature, "todo_id": todo_id}
    statement = queries.complete_or_read(frozenset(values), checked=versions is not None)
    while True:
        row = await db.write(statement, **this, **values, versions=versions)
        if row is None:
            await _get_expected(db, actor.user_id, todo_id, versions)
            continue
        if row["occurrences"] is None:
            return Todo(*row[:_WIDTH])
        if versions is not None and row["version"] not in versions:
            raise StaleVersion
        to_write = _values_of_next_occurrence(row, values, ZoneInfo(actor.timezone))
        conditional = queries.update_columns(frozenset(to_write), checked=True)
        written = await db.write(conditional, **this, **to_write, versions=[row["version"]])
        if written is not None:
            return _todo(written)


def _values_of_next_occurrence(todo: Row, values: dict[str, Any], timezone: ZoneInfo) -> dict[str, Any]:
    """Returns the columns to write when `values` complete an open todo that recurs, now or by the values themselves.

    The next occurrence is counted from the due date in the values. After the last occurrence the todo is completed.
    """
    has_new_due = "due_date" in values or "due_at" in values
    moved = next_due_values({**todo, **({"due_time": None} if has_new_due else {}), **values}, timezone)
    if moved is None:
        return values
    return {name: value for name, value in values.items() if name != "completed"} | moved


async def _get_expected(db: Executor, user_id: UUID, todo_id: UUID, versions: Versions) -> Todo:
    """Returns the todo. Raises TodoNotFound, and StaleVersion when its version is not among the given ones."""
    todo = await get(db, user_id, todo_id)
    if versions is not None and todo.version not in versions:
        raise StaleVersion
    return todo


async def _write(
    db: Executor, actor: Actor, todo_id: UUID, statement: Statement, versions: Versions, **values: object
) -> Todo:
    row = await db.write(
        statement, user_id=actor.user_id, actor=actor.signature, todo_id=todo_id, versions=versions, **values
    )
    if row is None:
        await get(db, actor.user_id, todo_id)
        raise StaleVersion
    return _todo(row)


def _todo(row: Row) -> Todo:
    """From what a write returns: the columns, and the signature under which it was made."""
    return Todo(*row[:-1])


def _part(sort: Sort, after: Position | None) -> lists.Part:
    if after is None:
        return "start"
    return "title" if sort == "relevance" and after.in_title else "rest"


def _position(sort: Sort, row: Row, todo: Todo) -> Position:
    field = lists.SortOrder(sort).field
    return Position(
        key=getattr(todo, field) if field else row["key"], id=todo.id, in_title=sort == "relevance" and row["in_title"]
    )
