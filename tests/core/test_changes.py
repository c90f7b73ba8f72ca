"""The change log: nothing goes around it, and who reads it on misses nothing."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests import postgres
from todo_core.actors import Actor
from todo_core.database.executor import Database
from todo_core.todos import changes, operations
from todo_core.todos.changes import Change
from todo_core.todos.errors import StaleVersion, TodoNotFound
from todo_core.todos.model import TodoCreate, TodoUpdate

pytestmark = pytest.mark.pooler

type Connection = asyncpg.Connection[asyncpg.Record]
type Logged = tuple[str, str | None, str | None]
"""What was done, and the titles before and after."""

LOG = """
    SELECT seq, todo_id, op, actor, turn_id, before, after FROM changes WHERE user_id = $1 ORDER BY seq
"""
SNAPSHOT = "SELECT (to_jsonb(todos) - ARRAY['user_id', 'words'])::text FROM todos WHERE user_id = $1 AND title = $2"
TITLES = """
    SELECT op, before->>'title', after->>'title' FROM changes WHERE user_id = $1 AND seq > 2 ORDER BY seq
"""


def new_user(database_url: str) -> UUID:
    user_id = uuid4()
    add = "INSERT INTO users (id, email, email_key, password_hash, timezone) VALUES ($1, $2::text, $2, '', 'UTC')"
    postgres.query(database_url, add, user_id, f"{user_id.hex}@example.com")
    return user_id


@pytest.fixture
def ada(database_url: str) -> UUID:
    return new_user(database_url)


@pytest.fixture
def ada_with_two(database_url: str, ada: UUID) -> UUID:
    """With the todos "First" and "Second", which are the first two changes of the log."""
    add = """INSERT INTO todos (id, user_id, title, "order") VALUES (gen_random_uuid(), $1, $2, $3)"""
    for order, title in enumerate(["First", "Second"]):
        postgres.query(database_url, add, ada, title, order)
    return ada


def run[Result](scenario: Coroutine[Any, Any, Result]) -> Result:
    async def bounded() -> Result:
        # What hangs must not hang the run.
        async with asyncio.timeout(60):
            return await scenario

    return asyncio.run(bounded())


@asynccontextmanager
async def opened(database_url: str, *, pool_size: int = 4) -> AsyncIterator[Database]:
    db = Database(database_url, pool_size=pool_size)
    try:
        yield db
    finally:
        await db.close()


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[Connection]:
    connection = await postgres.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


def logged(database_url: str, user_id: UUID) -> list[Logged]:
    """What came after the first two changes."""
    return [(row[0], row[1], row[2]) for row in postgres.query(database_url, TITLES, user_id)]


WRITES: dict[str, tuple[str, list[Logged]]] = {
    "an insert": (
        """INSERT INTO todos (id, user_id, title, "order") VALUES (gen_random_uuid(), $1, 'New', 1)""",
        [("create", None, "New")],
    ),
    "an insert of several rows": (
        """
        INSERT INTO todos (id, user_id, title, "order")
        VALUES (gen_random_uuid(), $1, 'One', 1), (gen_random_uuid(), $1, 'Two', 2)
        """,
        [("create", None, "One"), ("create", None, "Two")],
    ),
    "an insert from a query": (
        """
        INSERT INTO todos (id, user_id, title, "order")
        SELECT gen_random_uuid(), user_id, title || ' again', 9 FROM todos WHERE user_id = $1 ORDER BY "order"
        """,
        [("create", None, "First again"), ("create", None, "Second again")],
    ),
    "an insert that becomes an update": (
        """
        INSERT INTO todos (id, user_id, title, "order")
        SELECT id, user_id, title, 9 FROM todos WHERE user_id = $1 AND title = 'First'
        ON CONFLICT (id) DO UPDATE SET title = 'Changed'
        """,
        [("update", "First", "Changed")],
    ),
    "an insert that becomes nothing": (
        """
        INSERT INTO todos (id, user_id, title, "order") SELECT id, user_id, title, 9 FROM todos WHERE user_id = $1
        ON CONFLICT DO NOTHING
        """,
        [],
    ),
    "an update": (
        "UPDATE todos SET title = 'Changed' WHERE user_id = $1 AND title = 'First'",
        [("update", "First", "Changed")],
    ),
    "an update of several rows": (
        "UPDATE todos SET title = title || '!' WHERE user_id = $1",
        [("update", "First", "First!"), ("update", "Second", "Second!")],
    ),
    "an update from another table": (
        """
        UPDATE todos SET title = todos.title || users.timezone FROM users
        WHERE users.id = todos.user_id AND users.id = $1 AND title = 'First'
        """,
        [("update", "First", "FirstUTC")],
    ),
    "an update that completes": (
        "UPDATE todos SET completed = true, completed_at = now() WHERE user_id = $1 AND title = 'First'",
        [("complete", "First", "First")],
    ),
    "an update that fills the trash": (
        "UPDATE todos SET deleted_at = now() WHERE user_id = $1 AND title = 'First'",
        [("delete", "First", "First")],
    ),
    "a delete": ("DELETE FROM todos WHERE user_id = $1 AND title = 'First'", [("purge", "First", None)]),
    "a delete with another table": (
        "DELETE FROM todos USING users WHERE users.id = todos.user_id AND users.id = $1",
        [("purge", "First", None), ("purge", "Second", None)],
    ),
    "a query that writes on the side": (
        """
        WITH gone AS (DELETE FROM todos WHERE user_id = $1 AND title = 'First' RETURNING *)
        INSERT INTO todos (id, user_id, title, "order") SELECT gen_random_uuid(), user_id, 'Instead', 1 FROM gone
        """,
        [("purge", "First", None), ("create", None, "Instead")],
    ),
    "a merge": (
        """
        MERGE INTO todos USING (VALUES ('First'), ('Third')) AS wanted (title)
        ON todos.user_id = $1 AND todos.title = wanted.title
        WHEN MATCHED THEN UPDATE SET title = 'Merged'
        WHEN NOT MATCHED THEN INSERT (id, user_id, title, "order") VALUES (gen_random_uuid(), $1, wanted.title, 3)
        """,
        [("update", "First", "Merged"), ("create", None, "Third")],
    ),
}


class TestNoWriteGoesAround:
    @pytest.mark.parametrize("write", WRITES)
    def test_whatever_the_statement(self, database_url: str, ada_with_two: UUID, write: str) -> None:
        statement, expected = WRITES[write]
        postgres.query(database_url, statement, ada_with_two)
        assert sorted(logged(database_url, ada_with_two), key=str) == sorted(expected, key=str)

    def test_copy_does_not_either(self, database_url: str, ada_with_two: UUID) -> None:
        async def copy() -> None:
            async with connected(database_url) as connection:
                await connection.copy_records_to_table(
                    "todos",
                    columns=["id", "user_id", "title", "order"],
                    records=[(uuid4(), ada_with_two, title, 1.0) for title in ("One", "Two")],
                )

        run(copy())
        assert logged(database_url, ada_with_two) == [("create", None, "One"), ("create", None, "Two")]

    def test_several_statements_at_once_do_not_either(self, database_url: str, ada_with_two: UUID) -> None:
        postgres.run(
            database_url,
            f"UPDATE todos SET completed = true, completed_at = now() WHERE user_id = '{ada_with_two}';"  # noqa: S608
            f"DELETE FROM todos WHERE user_id = '{ada_with_two}' AND title = 'First'",
        )
        assert sorted(logged(database_url, ada_with_two), key=str) == [
            ("complete", "First", "First"),
            ("complete", "Second", "Second"),
            ("purge", "First", None),
        ]

    def test_each_row_has_the_next_number(self, database_url: str, ada_with_two: UUID) -> None:
        for statement, _ in WRITES.values():
            postgres.query(database_url, statement, ada_with_two)
        rows = postgres.query(database_url, LOG, ada_with_two)
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))

    def test_a_write_that_is_rolled_back_leaves_nothing(self, database_url: str, ada_with_two: UUID) -> None:
        async def change_and_fail() -> None:
            async with connected(database_url) as connection, connection.transaction():
                await connection.execute("UPDATE todos SET title = 'Changed' WHERE user_id = $1", ada_with_two)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            run(change_and_fail())
        assert logged(database_url, ada_with_two) == []


class TestEntries:
    @pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/St_Johns"])
    def test_hold_the_todo_before_and_after_whatever_the_zone_of_the_session(
        self, database_url: str, ada_with_two: UUID, zone: str
    ) -> None:
        async def change() -> tuple[str, str]:
            async with connected(database_url) as connection:
                await connection.execute("SET timezone = 'UTC'")
                before = await connection.fetchval(SNAPSHOT, ada_with_two, "First")
                await connection.execute(f"SET timezone = '{zone}'")
                await connection.execute(
                    "UPDATE todos SET title = 'Changed', due_at = now(), tags = '{a,b}', version = 2 "
                    "WHERE user_id = $1 AND title = 'First'",
                    ada_with_two,
                )
                await connection.execute("SET timezone = 'UTC'")
                return before, await connection.fetchval(SNAPSHOT, ada_with_two, "Changed")

        before, after = run(change())
        *_, entry = postgres.query(database_url, LOG, ada_with_two)
        assert (entry["before"], entry["after"]) == (before, after)

    def test_are_the_systems_when_nobody_said_who(self, database_url: str, ada_with_two: UUID) -> None:
        for statement, _ in WRITES.values():
            postgres.query(database_url, statement, ada_with_two)
        rows = postgres.query(database_url, LOG, ada_with_two)
        assert {(row["actor"], row["turn_id"]) for row in rows} == {("system", None)}

    def test_are_each_writers_own_on_one_connection(self, database_url: str, ada: UUID) -> None:
        turn_id = uuid4()

        async def write() -> None:
            async with opened(database_url, pool_size=1) as db:
                for actor in (Actor(ada), Actor(ada, "assistant", turn_id), Actor(ada, "token")):
                    await operations.add(db, actor, TodoCreate(title=actor.kind))

        run(write())
        rows = postgres.query(database_url, LOG, ada)
        assert [(row["actor"], row["turn_id"]) for row in rows] == [
            ("user", None),
            ("assistant", turn_id),
            ("token", None),
        ]

    def test_do_not_inherit_a_name_from_an_earlier_transaction(self, database_url: str, ada_with_two: UUID) -> None:
        async def write() -> None:
            async with connected(database_url) as connection:
                async with connection.transaction():
                    await connection.execute("SELECT set_config('todo.actor', 'assistant:' || $1, true)", str(uuid4()))
                    await connection.execute("UPDATE todos SET title = 'Signed' WHERE title = 'First'")
                await connection.execute("UPDATE todos SET title = 'Unsigned' WHERE user_id = $1", ada_with_two)

        run(write())
        rows = postgres.query(database_url, LOG, ada_with_two)
        assert [row["actor"] for row in rows] == ["system", "system", "assistant", "system", "system"]

    def test_go_with_the_account(self, database_url: str, ada_with_two: UUID) -> None:
        postgres.query(database_url, "UPDATE todos SET title = 'Changed' WHERE user_id = $1", ada_with_two)
        postgres.query(database_url, "DELETE FROM users WHERE id = $1", ada_with_two)
        assert postgres.query(database_url, LOG, ada_with_two) == []
        assert postgres.query(database_url, "SELECT FROM todos WHERE user_id = $1", ada_with_two) == []


@dataclass
class Crowd:
    """Writers of every kind for one user, who note what they have committed."""

    database_url: str
    actor: Actor
    rounds: int = 12
    committed: list[str] = field(default_factory=list)
    rolled_back: list[str] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - not a secret

    async def work(self) -> None:
        async with opened(self.database_url) as one, opened(self.database_url) as other, asyncio.TaskGroup() as group:
            for db in (one, one, other):
                group.create_task(self._write_singly(db))
                group.create_task(self._commit_late(db))
            group.create_task(self._write_raw())
            group.create_task(self._write_raw())

    def _title(self, kind: str) -> str:
        return f"{kind} {uuid4().hex}"

    async def _write_singly(self, db: Database) -> None:
        """Each write a transaction of its own; four changes to a todo."""
        for _ in range(self.rounds):
            title = self._title("single")
            todo = await operations.add(db, self.actor, TodoCreate(title=title))
            await operations.update(db, self.actor, todo.id, TodoUpdate(completed=True))
            await operations.delete(db, self.actor, todo.id)
            await operations.restore(db, self.actor, todo.id)
            self.committed += [title] * 4

    async def _commit_late(self, db: Database) -> None:
        """Two changes together, long before their end; every third time they come to nothing."""
        for number in range(self.rounds):
            title, fails = self._title("together"), number % 3 == 2
            with suppress(ZeroDivisionError):
                async with db.transaction() as transaction:
                    todo = await operations.add(transaction, self.actor, TodoCreate(title=title))
                    await asyncio.sleep(self.chance.uniform(0, 0.01))
                    await operations.update(transaction, self.actor, todo.id, TodoUpdate(priority="high"))
                    await asyncio.sleep(self.chance.uniform(0, 0.01))
                    if fails:
                        raise ZeroDivisionError
            (self.rolled_back if fails else self.committed).extend([title] * 2)

    async def _write_raw(self) -> None:
        """Past all of the service's code."""
        add = """INSERT INTO todos (id, user_id, title, "order") VALUES (gen_random_uuid(), $1, $2, 1)"""
        async with connected(self.database_url) as connection:
            for number in range(self.rounds):
                title, transaction = self._title("raw"), connection.transaction()
                await transaction.start()
                await connection.execute(add, self.actor.user_id, title)
                await asyncio.sleep(self.chance.uniform(0, 0.01))
                if number % 3 == 2:
                    await transaction.rollback()
                    self.rolled_back.append(title)
                else:
                    await transaction.commit()
                    self.committed.append(title)


@dataclass
class Reader:
    """Asks on from the last change it saw, as a client does."""

    db: Database
    user_id: UUID
    seen: list[Change] = field(default_factory=list)
    polls: int = 0

    async def follow(self, until: asyncio.Event) -> None:
        last_look = False
        while True:
            found = await changes.find_since(self.db, self.user_id, self.seen[-1].seq if self.seen else 0, limit=5)
            self.polls += 1
            self.seen += found
            if last_look and not found:
                return
            last_look = until.is_set()

    @property
    def titles(self) -> list[str]:
        return [change.after.title for change in self.seen if change.after is not None]


async def watched(database_url: str, crowds: Sequence[Crowd]) -> list[Reader]:
    """A reader for each crowd, which begins before it and ends when there is no more."""
    finished = asyncio.Event()

    async def work() -> None:
        await asyncio.gather(*(crowd.work() for crowd in crowds))
        finished.set()

    async with opened(database_url) as db, asyncio.TaskGroup() as group:
        readers = [Reader(db, crowd.actor.user_id) for crowd in crowds]
        for reader in readers:
            group.create_task(reader.follow(finished))
        group.create_task(work())
    return readers


class TestReadingOn:
    def test_shows_each_committed_change_once_and_in_order_while_many_write(self, database_url: str, ada: UUID) -> None:
        crowd = Crowd(database_url, Actor(ada))
        [reader] = run(watched(database_url, [crowd]))
        assert [change.seq for change in reader.seen] == list(range(1, len(crowd.committed) + 1))
        assert sorted(reader.titles) == sorted(crowd.committed)
        assert crowd.rolled_back
        assert not set(reader.titles) & set(crowd.rolled_back)
        # It has watched them come, and not just read the end.
        assert reader.polls > len(crowd.committed) / 5

    def test_shows_the_changes_of_a_transaction_side_by_side(self, database_url: str, ada: UUID) -> None:
        [reader] = run(watched(database_url, [Crowd(database_url, Actor(ada))]))
        together = [title for title in reader.titles if title.startswith("together")]
        assert together[::2] == together[1::2]
        places = {title: [at for at, other in enumerate(reader.titles) if other == title] for title in together}
        assert all(second == first + 1 for first, second in places.values())

    def test_waits_for_a_change_that_commits_late_instead_of_passing_it_by(self, database_url: str, ada: UUID) -> None:
        async def scene() -> tuple[list[str], list[str]]:
            async with opened(database_url) as db:
                async with db.transaction() as transaction:
                    await operations.add(transaction, Actor(ada), TodoCreate(title="Late"))
                    early = asyncio.create_task(operations.add(db, Actor(ada), TodoCreate(title="Early")))
                    await asyncio.sleep(0.2)
                    meanwhile = Reader(db, ada, await changes.find_since(db, ada, 0, limit=9)).titles
                await early
                return meanwhile, Reader(db, ada, await changes.find_since(db, ada, 0, limit=9)).titles

        assert run(scene()) == ([], ["Late", "Early"])

    def test_is_each_users_own_while_several_write(self, database_url: str) -> None:
        crowds = [Crowd(database_url, Actor(new_user(database_url)), rounds=4) for _ in range(4)]
        readers = run(watched(database_url, crowds))
        for crowd, reader in zip(crowds, readers, strict=True):
            assert [change.seq for change in reader.seen] == list(range(1, len(crowd.committed) + 1))
            assert sorted(reader.titles) == sorted(crowd.committed)

    def test_one_users_late_commit_holds_up_nobody_else(self, database_url: str, ada: UUID) -> None:
        bob = new_user(database_url)

        async def scene() -> None:
            async with opened(database_url) as db, db.transaction() as transaction:
                await changes.lock_log(transaction, ada)
                async with asyncio.timeout(2):
                    await operations.add(db, Actor(bob), TodoCreate(title="Bob's"))

        run(scene())


class TestDeadlocks:
    def test_single_writes_and_transactions_of_several_never_wait_crosswise(self, database_url: str, ada: UUID) -> None:
        actor, chance = Actor(ada), random.Random(11)  # noqa: S311 - not a secret

        async def write_singly(db: Database, ids: Sequence[UUID]) -> None:
            single: list[Callable[[UUID], Awaitable[object]]] = [
                lambda todo_id: operations.update(db, actor, todo_id, TodoUpdate(title="Single")),
                lambda todo_id: operations.update(db, actor, todo_id, TodoUpdate(completed=True), [1, 2, 3, 4]),
                lambda todo_id: operations.delete(db, actor, todo_id),
                lambda todo_id: operations.restore(db, actor, todo_id),
            ]
            for _ in range(40):
                with suppress(TodoNotFound, StaleVersion):
                    await chance.choice(single)(chance.choice(ids))

        async def write_several(db: Database, ids: Sequence[UUID]) -> None:
            for _ in range(20):
                async with db.transaction() as transaction:
                    await changes.lock_log(transaction, ada)
                    for todo_id in chance.sample(ids, len(ids)):
                        await operations.restore(transaction, actor, todo_id)
                        await operations.update(transaction, actor, todo_id, TodoUpdate(title="Several"))

        async def scene() -> None:
            async with opened(database_url, pool_size=8) as db:
                ids = [(await operations.add(db, actor, TodoCreate(title=title))).id for title in "abc"]
                async with asyncio.TaskGroup() as group:
                    for _ in range(4):
                        group.create_task(write_singly(db, ids))
                        group.create_task(write_several(db, ids))

        run(scene())
        numbers = [row["seq"] for row in postgres.query(database_url, LOG, ada)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 4 * 20 * 3
