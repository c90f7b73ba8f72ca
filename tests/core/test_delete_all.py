"""The trash takes any number of todos at once, in pieces that nobody can tell from a whole."""

import asyncio
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from tests import postgres
from todo_core import todos
from todo_core.actors import Actor
from todo_core.database import Database
from todo_core.todos import Filters, TodoCreate, operations

ADD_USER = "INSERT INTO users (id, email, email_key, password_hash, timezone) VALUES ($1, $2::text, $2, '', 'UTC')"
LEFT = "SELECT id, deleted_at, version FROM todos WHERE user_id = $1 ORDER BY title"


@pytest.fixture(autouse=True)
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


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5])
def test_all_go_at_one_moment_and_once(
    number: int, ada: Actor, db: Database, runner: asyncio.Runner, database_url: str
) -> None:
    for title in range(number):
        runner.run(todos.add(db, ada, TodoCreate(title=str(title))))
    runner.run(todos.delete_all(db, ada, Filters()))
    left = postgres.query(database_url, LEFT, ada.user_id)
    assert [row["version"] for row in left] == [2] * number
    assert len({row["deleted_at"] for row in left}) == min(number, 1)
    assert all(row["deleted_at"] for row in left)


def test_a_subtodo_that_went_in_another_piece_comes_back_with_its_parent(
    ada: Actor, db: Database, runner: asyncio.Runner, database_url: str
) -> None:
    ids: list[UUID] = [runner.run(todos.add(db, ada, TodoCreate(title="0"))).id]
    for title in "123":
        ids.append(runner.run(todos.add(db, ada, TodoCreate(title=title, parent_id=ids[-1]))).id)
    runner.run(todos.delete_all(db, ada, Filters()))
    runner.run(todos.restore(db, ada, ids[0]))
    left = postgres.query(database_url, LEFT, ada.user_id)
    assert [(row["id"], row["deleted_at"]) for row in left] == [(todo_id, None) for todo_id in ids]
