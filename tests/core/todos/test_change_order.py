"""The order of the change log: readers miss no change during concurrent writes, and writers do not deadlock."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from tests import postgres
from tests.core.databases import add_user, connect, open_database, run
from todo_core.actors import Actor
from todo_core.database.executor import Database
from todo_core.todos import changes, operations
from todo_core.todos.changes import Change
from todo_core.todos.errors import StaleVersion, TodoNotFound
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate

pytestmark = pytest.mark.pooler

SELECT_SEQUENCE_NUMBERS = "SELECT seq FROM changes WHERE user_id = $1 ORDER BY seq"


@pytest.fixture
def ada(database_url: str) -> UUID:
    return add_user(database_url)


@dataclass
class Crowd:
    """Concurrent writers of three kinds for one user. Records the title of each committed or rolled back change."""

    database_url: str
    actor: Actor
    rounds: int = 12
    committed: list[str] = field(default_factory=list)
    rolled_back: list[str] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - not a secret

    async def work(self) -> None:
        async with (
            open_database(self.database_url) as one,
            open_database(self.database_url) as other,
            asyncio.TaskGroup() as group,
        ):
            for db in (one, one, other):
                group.create_task(self._write_singly(db))
                group.create_task(self._commit_late(db))
            group.create_task(self._write_raw())
            group.create_task(self._write_raw())

    def _title(self, kind: str) -> str:
        return f"{kind} {uuid4().hex}"

    async def _write_singly(self, db: Database) -> None:
        """Creates, completes, deletes and restores todos, with a transaction for each of these changes."""
        for _ in range(self.rounds):
            title = self._title("single")
            todo = await operations.add(db, self.actor, TodoCreate(title=title))
            await operations.update(db, self.actor, todo.id, TodoUpdate(completed=True))
            await operations.delete(db, self.actor, todo.id)
            await operations.restore(db, self.actor, todo.id)
            self.committed += [title] * 4

    async def _commit_late(self, db: Database) -> None:
        """Creates and updates a todo in one transaction, which ends after a delay. Every third one is rolled back."""
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
        """Inserts todos with SQL instead of the service's code. Every third transaction is rolled back."""
        add = """INSERT INTO todos (id, user_id, title, "order") VALUES (gen_random_uuid(), $1, $2, 1)"""
        async with connect(self.database_url) as connection:
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
    """A client that polls for the changes after the last change that it has seen."""

    db: Database
    user_id: UUID
    seen: list[Change] = field(default_factory=list)
    polls_while_writing: int = 0

    async def follow(self, until: asyncio.Event) -> None:
        is_last_poll = False
        while True:
            last = self.seen[-1].seq if self.seen else 0
            found = (await changes.find_since(self.db, self.user_id, last, limit=5)).changes
            self.polls_while_writing += not until.is_set()
            self.seen += found
            if is_last_poll and not found:
                return
            is_last_poll = until.is_set()

    @property
    def titles(self) -> list[str]:
        return [change.after.title for change in self.seen if isinstance(change.after, Todo)]


async def read_while_writing(database_url: str, crowds: Sequence[Crowd]) -> list[Reader]:
    """Runs the crowds, while one reader for each crowd polls its user's changes. Returns the readers.

    The readers poll until no change is left after all crowds have finished.
    """
    finished = asyncio.Event()

    async def work() -> None:
        await asyncio.gather(*(crowd.work() for crowd in crowds))
        finished.set()

    async with open_database(database_url) as db, asyncio.TaskGroup() as group:
        readers = [Reader(db, crowd.actor.user_id) for crowd in crowds]
        for reader in readers:
            group.create_task(reader.follow(finished))
        group.create_task(work())
    return readers


class TestFindSince:
    def test_returns_each_committed_change_once_and_in_order_while_many_write(
        self, database_url: str, ada: UUID
    ) -> None:
        crowd = Crowd(database_url, Actor(ada))
        [reader] = run(read_while_writing(database_url, [crowd]))
        assert [change.seq for change in reader.seen] == list(range(1, len(crowd.committed) + 1))
        assert sorted(reader.titles) == sorted(crowd.committed)
        assert crowd.rolled_back
        assert not set(reader.titles) & set(crowd.rolled_back)
        assert reader.polls_while_writing > 1

    def test_returns_the_changes_of_a_transaction_next_to_each_other(self, database_url: str, ada: UUID) -> None:
        [reader] = run(read_while_writing(database_url, [Crowd(database_url, Actor(ada))]))
        together = [title for title in reader.titles if title.startswith("together")]
        assert together[::2] == together[1::2]
        places = {title: [at for at, other in enumerate(reader.titles) if other == title] for title in together}
        assert all(second == first + 1 for first, second in places.values())

    def test_a_change_that_commits_late_is_not_skipped(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> tuple[list[str], list[str]]:
            async with open_database(database_url) as db:
                async with db.transaction() as transaction:
                    await operations.add(transaction, Actor(ada), TodoCreate(title="Late"))
                    early = asyncio.create_task(operations.add(db, Actor(ada), TodoCreate(title="Early")))
                    await asyncio.sleep(0.2)
                    meanwhile = Reader(db, ada, (await changes.find_since(db, ada, 0, limit=9)).changes).titles
                await early
                return meanwhile, Reader(db, ada, (await changes.find_since(db, ada, 0, limit=9)).changes).titles

        assert run(scenario()) == ([], ["Late", "Early"])

    def test_returns_only_the_users_own_changes_while_several_users_write(self, database_url: str) -> None:
        crowds = [Crowd(database_url, Actor(add_user(database_url)), rounds=4) for _ in range(4)]
        readers = run(read_while_writing(database_url, crowds))
        for crowd, reader in zip(crowds, readers, strict=True):
            assert [change.seq for change in reader.seen] == list(range(1, len(crowd.committed) + 1))
            assert sorted(reader.titles) == sorted(crowd.committed)

    def test_a_late_commit_does_not_delay_other_users(self, database_url: str, ada: UUID) -> None:
        bob = add_user(database_url)

        async def scenario() -> None:
            async with open_database(database_url) as db, db.transaction() as transaction:
                await changes.lock_log(transaction, ada)
                async with asyncio.timeout(2):
                    await operations.add(db, Actor(bob), TodoCreate(title="Bob's"))

        run(scenario())


class TestDeadlocks:
    def test_single_writes_and_transactions_of_several_writes_do_not_deadlock(
        self, database_url: str, ada: UUID
    ) -> None:
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
                new = TodoUpdate(title=f"Several {chance.random()}")  # another title, or nothing would change
                async with db.transaction() as transaction:
                    await changes.lock_log(transaction, ada)
                    for todo_id in chance.sample(ids, len(ids)):
                        await operations.restore(transaction, actor, todo_id)
                        await operations.update(transaction, actor, todo_id, new)

        async def scenario() -> None:
            async with open_database(database_url, pool_size=8) as db:
                ids = [(await operations.add(db, actor, TodoCreate(title=title))).id for title in "abc"]
                async with asyncio.TaskGroup() as group:
                    for _ in range(4):
                        group.create_task(write_singly(db, ids))
                        group.create_task(write_several(db, ids))

        run(scenario())
        numbers = [row["seq"] for row in postgres.query(database_url, SELECT_SEQUENCE_NUMBERS, ada)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 4 * 20 * 3
