"""Work that is done once under a key, without HTTP."""

import asyncio
import time
from uuid import UUID

import pytest

from tests import postgres
from tests.core.databases import add_user, connect, open_database, run
from todo_core.actors import Actor
from todo_core.database.executor import Transaction
from todo_core.database.idempotency import Answer, KeyedRequest, Work, delete_expired, run_once
from todo_core.errors import DatabaseUnavailable, IdempotencyKeyReused, RequestInProgress
from todo_core.todos import changes, operations
from todo_core.todos.errors import TodoNotFound
from todo_core.todos.model import TodoCreate

TITLES = "SELECT title FROM todos WHERE user_id = $1 ORDER BY title"
KEYS = "SELECT key FROM idempotency_keys WHERE user_id = $1 ORDER BY key"
EXPIRE = "UPDATE idempotency_keys SET expires_at = now() WHERE user_id = $1 AND key = ANY($2::text[])"


def asked(user_id: UUID, key: str = "key", *, route: str = "POST /todos", digest: bytes = b"milk") -> KeyedRequest:
    return KeyedRequest(user_id, route, key, digest)


def adding(user_id: UUID, title: str = "Milk") -> Work:
    async def work(transaction: Transaction) -> Answer:
        await operations.add(transaction, Actor(user_id), TodoCreate(title=title))
        return Answer(201, title.encode(), {"Location": title})

    return work


@pytest.fixture
def ada(database_url: str) -> UUID:
    return add_user(database_url)


def titles(database_url: str, user_id: UUID) -> list[str]:
    return [row["title"] for row in postgres.query(database_url, TITLES, user_id)]


def keys(database_url: str, user_id: UUID) -> list[str]:
    return [row["key"] for row in postgres.query(database_url, KEYS, user_id)]


async def expire(database_url: str, user_id: UUID, *expired: str) -> None:
    async with connect(database_url) as connection:
        await connection.execute(EXPIRE, user_id, expired)


class TestOnce:
    def test_the_work_is_done_once_and_its_answer_stored(self, database_url: str, ada: UUID) -> None:
        async def scene() -> list[Answer]:
            async with open_database(database_url) as db:
                return [await run_once(db, asked(ada), adding(ada, title)) for title in ("Milk", "Bread")]

        assert run(scene()) == [
            Answer(201, b"Milk", {"Location": "Milk"}),
            Answer(201, b"Milk", {"Location": "Milk"}, replayed=True),
        ]
        assert titles(database_url, ada) == ["Milk"]

    def test_a_key_counts_for_one_route(self, database_url: str, ada: UUID) -> None:
        async def scene() -> None:
            async with open_database(database_url) as db:
                await run_once(db, asked(ada, route="POST /todos"), adding(ada, "Milk"))
                await run_once(db, asked(ada, route="POST /projects", digest=b"other"), adding(ada, "Bread"))

        run(scene())
        assert titles(database_url, ada) == ["Bread", "Milk"]

    def test_what_the_work_raises_leaves_the_key_free(self, database_url: str, ada: UUID) -> None:
        async def fail(transaction: Transaction) -> Answer:
            await adding(ada, "Half done")(transaction)
            raise TodoNotFound

        async def scene() -> None:
            async with open_database(database_url) as db:
                with pytest.raises(TodoNotFound):
                    await run_once(db, asked(ada), fail)
                await run_once(db, asked(ada, digest=b"other"), adding(ada))

        run(scene())
        assert titles(database_url, ada) == ["Milk"]

    def test_an_expired_key_is_free_again(self, database_url: str, ada: UUID) -> None:
        async def scene() -> None:
            async with open_database(database_url) as db:
                await run_once(db, asked(ada), adding(ada))
                await expire(database_url, ada, "key")
                await run_once(db, asked(ada, digest=b"bread"), adding(ada, "Bread"))
                with pytest.raises(IdempotencyKeyReused):
                    await run_once(db, asked(ada), adding(ada))

        run(scene())
        assert titles(database_url, ada) == ["Bread", "Milk"]


class TestAtOnce:
    def test_those_who_find_an_expired_key_do_the_work_once(self, database_url: str, ada: UUID) -> None:
        async def scene() -> list[Answer]:
            async with open_database(database_url, pool_size=8) as db:
                await run_once(db, asked(ada), adding(ada, "Yesterday"))
                await expire(database_url, ada, "key")
                return await asyncio.gather(*(run_once(db, asked(ada), adding(ada, "Today")) for _ in range(20)))

        answers = run(scene())
        assert {answer.body for answer in answers} == {b"Today"}
        assert [answer.replayed for answer in answers].count(False) == 1
        assert titles(database_url, ada) == ["Today", "Yesterday"]

    def test_a_repeat_does_the_work_when_the_first_one_fails_meanwhile(self, database_url: str, ada: UUID) -> None:
        waiting = asyncio.Event()

        async def fail(transaction: Transaction) -> Answer:
            await adding(ada, "Half done")(transaction)
            await waiting.wait()
            raise TodoNotFound

        async def scene() -> Answer:
            async with open_database(database_url) as db:
                first = asyncio.create_task(run_once(db, asked(ada), fail))
                await asyncio.sleep(0.2)
                second = asyncio.create_task(run_once(db, asked(ada), adding(ada)))
                await asyncio.sleep(0.2)
                waiting.set()
                with pytest.raises(TodoNotFound):
                    await first
                return await second

        assert not run(scene()).replayed
        assert titles(database_url, ada) == ["Milk"]

    def test_a_first_request_that_takes_too_long_is_told_as_in_progress(self, database_url: str, ada: UUID) -> None:
        begun, goes_on = asyncio.Event(), asyncio.Event()

        async def wait_and_add(transaction: Transaction) -> Answer:
            begun.set()
            await goes_on.wait()
            return await adding(ada)(transaction)

        async def scene() -> float:
            async with open_database(database_url) as db:
                first = asyncio.create_task(run_once(db, asked(ada), wait_and_add))
                await begun.wait()
                started = time.monotonic()
                with pytest.raises(RequestInProgress) as refused:
                    await run_once(db, asked(ada), adding(ada, "Twice"))
                seconds = time.monotonic() - started
                assert refused.value.retry_after == 1
                # Whoever comes with another key does not wait.
                await run_once(db, asked(ada, "another"), adding(ada, "Bread"))
                goes_on.set()
                await first
                return seconds

        assert 4.5 < run(scene()) < 10
        assert titles(database_url, ada) == ["Bread", "Milk"]

    def test_work_that_has_to_wait_too_long_for_the_users_other_changes_is_put_off(
        self, database_url: str, ada: UUID
    ) -> None:
        async def scene() -> None:
            async with open_database(database_url) as db, db.transaction() as other:
                await changes.lock_log(other, ada)
                with pytest.raises(DatabaseUnavailable):
                    await run_once(db, asked(ada), adding(ada))

        run(scene())
        assert keys(database_url, ada) == []


class TestSweep:
    def test_forgets_what_has_expired_so_many_at_a_time(self, database_url: str, ada: UUID) -> None:
        async def scene() -> list[int]:
            async with open_database(database_url) as db:
                for number in range(6):
                    await run_once(db, asked(ada, f"key {number}"), adding(ada))
                await expire(database_url, ada, *(f"key {number}" for number in range(5)))
                swept = [await delete_expired(db, limit=2)]
                while swept[-1]:
                    swept.append(await delete_expired(db, limit=2))
                return swept

        swept = run(scene())
        assert keys(database_url, ada) == ["key 5"]
        assert max(swept) == 2
        assert sum(swept) >= 5
