"""Sessions: opening one, how rarely `last_seen_at` is updated, and pages of the list."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests import postgres
from todo_core.accounts import sessions
from todo_core.accounts.errors import InvalidCredentials
from todo_core.accounts.sessions import LAST_SEEN_INTERVAL_SECONDS, Session, SessionUpdates
from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.errors import NotAuthenticated
from todo_core.identifiers import new_id
from todo_core.settings import SessionSettings

SIGN_UP = """
INSERT INTO users (id, email, email_key, password_hash, timezone)
SELECT id, id::text, id::text, 'a hash', 'UTC' FROM CAST($1 AS uuid) AS id
"""
WEEK = SessionSettings()
"""The default settings: a session lives for a week without use, and for 90 days at most."""

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


async def sign_in(db: Database, user_id: UUID, *, max_sessions: int = 100, settings: SessionSettings = WEEK) -> UUID:
    opened = await sessions.open_session(db, settings, user_id, password_hash="a hash", user_agent=None)
    await sessions.close_surplus(db, user_id, max_sessions=max_sessions)
    return opened.id


async def list_ids(db: Database, user_id: UUID) -> list[UUID]:
    """Returns the ids of the user's sessions, newest first."""
    found = await sessions.list_page(db, user_id, max_lifetime=WEEK.max_lifetime, limit=200)
    return [session.id for session in found]


async def fetch_user(db: Database, last_seen: SessionUpdates, user_id: UUID, session_id: UUID) -> None:
    await sessions.fetch_user(db, last_seen, WEEK.max_lifetime, user_id, session_id)


class TestOpenSession:
    def test_fails_when_the_password_hash_has_changed(self, database_url: str) -> None:
        async def open_with_an_old_hash(db: Database, user_id: UUID) -> None:
            with pytest.raises(InvalidCredentials):
                await sessions.open_session(db, WEEK, user_id, password_hash="an old hash", user_agent=None)
            assert await list_ids(db, user_id) == []

        run(database_url, open_with_an_old_hash)

    def test_fails_without_an_account(self, database_url: str) -> None:
        async def open_without_account(db: Database, _: UUID) -> None:
            with pytest.raises(InvalidCredentials):
                await sign_in(db, uuid4())

        run(database_url, open_without_account)


class TestMaximum:
    """The maximum number of sessions of an account. A login beyond it ends the oldest ones."""

    def test_a_login_beyond_the_maximum_ends_the_oldest_session(self, database_url: str) -> None:
        async def sign_in_repeatedly(db: Database, user_id: UUID) -> None:
            opened = [await sign_in(db, user_id, max_sessions=3) for _ in range(5)]

            assert await list_ids(db, user_id) == opened[:1:-1]

        run(database_url, sign_in_repeatedly)

    def test_concurrent_logins_do_not_exceed_it(self, database_url: str) -> None:
        async def sign_in_concurrently(db: Database, user_id: UUID) -> None:
            await asyncio.gather(*(sign_in(db, user_id, max_sessions=3) for _ in range(30)))

            assert len(await list_ids(db, user_id)) == 3

        run(database_url, sign_in_concurrently)

    def test_expired_sessions_do_not_count(self, database_url: str) -> None:
        async def sign_in_after_expiry(db: Database, user_id: UUID) -> None:
            live = await sign_in(db, user_id)
            await sign_in(db, user_id)
            expire = "UPDATE sessions SET expires_at = now() WHERE user_id = $1 AND id <> $2"
            await asyncio.to_thread(postgres.query, database_url, expire, user_id, live)
            newest = await sign_in(db, user_id, max_sessions=2)

            assert await list_ids(db, user_id) == [newest, live]

        run(database_url, sign_in_after_expiry)


class TestAbsoluteEnd:
    SHORT = SessionSettings(session_seconds=3600, session_max_seconds=5400)

    def age(self, database_url: str, session_id: UUID, seconds: int) -> None:
        """Moves the login and the expiry of a session into the past."""
        postgres.query(
            database_url,
            "UPDATE sessions SET created_at = now() - make_interval(secs => $2), expires_at = now() + interval '1 hour'"
            " WHERE id = $1",
            session_id,
            seconds,
        )

    def test_a_renewal_does_not_pass_it(self, database_url: str) -> None:
        async def renew_late(db: Database, user_id: UUID) -> None:
            session_id = await sign_in(db, user_id, settings=self.SHORT)
            await asyncio.to_thread(self.age, database_url, session_id, 5000)
            renewed = await sessions.renew(db, self.SHORT, user_id, session_id)

            assert renewed is not None
            assert timedelta(seconds=380) < renewed.remaining <= timedelta(seconds=400)

        run(database_url, renew_late)

    def test_a_renewal_before_it_adds_the_whole_lifetime(self, database_url: str) -> None:
        async def renew_early(db: Database, user_id: UUID) -> None:
            session_id = await sign_in(db, user_id, settings=self.SHORT)
            renewed = await sessions.renew(db, self.SHORT, user_id, session_id)

            assert renewed == sessions.OpenSession(session_id, timedelta(seconds=3600))

        run(database_url, renew_early)

    def test_a_session_is_refused_after_it(self, database_url: str) -> None:
        async def use_after_the_end(db: Database, user_id: UUID) -> None:
            session_id = await sign_in(db, user_id, settings=self.SHORT)
            await asyncio.to_thread(self.age, database_url, session_id, 5401)
            last_seen = SessionUpdates(LAST_SEEN_INTERVAL_SECONDS)
            for _ in range(2):
                with pytest.raises(NotAuthenticated):
                    await sessions.fetch_user(db, last_seen, self.SHORT.max_lifetime, user_id, session_id)
                last_seen.note_update(session_id)
            assert await sessions.renew(db, self.SHORT, user_id, session_id) is None
            assert await sessions.list_page(db, user_id, max_lifetime=self.SHORT.max_lifetime, limit=9) == []

        run(database_url, use_after_the_end)

    def test_a_login_does_not_pass_it(self, database_url: str) -> None:
        settings = SessionSettings(session_seconds=3600, session_max_seconds=60)

        async def sign_in_for_a_minute(db: Database, user_id: UUID) -> None:
            opened = await sessions.open_session(db, settings, user_id, password_hash="a hash", user_agent=None)
            assert opened.remaining == timedelta(seconds=60)

        run(database_url, sign_in_for_a_minute)


class TestRenew:
    @pytest.mark.parametrize("end", ["DELETE FROM sessions", "UPDATE sessions SET expires_at = now()"])
    def test_an_ended_session_stays_ended(self, database_url: str, end: str) -> None:
        async def renew_after_the_end(db: Database, user_id: UUID) -> None:
            session_id = await sign_in(db, user_id)
            await asyncio.to_thread(postgres.query, database_url, f"{end} WHERE id = $1", session_id)

            assert await sessions.renew(db, WEEK, user_id, session_id) is None
            assert await list_ids(db, user_id) == []

        run(database_url, renew_after_the_end)

    def test_the_session_of_another_user_is_not_renewed(self, database_url: str) -> None:
        async def renew_as_another(db: Database, user_id: UUID) -> None:
            session_id = await sign_in(db, user_id)

            assert await sessions.renew(db, WEEK, uuid4(), session_id) is None

        run(database_url, renew_as_another)


class TestReplace:
    def test_only_the_new_id_is_accepted(self, database_url: str) -> None:
        async def replace(db: Database, user_id: UUID) -> None:
            old = await sign_in(db, user_id)
            new = await sessions.replace(db, WEEK, user_id, old)

            assert await list_ids(db, user_id) == [new.id]
            assert new.id != old

        run(database_url, replace)

    def test_the_login_keeps_its_time(self, database_url: str) -> None:
        async def replace_an_old_session(db: Database, user_id: UUID) -> None:
            old = await sign_in(db, user_id)
            age = "UPDATE sessions SET created_at = now() - interval '89 days' WHERE id = $1"
            await asyncio.to_thread(postgres.query, database_url, age, old)
            new = await sessions.replace(db, WEEK, user_id, old)
            (found,) = await sessions.list_page(db, user_id, max_lifetime=WEEK.max_lifetime, limit=9)

            assert timedelta(days=88) < datetime.now(UTC) - found.created_at < timedelta(days=90)
            assert new.remaining < timedelta(days=1, minutes=1)

        run(database_url, replace_an_old_session)


class TestLastSeen:
    def test_a_process_updates_it_at_the_first_request_only(self, database_url: str) -> None:
        last_seen = SessionUpdates(LAST_SEEN_INTERVAL_SECONDS)

        async def fetch_five_times(db: Database, user_id: UUID) -> None:
            session_id = await sign_in(db, user_id)
            for _ in range(5):
                await fetch_user(db, last_seen, user_id, session_id)

        statements = run(database_url, fetch_five_times)

        assert ["UPDATE" in sql for sql in statements] == [True, False, False, False, False]

    def test_a_cached_session_that_has_ended_has_no_user(self, database_url: str) -> None:
        last_seen = SessionUpdates(LAST_SEEN_INTERVAL_SECONDS)

        async def fetch_after_the_end(db: Database, user_id: UUID) -> None:
            session_id = await sign_in(db, user_id)
            await fetch_user(db, last_seen, user_id, session_id)
            await sessions.close(db, user_id, session_id)
            with pytest.raises(NotAuthenticated):
                await fetch_user(db, last_seen, user_id, session_id)

        run(database_url, fetch_after_the_end)

    def test_the_cache_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sessions, "_MAX_CACHED_SESSIONS", 2)
        last_seen = SessionUpdates(LAST_SEEN_INTERVAL_SECONDS)

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
                db,
                user_id,
                max_lifetime=WEEK.max_lifetime,
                limit=3,
                after=(found[-1].created_at, found[-1].id) if found else None,
            ):
                found += page
            assert [session.id for session in found] == sorted(opened, reverse=True)

        run(database_url, sign_in_and_read)
