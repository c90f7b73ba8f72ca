"""Operations on todos that run several statements, between which other transactions may write."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from time import sleep
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from tests import postgres
from tests.core.databases import add_user
from todo_core.actors import Actor
from todo_core.database.executor import Database, Executor, Row
from todo_core.database.statements import Statement
from todo_core.todos import bulk, operations
from todo_core.todos.errors import TodoNotFound
from todo_core.todos.filters import Filters
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate
from todo_core.todos.next_due import apply_changes, next_due_values

BLOCKED = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
LEFT = "SELECT id, deleted_at, version FROM todos WHERE user_id = $1 ORDER BY title"


@pytest.fixture
def _two_todos_per_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_MAX_PER_STATEMENT", 2)


@pytest.fixture
def ada(database_url: str) -> Actor:
    return Actor(add_user(database_url))


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def db(database_url: str, runner: asyncio.Runner) -> Iterator[Database]:
    db = Database(database_url)
    yield db
    runner.run(db.close())


@pytest.mark.usefixtures("_two_todos_per_statement")
class TestDeleteAll:
    """`bulk.delete` and `bulk.restore` work in chunks, with the same result as one statement for all of them."""

    @pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5])
    def test_all_todos_are_deleted_once_and_at_the_same_moment(
        self, number: int, ada: Actor, db: Database, runner: asyncio.Runner, database_url: str
    ) -> None:
        for title in range(number):
            runner.run(operations.add(db, ada, TodoCreate(title=str(title))))
        runner.run(bulk.delete(db, ada, Filters()))
        left = postgres.query(database_url, LEFT, ada.user_id)
        assert [row["version"] for row in left] == [2] * number
        assert len({row["deleted_at"] for row in left}) == min(number, 1)
        assert all(row["deleted_at"] for row in left)

    def test_a_restore_of_the_parent_restores_subtodos_of_other_chunks(
        self, ada: Actor, db: Database, runner: asyncio.Runner, database_url: str
    ) -> None:
        ids: list[UUID] = [runner.run(operations.add(db, ada, TodoCreate(title="0"))).id]
        for title in "123":
            ids.append(runner.run(operations.add(db, ada, TodoCreate(title=title, parent_id=ids[-1]))).id)
        runner.run(bulk.delete(db, ada, Filters()))
        runner.run(operations.restore(db, ada, ids[0]))
        left = postgres.query(database_url, LEFT, ada.user_id)
        assert [(row["id"], row["deleted_at"]) for row in left] == [(todo_id, None) for todo_id in ids]

    @pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5])
    def test_all_todos_are_restored_once(
        self, number: int, ada: Actor, db: Database, runner: asyncio.Runner, database_url: str
    ) -> None:
        for title in range(number):
            runner.run(operations.add(db, ada, TodoCreate(title=str(title))))
        runner.run(bulk.delete(db, ada, Filters()))
        runner.run(bulk.restore(db, ada, Filters()))
        left = postgres.query(database_url, LEFT, ada.user_id)
        assert [(row["version"], row["deleted_at"]) for row in left] == [(3, None)] * number


class DatabaseWithAChangeBetween(Database):
    """Database that runs `change` once, after the next write, like another client that writes in between."""

    change: Callable[[Executor], Awaitable[object]] | None = None

    async def write(self, statement: Statement, **values: object) -> Row | None:
        row = await super().write(statement, **values)
        change, self.change = self.change, None
        if change is not None:
            await change(self)
        return row


class TestComplete:
    """Completing a recurring todo reads it, then moves it to its next occurrence. Changes in between are kept."""

    @pytest.fixture
    def db(self, database_url: str, runner: asyncio.Runner) -> Iterator[DatabaseWithAChangeBetween]:
        db = DatabaseWithAChangeBetween(database_url)
        yield db
        runner.run(db.close())

    @pytest.mark.parametrize("patch", [{}, {"recurrence": "FREQ=MONTHLY"}])
    @pytest.mark.parametrize(
        "change",
        [
            {"due_date": "2030-05-01"},
            {"recurrence": "FREQ=YEARLY"},
            {"recurrence": None},
            {"title": "Oat"},
            {"completed": True, "recurrence": None},
        ],
    )
    def test_a_change_between_is_kept(
        self,
        patch: dict[str, str],
        change: dict[str, Any],
        ada: Actor,
        db: DatabaseWithAChangeBetween,
        runner: asyncio.Runner,
    ) -> None:
        new = {"title": "Milk", "due_date": "2030-01-01", "recurrence": "FREQ=DAILY"}
        todo = runner.run(operations.add(db, ada, TodoCreate.model_validate(new)))
        changes = TodoUpdate.model_validate(change)
        db.change = lambda db: operations.update(db, ada, todo.id, changes)
        done = runner.run(operations.update(db, ada, todo.id, TodoUpdate.model_validate({"completed": True, **patch})))
        assert db.change is None
        # Completing a completed todo changes nothing.
        assert done.version == (2 if changes.completed is True and not patch else 3)
        assert done.title == changes.to_columns().get("title", "Milk")
        stored = {**structs.asdict(todo), "due_time": None, "occurrences": 0, "skips": 0, "series": None}
        before = apply_changes(apply_changes(stored, changes.to_columns()), patch)
        expected = None if before["completed"] else next_due_values(before, ZoneInfo("UTC"), datetime.now(UTC))
        assert done.completed == (expected is None)
        assert done.due_date == (expected or before)["due_date"]
        assert done.recurrence == before["recurrence"]

    def test_a_todo_deleted_between_is_not_found(
        self, ada: Actor, db: DatabaseWithAChangeBetween, runner: asyncio.Runner
    ) -> None:
        new = TodoCreate.model_validate({"title": "Milk", "due_date": "2030-01-01", "recurrence": "FREQ=DAILY"})
        todo = runner.run(operations.add(db, ada, new))
        db.change = lambda db: operations.delete(db, ada, todo.id)
        with pytest.raises(TodoNotFound):
            runner.run(operations.update(db, ada, todo.id, TodoUpdate(completed=True)))

    def test_a_recurrence_that_is_set_while_completing_waits_is_followed(
        self, ada: Actor, db: Database, runner: asyncio.Runner, database_url: str
    ) -> None:
        async def complete_while_another_transaction_sets_a_recurrence() -> Todo:
            todo = await operations.add(db, ada, TodoCreate.model_validate({"title": "Milk", "due_date": "2030-01-01"}))
            async with db.transaction() as transaction:
                recurring = TodoUpdate.model_validate({"recurrence": "FREQ=DAILY"})
                await operations.update(transaction, ada, todo.id, recurring)
                done = asyncio.create_task(operations.update(db, ada, todo.id, TodoUpdate(completed=True)))
                await asyncio.to_thread(wait_for_a_blocked_statement, database_url)
            return await done

        done = runner.run(complete_while_another_transaction_sets_a_recurrence())
        assert (done.completed, str(done.due_date)) == (False, "2030-01-02")


def wait_for_a_blocked_statement(database_url: str) -> None:
    for _ in range(500):
        if postgres.query(database_url, BLOCKED):
            return
        sleep(0.01)
    raise AssertionError("no statement waits for a lock")
