"""Where an account is signed in, and what noting that a session was seen costs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests import postgres
from todo_core.accounts import sessions
from todo_core.accounts.errors import InvalidCredentials
from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.errors import NotAuthenticated
from todo_core.identifiers import new_id

SIGN_UP = """
INSERT INTO users (id, email, email_key, password_hash, timezone)
SELECT id, id::text, id::text, 'a hash', 'UTC' FROM CAST($1 AS uuid) AS id
"""
WEEK = timedelta(days=7)

type Scenario = Callable[[Database, UUID], Awaitable[None]]


class Watched(Database):
    """Keeps the statements that it was asked to run."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[str] = []

    async def fetch_one(self, statement: Statement, **values: object) -> asyncpg.Record | None:
        self.asked.append(statement.sql)
        return await super().fetch_one(statement, **values)


def run(database_url: str, scenario: Scenario) -> list[str]:
    """Plays a scenario with a new user, and gives the statements that it asked the database for."""
    user_id = new_id()
    postgres.query(database_url, SIGN_UP, user_id)

    async def play() -> list[str]:
        db = Watched(database_url)
        try:
            await scenario(db, user_id)
        finally:
            await db.close()
        return db.asked

    return asyncio.run(play())


async def sign_in(db: Database, user_id: UUID) -> UUID:
    return await sessions.open_session(db, user_id, WEEK, password_hash="a hash", user_agent=None)


class TestOpening:
    def test_needs_the_hash_that_the_account_has(self, database_url: str) -> None:
        async def sign_in_after_a_change(db: Database, user_id: UUID) -> None:
            with pytest.raises(InvalidCredentials):
                await sessions.open_session(db, user_id, WEEK, password_hash="the one before", user_agent=None)
            assert await sessions.list_page(db, user_id, limit=9) == []

        run(database_url, sign_in_after_a_change)

    def test_needs_an_account(self, database_url: str) -> None:
        async def sign_in_to_nothing(db: Database, _: UUID) -> None:
            with pytest.raises(InvalidCredentials):
                await sign_in(db, uuid4())

        run(database_url, sign_in_to_nothing)


class TestBeingSeen:
    def test_is_looked_after_once_by_a_process_and_then_costs_nothing(self, database_url: str) -> None:
        async def ask_often(db: Database, user_id: UUID) -> None:
            session_id = await sign_in(db, user_id)
            for _ in range(5):
                await sessions.user_of(db, user_id, session_id)

        asked = run(database_url, ask_often)

        assert ["UPDATE" in sql for sql in asked] == [True, False, False, False, False]

    def test_of_a_session_that_has_ended_is_none(self, database_url: str) -> None:
        async def ask_after_the_end(db: Database, user_id: UUID) -> None:
            session_id = await sign_in(db, user_id)
            await sessions.user_of(db, user_id, session_id)
            await sessions.close(db, user_id, session_id)
            with pytest.raises(NotAuthenticated):
                await sessions.user_of(db, user_id, session_id)

        run(database_url, ask_after_the_end)

    def test_is_remembered_of_a_bounded_number_of_sessions(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sessions, "_MOST_SIGHTINGS", 2)

        async def ask_by_many(db: Database, user_id: UUID) -> None:
            for session_id in [await sign_in(db, user_id) for _ in range(7)]:
                await sessions.user_of(db, user_id, session_id)

        run(database_url, ask_by_many)

        assert len(sessions._seen) <= 2  # noqa: SLF001


class TestPages:
    def test_follow_each_other_where_many_signed_in_at_once(self, database_url: str) -> None:
        async def sign_in_and_read(db: Database, user_id: UUID) -> None:
            made = {await sign_in(db, user_id) for _ in range(7)}
            at_once = "UPDATE sessions SET created_at = '2030-01-01 00:00Z' WHERE user_id = $1"
            await asyncio.to_thread(postgres.query, database_url, at_once, user_id)
            found: list[sessions.Session] = []
            while page := await sessions.list_page(
                db, user_id, limit=3, after=(found[-1].created_at, found[-1].id) if found else None
            ):
                found += page
            assert [session.id for session in found] == sorted(made, reverse=True)

        run(database_url, sign_in_and_read)
