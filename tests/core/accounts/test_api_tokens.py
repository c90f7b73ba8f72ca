"""API tokens: their form, how rarely the database is asked and written, and what a process remembers of them."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from tests import postgres
from tests.core.accounts.test_sessions import RecordingDatabase
from tests.core.databases import add_user, open_database, run
from todo_core.accounts import api_tokens
from todo_core.accounts.api_tokens import CreatedApiToken, TokenMemory, hash_token
from todo_core.database.executor import Database
from todo_core.errors import InvalidToken, NotAuthenticated, QuotaExceeded
from todo_core.identifiers import new_id

EXPIRE = "UPDATE api_tokens SET expires_at = now() - interval '1 second' WHERE user_id = $1"
TOGETHER = 10
MANY = 10_000


async def create(db: Database, user_id: UUID, *, quota: int = 50) -> CreatedApiToken:
    return await api_tokens.create(db, user_id, name="Backup", scopes=["chat"], expires_at=None, quota=quota)


def hash_of(token: CreatedApiToken) -> bytes:
    digest = hash_token(token.token)
    assert digest is not None
    return digest


def record(database_url: str, scenario: Callable[[RecordingDatabase], Awaitable[None]]) -> list[str]:
    """Runs a scenario. Returns the first words of the statements that `fetch_one` ran."""

    async def play() -> list[str]:
        db = RecordingDatabase(database_url)
        try:
            await scenario(db)
        finally:
            await db.close()
        return [statement.split()[0] for statement in db.statements]

    return asyncio.run(play())


class TestForm:
    def test_a_token_of_the_first_release_stays_valid(self) -> None:
        token = f"todo_pat_{34 * 'x'}1XAvCd"

        assert hash_token(token) is not None
        assert hash_token(f"{token[:-1]}e") is None

    def test_the_text_of_a_token_is_not_in_its_representation(self, database_url: str) -> None:
        user_id = add_user(database_url)

        async def make() -> CreatedApiToken:
            async with open_database(database_url) as db:
                return await create(db, user_id)

        token = run(make())
        assert token.token not in repr(token)


class TestCreate:
    def test_concurrent_processes_do_not_pass_the_quota(self, database_url: str) -> None:
        user_id = add_user(database_url)

        async def make_one() -> bool:
            async with open_database(database_url) as db:
                try:
                    await create(db, user_id, quota=3)
                except QuotaExceeded:
                    return False
                return True

        async def make_all() -> list[bool]:
            return await asyncio.gather(*(make_one() for _ in range(TOGETHER)))

        assert sum(run(make_all())) == 3

    def test_a_closed_account_gets_no_token(self, database_url: str) -> None:
        async def make() -> None:
            async with open_database(database_url) as db:
                with pytest.raises(NotAuthenticated):
                    await create(db, new_id())

        run(make())

    def test_expired_tokens_of_the_user_are_deleted(self, database_url: str) -> None:
        ada, bob = add_user(database_url), add_user(database_url)

        async def make(user_id: UUID) -> None:
            async with open_database(database_url) as db:
                await create(db, user_id)

        for user_id in (ada, bob):
            run(make(user_id))
            postgres.query(database_url, EXPIRE, user_id)
        run(make(ada))
        rows = postgres.query(database_url, "SELECT user_id FROM api_tokens WHERE user_id = ANY($1)", [ada, bob])
        assert sorted(row["user_id"] for row in rows) == sorted([ada, bob])


class TestFetchUser:
    def test_only_the_first_use_in_an_hour_is_written(self, database_url: str) -> None:
        user_id = add_user(database_url)

        async def use_three_times(db: RecordingDatabase) -> None:
            token = await create(db, user_id)
            for memory in (TokenMemory(), TokenMemory(), TokenMemory()):
                await api_tokens.fetch_user(db, memory, hash_of(token))

        assert record(database_url, use_three_times) == ["SELECT", "UPDATE", "SELECT", "SELECT"]

    def test_a_refused_token_costs_one_statement(self, database_url: str) -> None:
        async def send_an_unknown_token(db: RecordingDatabase) -> None:
            memory = TokenMemory()
            for _ in range(3):
                with pytest.raises(InvalidToken):
                    await api_tokens.fetch_user(db, memory, b"unknown")

        assert record(database_url, send_an_unknown_token) == ["SELECT"]

    def test_the_owner_of_a_token_is_remembered_until_it_is_refused(self, database_url: str) -> None:
        user_id = add_user(database_url)

        async def use_and_revoke(db: RecordingDatabase) -> None:
            token, memory = await create(db, user_id), TokenMemory()
            assert memory.find_owner(hash_of(token)) is None
            await api_tokens.fetch_user(db, memory, hash_of(token))
            assert memory.find_owner(hash_of(token)) == user_id
            await api_tokens.delete(db, user_id, token.id)
            with pytest.raises(InvalidToken):
                await api_tokens.fetch_user(db, memory, hash_of(token))
            assert memory.find_owner(hash_of(token)) is None

        record(database_url, use_and_revoke)


class TestMemory:
    def test_it_is_bounded(self) -> None:
        memory = TokenMemory()
        for number in range(MANY):
            memory.note_owner(b"valid %d" % number, new_id())
            memory.note_refusal(b"refused %d" % number)

        assert len(memory) < MANY
