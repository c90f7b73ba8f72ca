"""The cut of the change log: old changes are removed, and readers who missed them are told."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from tests import postgres
from tests.core.databases import add_user, open_database, run
from todo_core.actors import Actor
from todo_core.limits import Retention
from todo_core.todos import changes, log_cut, operations
from todo_core.todos.errors import ChangesExpired
from todo_core.todos.model import TodoCreate, TodoUpdate

ADD = """
    INSERT INTO todos (id, user_id, title, "order", tags)
    SELECT gen_random_uuid(), $1, 'Todo', number, '{home}' FROM generate_series(1, $2::integer) AS number
"""
AGE = "UPDATE changes SET created_at = now() - interval '91 days' WHERE user_id = $1 AND seq <= $2"
AGE_LOG = "UPDATE account_usage SET log_begins_at = now() - interval '92 days' WHERE user_id = $1"
SELECT_NUMBERS = "SELECT seq FROM changes WHERE user_id = $1 ORDER BY seq"
SELECT_BYTES = """
    SELECT stored_bytes, (SELECT sum(todo_bytes(title, description, tags)) FROM todos WHERE user_id = $1)
        + (SELECT sum(snapshot_bytes(before) + snapshot_bytes(after)) FROM change_log WHERE user_id = $1) AS counted
    FROM account_usage WHERE user_id = $1
"""


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """The URL of a new database for each test, because the cut removes old changes of all users."""
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture
def ada(database_url: str) -> UUID:
    return add_user(database_url)


def fill_log(database_url: str, user_id: UUID, number: int, *, old: int) -> None:
    postgres.query(database_url, ADD, user_id, number)
    postgres.query(database_url, AGE, user_id, old)
    postgres.query(database_url, AGE_LOG, user_id)


def cut(database_url: str, *, limit: int = 500, days: int = 90) -> list[int]:
    """Cuts all logs and returns the numbers of changes that the chunks removed."""

    async def scenario() -> list[int]:
        async with open_database(database_url) as db:
            chunks = []
            while removed := await log_cut.delete_old(db, limit=limit, retention=Retention(change_log_days=days)):
                chunks.append(removed)
            return chunks

    return run(scenario())


def read_numbers(database_url: str, user_id: UUID) -> list[int]:
    return [number for (number,) in postgres.query(database_url, SELECT_NUMBERS, user_id)]


class TestCut:
    def test_removes_old_changes_in_chunks(self, database_url: str, ada: UUID) -> None:
        fill_log(database_url, ada, 12, old=9)
        assert cut(database_url, limit=4) == [4, 4, 1]
        assert read_numbers(database_url, ada) == [10, 11, 12]

    def test_keeps_the_latest_change(self, database_url: str, ada: UUID) -> None:
        fill_log(database_url, ada, 3, old=3)
        assert cut(database_url) == [2]
        assert read_numbers(database_url, ada) == [3]

    def test_keeps_changes_as_long_as_the_setting_says(self, database_url: str, ada: UUID) -> None:
        fill_log(database_url, ada, 3, old=2)
        assert cut(database_url, days=200) == []
        assert cut(database_url) == [2]

    def test_reaches_every_user(self, database_url: str, ada: UUID) -> None:
        bob = add_user(database_url)
        for user_id in (ada, bob):
            fill_log(database_url, user_id, 3, old=2)
        assert cut(database_url) == [2, 2]

    def test_reduces_the_stored_bytes(self, database_url: str, ada: UUID) -> None:
        fill_log(database_url, ada, 5, old=4)
        cut(database_url)
        [row] = postgres.query(database_url, SELECT_BYTES, ada)
        assert row["stored_bytes"] == row["counted"]

    def test_later_changes_continue_the_numbers(self, database_url: str, ada: UUID) -> None:
        fill_log(database_url, ada, 3, old=3)
        cut(database_url)
        postgres.query(database_url, ADD, ada, 1)
        assert read_numbers(database_url, ada) == [3, 4]


class TestReaders:
    def test_a_reader_who_missed_cut_changes_learns_where_to_continue(self, database_url: str, ada: UUID) -> None:
        fill_log(database_url, ada, 6, old=4)
        cut(database_url)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                for since in (0, 3):
                    with pytest.raises(ChangesExpired) as expired:
                        await changes.find_since(db, ada, since, limit=10)
                    assert expired.value.members == {"since": 4}
                for since in (4, 5, 6):
                    page = await changes.find_since(db, ada, since, limit=10)
                    assert [change.seq for change in page.changes] == list(range(since + 1, 7))

        run(scenario())

    def test_a_turn_whose_changes_were_cut_has_nothing_to_undo(self, database_url: str, ada: UUID) -> None:
        turn_id = uuid4()

        async def change() -> None:
            async with open_database(database_url) as db:
                todo = await operations.add(db, Actor(ada), TodoCreate(title="Milk"))
                await operations.update(db, Actor(ada, "assistant", turn_id), todo.id, TodoUpdate(title="Oat"))

        async def undo() -> list[UUID]:
            async with open_database(database_url) as db, db.transaction() as transaction:
                return list(await changes.undo_turn(transaction, Actor(ada), turn_id))

        run(change())
        fill_log(database_url, ada, 1, old=2)
        assert cut(database_url) == [2]
        assert run(undo()) == []
