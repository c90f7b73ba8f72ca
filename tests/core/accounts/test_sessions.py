"""Sessions: opening one, how rarely `last_seen_at` is updated, and pages of the list."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests import postgres
from todo_core.accounts import sessions
from todo_core.accounts.errors import InvalidCredentials
from todo_core.accounts.sessions import LastSeenCache, Session
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


class RecordingDatabase(Database):
    """Database that records the SQL of the statements that `fetch_one` runs."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.statements: list[str] = []

    async def fetch_one(self, statement: Statement, **values: object) -> asyncpg.Record | None:
        self.statements.append(statement.sql)
        return await super().fetch_one(statement, **values)


def run(database_url: str, scenario: Scenario) -> list[str]:
    """Runs a scenario for a new user. Returns the SQL of the statements that `fetch_one` ran."""
    user_id = new_id()
    postgres.query(database_url, SIGN_UP, user_id)

    async def play() -> list[str]:
        db = RecordingDatabase(database_url)
        try:
            await scenario(db, user_id)
        finally:
            await db.close()
        return db.statements

    return asyncio.run(play())


async def sign_in(db: Database, user_id: UUID) -> UUID:
    return await sessions.open_session(db, user_id, WEEK, password_hash="a hash", user_agent=None)


class TestOpenSession:
    def test_fails_when_the_password_hash_has_changed(self, database_url: str) -> None:
        async def open_with_an_old_hash(db: Database, user_id: UUID) -> None:
            with pytest.raises(InvalidCredentials):
                await sessions.open_session(db, user_id, WEEK, password_hash="an old hash", user_agent=None)
            assert await sessions.list_page(db, user_id, limit=9) == []

        run(database_url, open_with_an_old_hash)

    def test_fails_without_an_account(self, database_url: str) -> None:
        async def open_without_account(db: Database, _: UUID) -> None:
            with pytest.raises(InvalidCredentials):
                await sign_in(db, uuid4())

        run(database_url, open_without_account)


class TestLastSeen:
    def test_a_process_updates_it_at_the_first_request_only(self, database_url: str) -> None:
        last_seen = LastSeenCache()

        async def fetch_five_times(db: Database, user_id: UUID) -> None:
            session_id = await sign_in(db, user_id)
            for _ in range(5):
                await sessions.fetch_user(db, last_seen, user_id, session_id)

        statements = run(database_url, fetch_five_times)

        assert ["UPDATE" in sql for sql in statements] == [True, False, False, False, False]

    def test_a_cached_session_that_has_ended_has_no_user(self, database_url: str) -> None:
        last_seen = LastSeenCache()

        async def fetch_after_the_end(db: Database, user_id: UUID) -> None:
            session_id = await sign_in(db, user_id)
            await sessions.fetch_user(db, last_seen, user_id, session_id)
            await sessions.close(db, user_id, session_id)
            with pytest.raises(NotAuthenticated):
                await sessions.fetch_user(db, last_seen, user_id, session_id)

        run(database_url, fetch_after_the_end)

    def test_the_cache_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sessions, "_MAX_CACHED_SESSIONS", 2)
        last_seen = LastSeenCache()

        for _ in range(7):
            last_seen.note_update(uuid4())

        assert len(last_seen) <= 2


class TestListPage:
    def test_sessions_created_at_the_same_time_are_each_on_one_page(self, database_url: str) -> None:
        async def sign_in_and_read(db: Database, user_id: UUID) -> None:
            opened = {await sign_in(db, user_id) for _ in range(7)}
            same_time = "UPDATE sessions SET created_at = '2030-01-01 00:00Z' WHERE user_id = $1"
            await asyncio.to_thread(postgres.query, database_url, same_time, user_id)
            found: list[Session] = []
            while page := await sessions.list_page(
                db, user_id, limit=3, after=(found[-1].created_at, found[-1].id) if found else None
            ):
                found += page
            assert [session.id for session in found] == sorted(opened, reverse=True)

        run(database_url, sign_in_and_read)
