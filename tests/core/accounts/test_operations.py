"""Signing in, and what a password allows, where several try at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from tests import postgres
from todo_core.accounts import operations, sessions
from todo_core.accounts.errors import InvalidCredentials, TooManyAttempts, WrongPassword
from todo_core.accounts.models import Credentials, Registration
from todo_core.accounts.operations import VerifiedPassword
from todo_core.accounts.passwords import PasswordHasher
from todo_core.database.executor import Database
from todo_core.errors import DatabaseUnavailable
from todo_core.settings import RateLimits

pytestmark = pytest.mark.pooler

PASSWORD = "correct horse battery staple"
LIMITS = RateLimits(
    failed_logins_per_account=3,
    failed_logins_per_address=5,
    registrations_per_address=1000,
    attempts_window_seconds=600,
)


class HeldPasswords(PasswordHasher):
    """Tells nobody whether a password fits until it is released."""

    def __init__(self, rounds: int = 4) -> None:
        super().__init__(rounds)
        self.asked = asyncio.Event()
        self.released = asyncio.Event()

    async def verify(self, password: str, stored_hash: str | None) -> tuple[bool, str | None]:
        self.asked.set()
        await self.released.wait()
        return await super().verify(password, stored_hash)


class Visitor:
    """Tries to sign in to an account of its own, from a network of its own."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.email = f"{uuid4().hex}@example.com"
        self.address = f"test-{uuid4().hex}"
        self.passwords = PasswordHasher(4)

    async def register(self) -> None:
        registration = Registration(email=self.email, password=SecretStr(PASSWORD))
        await operations.register(self._db, self.passwords, LIMITS, registration, address=self.address)

    async def sign_in(
        self, password: str = PASSWORD, *, passwords: PasswordHasher | None = None, email: str = ""
    ) -> VerifiedPassword:
        credentials = Credentials(email=email or self.email, password=SecretStr(password))
        return await operations.authenticate(
            self._db, passwords or self.passwords, LIMITS, credentials, address=self.address
        )

    async def open_session(self, verified: VerifiedPassword) -> UUID:
        return await sessions.open_session(
            self._db, verified.user.id, timedelta(days=7), password_hash=verified.password_hash, user_agent=None
        )

    async def change_password(self, verified: VerifiedPassword, new: str) -> None:
        await operations.change_password(self._db, self.passwords, verified, SecretStr(new), session_id=uuid4())

    async def close(self, verified: VerifiedPassword) -> None:
        await operations.close_account(self._db, verified)

    async def sessions(self, verified: VerifiedPassword) -> int:
        return len(await sessions.list_page(self._db, verified.user.id, limit=10))

    async def fail(self, *, times: int, email: str = "") -> None:
        for _ in range(times):
            with pytest.raises(InvalidCredentials):
                await self.sign_in("a wrong one", email=email)


def run(database_url: str, work: Callable[[Visitor], Awaitable[None]]) -> None:
    async def work_and_close() -> None:
        db = Database(database_url)
        try:
            visitor = Visitor(db)
            await visitor.register()
            await work(visitor)
        finally:
            await db.close()

    asyncio.run(work_and_close())


class TestSigningInAtOnce:
    def test_a_right_guess_is_not_told_once_others_have_used_up_the_limit(self, database_url: str) -> None:
        async def guess_right_beside_failures(visitor: Visitor) -> None:
            held = HeldPasswords()
            guess = asyncio.create_task(visitor.sign_in(passwords=held))
            await held.asked.wait()
            await visitor.fail(times=LIMITS.failed_logins_per_account)
            held.released.set()
            with pytest.raises(TooManyAttempts):
                await guess

        run(database_url, guess_right_beside_failures)

    def test_nor_once_others_have_used_up_the_limit_of_the_address(self, database_url: str) -> None:
        async def guess_right_beside_failures(visitor: Visitor) -> None:
            held = HeldPasswords()
            guess = asyncio.create_task(visitor.sign_in(passwords=held))
            await held.asked.wait()
            for _ in range(LIMITS.failed_logins_per_address):
                await visitor.fail(times=1, email=f"{uuid4().hex}@example.com")
            held.released.set()
            with pytest.raises(TooManyAttempts):
                await guess

        run(database_url, guess_right_beside_failures)

    def test_a_right_password_waits_for_no_other(self, database_url: str) -> None:
        async def succeed_at_once(visitor: Visitor) -> None:
            held = HeldPasswords()
            many = 10 * LIMITS.failed_logins_per_account
            waiting = asyncio.gather(*(visitor.sign_in(passwords=held) for _ in range(many)))
            await held.asked.wait()
            held.released.set()
            await waiting

        run(database_url, succeed_at_once)

    def test_a_password_is_not_looked_at_beyond_the_limit(self, database_url: str) -> None:
        async def try_on(visitor: Visitor) -> None:
            await visitor.fail(times=LIMITS.failed_logins_per_account)
            held = HeldPasswords()
            with pytest.raises(TooManyAttempts):
                await visitor.sign_in(passwords=held)
            assert not held.asked.is_set()

        run(database_url, try_on)


class TestProof:
    """A password that was right a moment ago, and is not the account's any more."""

    def test_of_the_old_password_opens_no_session(self, database_url: str) -> None:
        async def sign_in_beside_a_change(visitor: Visitor) -> None:
            late, verified = await visitor.sign_in(), await visitor.sign_in()
            await visitor.change_password(verified, "another password")
            with pytest.raises(InvalidCredentials):
                await visitor.open_session(late)
            assert await visitor.sessions(verified) == 0

        run(database_url, sign_in_beside_a_change)

    def test_of_the_old_password_changes_and_closes_nothing(self, database_url: str) -> None:
        async def change_twice(visitor: Visitor) -> None:
            late, verified = await visitor.sign_in(), await visitor.sign_in()
            await visitor.change_password(verified, "another password")
            with pytest.raises(WrongPassword):
                await visitor.change_password(late, "a third password")
            with pytest.raises(WrongPassword):
                await visitor.close(late)
            await visitor.sign_in("another password")

        run(database_url, change_twice)

    def test_of_an_account_that_is_gone_is_good_for_nothing(self, database_url: str) -> None:
        async def go_on_after_the_end(visitor: Visitor) -> None:
            late, verified = await visitor.sign_in(), await visitor.sign_in()
            await visitor.close(verified)
            with pytest.raises(InvalidCredentials):
                await visitor.open_session(late)
            with pytest.raises(WrongPassword):
                await visitor.change_password(late, "another password")
            with pytest.raises(WrongPassword):
                await visitor.close(late)

        run(database_url, go_on_after_the_end)

    def test_does_not_bring_a_better_hash_of_the_old_password_back(self, database_url: str) -> None:
        async def improve_beside_a_change(visitor: Visitor) -> None:
            verified = await visitor.sign_in()
            better = HeldPasswords(rounds=5)
            late = asyncio.create_task(visitor.sign_in(passwords=better))
            await better.asked.wait()
            await visitor.change_password(verified, "another password")
            better.released.set()
            with pytest.raises(InvalidCredentials):
                await visitor.open_session(await late)
            await visitor.sign_in("another password")

        run(database_url, improve_beside_a_change)

    def test_opens_no_session_that_a_change_at_the_same_moment_overlooks(self, database_url: str) -> None:
        async def sign_in_and_change_at_once(visitor: Visitor) -> None:
            for number in range(20):
                verified = await visitor.sign_in(f"password {number - 1}" if number else PASSWORD)
                await asyncio.gather(
                    *(visitor.open_session(verified) for _ in range(3)),
                    visitor.change_password(verified, f"password {number}"),
                    return_exceptions=True,
                )
                assert await visitor.sessions(verified) == 0

        run(database_url, sign_in_and_change_at_once)

    def test_shows_no_hash(self, database_url: str) -> None:
        async def show(visitor: Visitor) -> None:
            assert "bcrypt" not in repr(await visitor.sign_in())

        run(database_url, show)


class TestClosing:
    """Others hold something of the account, and then want what closing has taken already."""

    WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    @pytest.mark.parametrize(
        "holding",
        [
            "SELECT FROM users WHERE id = $1 FOR KEY SHARE",
            "SELECT FROM sessions WHERE user_id = $1 FOR UPDATE",
        ],
    )
    def test_gives_way_to_whoever_it_would_wait_for_crosswise(self, holding: str, database_url: str) -> None:
        async def close_beside_another(visitor: Visitor) -> None:
            verified = await visitor.sign_in()
            await visitor.open_session(verified)
            other, watcher = await postgres.connect(database_url), await postgres.connect(database_url)
            async with other.transaction():
                await other.fetch(holding, verified.user.id)
                closing = asyncio.create_task(visitor.close(verified))
                while not await watcher.fetchval(self.WAITS):  # noqa: ASYNC110 - what is waited for is PostgreSQL's
                    await asyncio.sleep(0.01)
                await other.execute("SELECT lock_change_log($1)", verified.user.id)
                assert not closing.done()
            await closing
            assert await watcher.fetchval("SELECT count(*) FROM users WHERE id = $1", verified.user.id) == 0
            await other.close()
            await watcher.close()

        run(database_url, close_beside_another)

    def test_is_put_off_where_something_stays_in_use(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(operations, "_MAX_CLOSING_ATTEMPTS", 2)

        async def close_in_vain(visitor: Visitor) -> None:
            verified = await visitor.sign_in()
            other = await postgres.connect(database_url)
            async with other.transaction():
                await other.fetch("SELECT FROM users WHERE id = $1 FOR UPDATE", verified.user.id)
                with pytest.raises(DatabaseUnavailable):
                    await visitor.close(verified)
            await other.close()
            await visitor.close(verified)

        run(database_url, close_in_vain)
