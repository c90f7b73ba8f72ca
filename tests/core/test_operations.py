"""Operations of several statements, between which others may write."""

import asyncio
from collections.abc import Iterator
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from tests import postgres
from todo_core import todos
from todo_core.actors import Actor
from todo_core.database.executor import Database
from todo_core.errors import TodoNotFound
from todo_core.todos import Filters, TodoCreate, TodoUpdate, operations, queries
from todo_core.todos.next_due import next_due_values

ADD_USER = "INSERT INTO users (id, email, email_key, password_hash, timezone) VALUES ($1, $2::text, $2, '', 'UTC')"
LEFT = "SELECT id, deleted_at, version FROM todos WHERE user_id = $1 ORDER BY title"


@pytest.fixture
def _in_pieces_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_DELETED_AT_ONCE", 2)


@pytest.fixture
def ada(database_url: str) -> Actor:
    ada = Actor(uuid4())
    postgres.query(database_url, ADD_USER, ada.user_id, f"{ada.user_id}@example.com")
    return ada


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def db(database_url: str, runner: asyncio.Runner) -> Iterator[Database]:
    db = Database(database_url)
    yield db
    runner.run(db.close())


@pytest.mark.usefixtures("_in_pieces_of_two")
class TestDeleteAll:
    """It works by pieces that nobody can tell from a whole."""

    @pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5])
    def test_all_go_at_one_moment_and_once(
        self, number: int, ada: Actor, db: Database, runner: asyncio.Runner, database_url: str
    ) -> None:
        for title in range(number):
            runner.run(todos.add(db, ada, TodoCreate(title=str(title))))
        runner.run(todos.delete_all(db, ada, Filters()))
        left = postgres.query(database_url, LEFT, ada.user_id)
        assert [row["version"] for row in left] == [2] * number
        assert len({row["deleted_at"] for row in left}) == min(number, 1)
        assert all(row["deleted_at"] for row in left)

    def test_a_subtodo_that_went_in_another_piece_comes_back_with_its_parent(
        self, ada: Actor, db: Database, runner: asyncio.Runner, database_url: str
    ) -> None:
        ids: list[UUID] = [runner.run(todos.add(db, ada, TodoCreate(title="0"))).id]
        for title in "123":
            ids.append(runner.run(todos.add(db, ada, TodoCreate(title=title, parent_id=ids[-1]))).id)
        runner.run(todos.delete_all(db, ada, Filters()))
        runner.run(todos.restore(db, ada, ids[0]))
        left = postgres.query(database_url, LEFT, ada.user_id)
        assert [(row["id"], row["deleted_at"]) for row in left] == [(todo_id, None) for todo_id in ids]


class TestComplete:
    """What was seen of a todo may be out of date when it is completed."""

    @pytest.mark.parametrize("recurrence", ["FREQ=DAILY", None])
    @pytest.mark.parametrize("change", [{"due_date": "2030-05-01"}, {"recurrence": "FREQ=YEARLY"}, {"title": "Oat"}])
    def test_what_was_changed_meanwhile_counts(
        self, recurrence: str | None, change: dict[str, str], ada: Actor, db: Database, runner: asyncio.Runner
    ) -> None:
        new = {"title": "Milk", "due_date": "2030-01-01", "recurrence": recurrence}
        todo = runner.run(todos.add(db, ada, TodoCreate.model_validate(new)))
        seen = runner.run(db.fetch_one(queries.SELECT_SEEN, user_id=ada.user_id, todo_id=todo.id))
        changed = runner.run(todos.update(db, ada, todo.id, TodoUpdate.model_validate(change)))
        done = runner.run(todos.update(db, ada, todo.id, TodoUpdate(completed=True), seen=seen))
        assert done.version == 3
        assert done.title == changed.title
        expected = next_due_values({**structs.asdict(changed), "due_time": None, "occurrences": 0}, ZoneInfo("UTC"))
        assert done.completed == (expected is None)
        assert done.due_date == (expected or {"due_date": changed.due_date})["due_date"]

    def test_what_was_deleted_meanwhile_is_not_found(self, ada: Actor, db: Database, runner: asyncio.Runner) -> None:
        todo = runner.run(todos.add(db, ada, TodoCreate(title="Milk")))
        seen = runner.run(db.fetch_one(queries.SELECT_SEEN, user_id=ada.user_id, todo_id=todo.id))
        runner.run(todos.delete(db, ada, todo.id))
        with pytest.raises(TodoNotFound):
            runner.run(todos.update(db, ada, todo.id, TodoUpdate(completed=True), seen=seen))
