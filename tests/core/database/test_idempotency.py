"""Work takes effect once per idempotency key. The tests call `run_once` without HTTP."""

import asyncio
import time
from copy import replace
from uuid import UUID

import pytest

from tests import postgres
from tests.core.databases import add_user, connect, open_database, run
from todo_core.actors import Actor
from todo_core.database.executor import Database, Transaction
from todo_core.database.idempotency import KeyedRequest, StoredResponse, Work, delete_expired, run_once
from todo_core.database.statements import Statement
from todo_core.errors import IdempotencyKeyReused, QuotaExceeded, RateLimited, RequestInProgress
from todo_core.todos import changes, operations
from todo_core.todos.errors import TodoNotFound
from todo_core.todos.model import TodoCreate

TITLES = "SELECT title FROM todos WHERE user_id = $1 ORDER BY title"
KEYS = "SELECT key FROM idempotency_keys WHERE user_id = $1 ORDER BY key"
EXPIRE = "UPDATE idempotency_keys SET expires_at = now() WHERE user_id = $1 AND key = ANY($2::text[])"


def keyed_request(
    user_id: UUID, key: str = "key", *, route: str = "POST /todos", digest: bytes = b"milk"
) -> KeyedRequest:
    return KeyedRequest(user_id, route, key, digest)


def add_todo(user_id: UUID, title: str = "Milk") -> Work:
    async def work(transaction: Transaction) -> StoredResponse:
        await operations.add(transaction, Actor(user_id), TodoCreate(title=title))
        return StoredResponse(201, title.encode(), {"Location": title})

    return work


def answer(body: str) -> Work:
    async def work(_transaction: Transaction) -> StoredResponse:
        return StoredResponse(201, body.encode())

    return work


async def stored_bytes(db: Database, user_id: UUID) -> int:
    row = await db.fetch_one(Statement("SELECT stored_bytes FROM account_usage WHERE user_id = :id"), id=user_id)
    assert row is not None
    return int(row[0])


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


class TestRunOnce:
    def test_the_work_runs_once_and_its_response_is_stored(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> list[StoredResponse]:
            async with open_database(database_url) as db:
                return [await run_once(db, keyed_request(ada), add_todo(ada, title)) for title in ("Milk", "Bread")]

        assert run(scenario()) == [
            StoredResponse(201, b"Milk", {"Location": "Milk"}),
            StoredResponse(201, b"Milk", {"Location": "Milk"}, replayed=True),
        ]
        assert titles(database_url, ada) == ["Milk"]

    def test_each_route_has_its_own_keys(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> None:
            async with open_database(database_url) as db:
                await run_once(db, keyed_request(ada, route="POST /todos"), add_todo(ada, "Milk"))
                await run_once(db, keyed_request(ada, route="POST /projects", digest=b"other"), add_todo(ada, "Bread"))

        run(scenario())
        assert titles(database_url, ada) == ["Bread", "Milk"]

    def test_the_key_stays_free_when_the_work_raises(self, database_url: str, ada: UUID) -> None:
        async def fail(transaction: Transaction) -> StoredResponse:
            await add_todo(ada, "Half done")(transaction)
            raise TodoNotFound

        async def scenario() -> None:
            async with open_database(database_url) as db:
                with pytest.raises(TodoNotFound):
                    await run_once(db, keyed_request(ada), fail)
                await run_once(db, keyed_request(ada, digest=b"other"), add_todo(ada))

        run(scenario())
        assert titles(database_url, ada) == ["Milk"]

    def test_an_expired_key_may_be_used_again(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> None:
            async with open_database(database_url) as db:
                await run_once(db, keyed_request(ada), add_todo(ada))
                await expire(database_url, ada, "key")
                await run_once(db, keyed_request(ada, digest=b"bread"), add_todo(ada, "Bread"))
                with pytest.raises(IdempotencyKeyReused):
                    await run_once(db, keyed_request(ada), add_todo(ada))

        run(scenario())
        assert titles(database_url, ada) == ["Bread", "Milk"]


class TestConcurrentRequests:
    def test_requests_with_an_expired_key_run_the_work_once(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> list[StoredResponse]:
            async with open_database(database_url, pool_size=8) as db:
                await run_once(db, keyed_request(ada), add_todo(ada, "Yesterday"))
                await expire(database_url, ada, "key")
                return await asyncio.gather(
                    *(run_once(db, keyed_request(ada), add_todo(ada, "Today")) for _ in range(20))
                )

        answers = run(scenario())
        assert {answer.body for answer in answers} == {b"Today"}
        assert [answer.replayed for answer in answers].count(False) == 1
        assert titles(database_url, ada) == ["Today", "Yesterday"]

    def test_a_repeat_runs_the_work_when_the_first_request_fails_meanwhile(self, database_url: str, ada: UUID) -> None:
        waiting = asyncio.Event()

        async def fail(transaction: Transaction) -> StoredResponse:
            await add_todo(ada, "Half done")(transaction)
            await waiting.wait()
            raise TodoNotFound

        async def scenario() -> StoredResponse:
            async with open_database(database_url) as db:
                first = asyncio.create_task(run_once(db, keyed_request(ada), fail))
                await asyncio.sleep(0.2)
                second = asyncio.create_task(run_once(db, keyed_request(ada), add_todo(ada)))
                await asyncio.sleep(0.2)
                waiting.set()
                with pytest.raises(TodoNotFound):
                    await first
                return await second

        assert not run(scenario()).replayed
        assert titles(database_url, ada) == ["Milk"]

    def test_a_repeat_fails_when_the_first_request_takes_too_long(self, database_url: str, ada: UUID) -> None:
        started_work, may_continue = asyncio.Event(), asyncio.Event()

        async def wait_and_add(transaction: Transaction) -> StoredResponse:
            started_work.set()
            await may_continue.wait()
            return await add_todo(ada)(transaction)

        async def scenario() -> float:
            async with open_database(database_url) as db:
                first = asyncio.create_task(run_once(db, keyed_request(ada), wait_and_add))
                await started_work.wait()
                started = time.monotonic()
                with pytest.raises(RequestInProgress) as refused:
                    await run_once(db, keyed_request(ada), add_todo(ada, "Twice"))
                seconds = time.monotonic() - started
                assert refused.value.retry_after == 1
                # A request with another key does not wait for the first request.
                await run_once(db, keyed_request(ada, "another"), add_todo(ada, "Bread"))
                may_continue.set()
                await first
                return seconds

        assert 4.5 < run(scenario()) < 10
        assert titles(database_url, ada) == ["Bread", "Milk"]

    def test_work_fails_when_another_change_of_the_user_takes_too_long(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> None:
            async with open_database(database_url) as db, db.transaction() as other:
                await changes.lock_log(other, ada)
                with pytest.raises(RateLimited):
                    await run_once(db, keyed_request(ada), add_todo(ada))

        run(scenario())
        assert keys(database_url, ada) == []


class TestDeleteExpired:
    def test_expired_keys_are_deleted_up_to_the_limit(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> list[int]:
            async with open_database(database_url) as db:
                for number in range(6):
                    await run_once(db, keyed_request(ada, f"key {number}"), add_todo(ada))
                await expire(database_url, ada, *(f"key {number}" for number in range(5)))
                deleted = [await delete_expired(db, limit=2)]
                while deleted[-1]:
                    deleted.append(await delete_expired(db, limit=2))
                return deleted

        deleted = run(scenario())
        assert keys(database_url, ada) == ["key 5"]
        assert max(deleted) == 2
        assert sum(deleted) >= 5

    def test_the_deletion_of_a_key_gives_its_bytes_back(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> list[int]:
            async with open_database(database_url) as db:
                figures = [await stored_bytes(db, ada)]
                for _ in range(2):
                    # The second round takes over the expired key.
                    await run_once(db, keyed_request(ada), answer("x" * 500))
                    figures.append(await stored_bytes(db, ada))
                    await expire(database_url, ada, "key")
                while await delete_expired(db, limit=2):
                    pass
                return [*figures, await stored_bytes(db, ada)]

        before, first, second, after = run(scenario())
        assert first == second > before + 500
        assert after == before

    def test_a_response_beyond_the_quota_of_bytes_undoes_the_work(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> None:
            async with open_database(database_url) as db:
                with pytest.raises(QuotaExceeded):
                    await run_once(db, replace(keyed_request(ada), max_stored_bytes=1_000), add_todo(ada))

        run(scenario())
        assert titles(database_url, ada) == []
        assert keys(database_url, ada) == []
