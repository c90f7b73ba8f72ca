"""Orders of todos and projects: those of creates at the same moment, and room between any two neighbors."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from time import sleep
from typing import Any
from uuid import UUID

import pytest

from tests import postgres
from tests.core.databases import add_user, connect, open_database, run
from todo_core.actors import Actor
from todo_core.database.executor import Database, Executor
from todo_core.database.idempotency import KeyedRequest, StoredResponse, run_once
from todo_core.todos import operations, projects
from todo_core.todos.filters import Filters
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate
from todo_core.todos.projects import ProjectCreate, ProjectUpdate

PARALLEL = 8
LARGEST = 2.0**53
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
LOG = """
    SELECT todo_id, op, actor, after->>'order' AS "order" FROM change_log WHERE user_id = $1 ORDER BY seq
"""


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


async def create_together(
    url: str, owner: UUID, create: Callable[[Database, int], Coroutine[Any, Any, float]]
) -> list[float]:
    """Begins eight creates while another transaction has the lock of the user's log. Returns their orders."""
    async with open_database(url, pool_size=PARALLEL) as db, connect(url) as other, asyncio.TaskGroup() as tasks:
        lock = other.transaction()
        await lock.start()
        await other.fetchval("SELECT lock_change_log($1)", owner)
        creates = [tasks.create_task(create(db, number)) for number in range(PARALLEL)]
        async with asyncio.timeout(20):
            await asyncio.to_thread(wait_until_blocked, url)
        await lock.rollback()
    return sorted(create.result() for create in creates)


def wait_until_blocked(url: str) -> None:
    for _ in range(1_000):
        if postgres.query(url, BLOCKED)[0][0] >= PARALLEL:
            return
        sleep(0.01)
    raise AssertionError("the creates do not wait for the lock")


class TestCreatesAtTheSameMoment:
    """Creates that wait for each other once got the same order: 19, 20, 21, 22, 22, 22, 22, 22."""

    def test_todos_get_different_orders(self, ada: Actor, database_url: str) -> None:
        async def create(db: Database, number: int) -> float:
            return (await operations.add(db, ada, TodoCreate(title=str(number)))).order

        assert run(create_together(database_url, ada.user_id, create)) == [1, 2, 3, 4, 5, 6, 7, 8]

    def test_todos_with_keys_get_different_orders(self, ada: Actor, database_url: str) -> None:
        async def create(db: Database, number: int) -> float:
            async def add(transaction: Executor) -> StoredResponse:
                todo = await operations.add(transaction, ada, TodoCreate(title=str(number)))
                return StoredResponse(201, str(todo.order).encode())

            stored = await run_once(db, KeyedRequest(ada.user_id, "POST /todos", str(number), b""), add)
            return float(stored.body)

        assert run(create_together(database_url, ada.user_id, create)) == [1, 2, 3, 4, 5, 6, 7, 8]

    def test_projects_get_different_orders(self, ada: Actor, database_url: str) -> None:
        async def create(db: Database, number: int) -> float:
            return (await projects.add(db, ada, ProjectCreate(name=str(number)))).order

        assert run(create_together(database_url, ada.user_id, create)) == [1, 2, 3, 4, 5, 6, 7, 8]


def list_todos(db: Database, runner: asyncio.Runner, ada: Actor) -> list[Todo]:
    return runner.run(operations.find(db, ada.user_id, Filters(), limit=200)).todos


def find_middle(todos: Sequence[Todo], lower: str, upper: str) -> float:
    """Returns the middle of the orders of two todos, as a client computes it that has read them."""
    orders = {todo.title: todo.order for todo in todos}
    return (orders[lower] + orders[upper]) / 2


class TestRoom:
    @pytest.mark.parametrize("at_end", ["lower", "upper"])
    @pytest.mark.parametrize("start", [0.0, 1.0, -1e6, 2.0**52])
    def test_there_is_always_room_between_two_neighbors(
        self, start: float, at_end: str, ada: Actor, db: Database, runner: asyncio.Runner
    ) -> None:
        """A middle runs out of numbers after 52 halvings: here are 70, always at the same end."""
        for title, order in (("lower", start), ("upper", start + 1)):
            runner.run(operations.add(db, ada, TodoCreate(title=title, order=order)))
        moved = [runner.run(operations.add(db, ada, TodoCreate(title=str(number)))) for number in range(2)]
        expected = ["lower", "upper"]
        for number in range(70):
            todo = moved[number % 2]
            other = moved[1 - number % 2].title if number else ("upper" if at_end == "lower" else "lower")
            neighbors = ("lower", other) if at_end == "lower" else (other, "upper")
            middle = find_middle(list_todos(db, runner, ada), *neighbors)
            runner.run(operations.update(db, ada, todo.id, TodoUpdate(order=middle)))
            titles = [each.title for each in list_todos(db, runner, ada)]
            expected = [title for title in (titles if number == 0 else expected) if title != todo.title]
            place = expected.index(neighbors[1])
            expected.insert(place, todo.title)
            assert titles == expected, number

    def test_new_todos_between_others_keep_their_places(self, ada: Actor, db: Database, runner: asyncio.Runner) -> None:
        for title in ("first", "last"):
            runner.run(operations.add(db, ada, TodoCreate(title=title)))
        titles = ["first", "last"]
        for number in range(65):
            orders = [todo.order for todo in list_todos(db, runner, ada)]
            runner.run(operations.add(db, ada, TodoCreate(title=str(number), order=(orders[0] + orders[1]) / 2)))
            titles.insert(1, str(number))
            assert [todo.title for todo in list_todos(db, runner, ada)] == titles

    def test_few_others_move_and_the_log_has_them(
        self, ada: Actor, db: Database, runner: asyncio.Runner, database_url: str
    ) -> None:
        for number in range(60):
            runner.run(operations.add(db, ada, TodoCreate(title=str(number))))
        runner.run(operations.add(db, ada, TodoCreate(title="new", order=30.0 + 4e-15)))
        moved = [row for row in postgres.query(database_url, LOG, ada.user_id) if row["op"] == "update"]
        assert 0 < len(moved) <= 10
        assert {row["actor"] for row in moved} == {"user"}
        titles = [todo.title for todo in list_todos(db, runner, ada)]
        assert titles == [*map(str, range(30)), "new", *map(str, range(30, 60))]

    def test_a_place_with_room_moves_no_other(
        self, ada: Actor, db: Database, runner: asyncio.Runner, database_url: str
    ) -> None:
        for order in (1.0, 2.0, 1.5):
            todo = runner.run(operations.add(db, ada, TodoCreate(title="Milk", order=order)))
            assert todo.order == order
        assert {row["op"] for row in postgres.query(database_url, LOG, ada.user_id)} == {"create"}

    def test_a_todo_between_two_with_equal_orders_tells_them_apart(
        self, ada: Actor, db: Database, runner: asyncio.Runner, database_url: str
    ) -> None:
        for number in range(20, 26):
            runner.run(operations.add(db, ada, TodoCreate(title=str(number))))
        postgres.query(database_url, 'UPDATE todos SET "order" = 22 WHERE user_id = $1', ada.user_id)
        before = [todo.title for todo in list_todos(db, runner, ada)]
        new = runner.run(operations.add(db, ada, TodoCreate(title="new")))
        runner.run(operations.update(db, ada, new.id, TodoUpdate(order=22.0)))
        after = list_todos(db, runner, ada)
        assert [todo.title for todo in after] == [*before, "new"]
        # The new one and its nearest neighbors; one that is farther away keeps its order.
        assert len({todo.order for todo in after[2:]}) == 5

    def test_orders_at_the_largest_number_are_told_apart(
        self, ada: Actor, db: Database, runner: asyncio.Runner
    ) -> None:
        runner.run(operations.add(db, ada, TodoCreate(title="first", order=LARGEST)))
        for number in range(5):
            runner.run(operations.add(db, ada, TodoCreate(title=str(number))))
        todos = list_todos(db, runner, ada)
        assert [todo.title for todo in todos] == ["first", "0", "1", "2", "3", "4"]
        assert len({todo.order for todo in todos}) == 6
        assert all(todo.order <= LARGEST for todo in todos)

    def test_projects_have_room_too(self, ada: Actor, db: Database, runner: asyncio.Runner) -> None:
        added = [runner.run(projects.add(db, ada, ProjectCreate(name=name))) for name in ("a", "b", "c", "d")]
        for number in range(70):
            first = find_projects(db, runner, ada)
            moved = added[2 + number % 2]
            others = [project for project in first if project.id != moved.id]
            middle = (others[0].order + others[1].order) / 2
            runner.run(projects.update(db, ada, moved.id, ProjectUpdate(order=middle)))
            names = [project.name for project in find_projects(db, runner, ada)]
            assert names == [others[0].name, moved.name, *(project.name for project in others[1:])]


def find_projects(db: Database, runner: asyncio.Runner, ada: Actor) -> Sequence[Any]:
    return runner.run(projects.find(db, ada.user_id, archived=False, limit=200))
