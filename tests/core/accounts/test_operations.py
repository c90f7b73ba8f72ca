"""Account operations, such as login and password change, that run concurrently with others."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from tests import postgres
from todo_core.accounts import operations, registrations, sessions
from todo_core.accounts.audit import Caller
from todo_core.accounts.devices import Devices
from todo_core.accounts.errors import InvalidCredentials, TooManyAttempts, WrongPassword
from todo_core.accounts.links import LinkTokens
from todo_core.accounts.login_limits import PasswordChecks
from todo_core.accounts.mails import AccountMails
from todo_core.accounts.models import Credentials, Registration
from todo_core.accounts.operations import VerifiedPassword
from todo_core.accounts.passwords import PasswordHasher
from todo_core.accounts.registrations import RegistrationRules
from todo_core.accounts.sessions import OpenSession
from todo_core.database.executor import Database
from todo_core.errors import DatabaseUnavailable, NotAuthenticated
from todo_core.limits import RateLimits
from todo_core.settings import SessionSettings

pytestmark = pytest.mark.pooler

PASSWORD = "correct horse battery staple"
LIMITS = RateLimits(
    failed_logins_per_account=3,
    failed_logins_per_address=5,
    registrations_per_address=1000,
    attempts_window_seconds=600,
)
SESSIONS = SessionSettings()
MAILS = AccountMails(LinkTokens(["a key"]), LIMITS, is_configured=False)


class PausedHasher(PasswordHasher):
    """Password hasher that waits for the event `released` before it verifies, so that a test can act meanwhile."""

    def __init__(self, rounds: int = 4) -> None:
        super().__init__(rounds)
        self.called = asyncio.Event()
        self.released = asyncio.Event()

    async def verify(self, password: str, stored_hash: str | None) -> tuple[bool, str | None]:
        self.called.set()
        await self.released.wait()
        return await super().verify(password, stored_hash)


class CountingHasher(PasswordHasher):
    """Password hasher that counts the checked passwords, and notes the rounds of the sampled hashes."""

    def __init__(self, rounds: int) -> None:
        super().__init__(rounds)
        self.checks = 0
        self.sampled_rounds: list[int] = []

    async def verify(self, password: str, stored_hash: str | None) -> tuple[bool, str | None]:
        self.checks += 1
        return await super().verify(password, stored_hash)

    def note_sample(self, hashes: Iterable[str]) -> None:
        sampled = list(hashes)
        self.sampled_rounds += [int(found[1]) for each in sampled if (found := re.search(r"r=(\d+)", each))]
        super().note_sample(sampled)


class Client:
    """Calls account operations for one new email and network address, so other tests do not use up rate limits."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.email = f"{uuid4().hex}@example.com"
        self.caller = Caller(f"test-{uuid4().hex}", "a-request")
        self.hasher = PasswordHasher(4)

    async def register(self) -> None:
        registration = Registration(email=self.email, password=SecretStr(PASSWORD))
        rules = RegistrationRules("open", must_verify=False, limits=LIMITS)
        await registrations.register(self._db, self.hasher, MAILS, rules, registration, caller=self.caller)

    async def sign_in(
        self, password: str = PASSWORD, *, hasher: PasswordHasher | None = None, email: str = ""
    ) -> VerifiedPassword:
        credentials = Credentials(email=email or self.email, password=SecretStr(password))
        checks = PasswordChecks(hasher or self.hasher, LIMITS, Devices(["a key"]))
        return await operations.authenticate(self._db, checks, credentials, caller=self.caller)

    async def open_session(self, verified: VerifiedPassword) -> OpenSession:
        return await sessions.open_session(
            self._db, SESSIONS, verified.user.id, password_hash=verified.password_hash, user_agent=None
        )

    async def change_password(
        self, verified: VerifiedPassword, new: str, *, session_id: UUID | None = None
    ) -> OpenSession:
        """Changes the password in the session with this id, or in a new one."""
        session_id = session_id or (await self.open_session(verified)).id
        return await operations.change_password(
            self._db, self.hasher, MAILS, SESSIONS, verified, SecretStr(new), session_id=session_id
        )

    async def close(self, verified: VerifiedPassword) -> None:
        await operations.close_account(self._db, verified)

    async def sessions(self, verified: VerifiedPassword) -> int:
        found = await sessions.list_page(self._db, verified.user.id, max_lifetime=SESSIONS.max_lifetime, limit=10)
        return len(found)

    async def fail(self, *, times: int, email: str = "", hasher: PasswordHasher | None = None) -> None:
        for _ in range(times):
            with pytest.raises(InvalidCredentials):
                await self.sign_in("a wrong password", email=email, hasher=hasher)


def run(database_url: str, work: Callable[[Client], Awaitable[None]]) -> None:
    async def work_and_close() -> None:
        db = Database(database_url)
        try:
            client = Client(db)
            await client.register()
            await work(client)
        finally:
            await db.close()

    asyncio.run(work_and_close())


class TestConcurrentLogins:
    def test_a_right_guess_is_refused_when_the_limit_of_the_account_was_reached_meanwhile(
        self, database_url: str
    ) -> None:
        async def guess_right_during_failures(client: Client) -> None:
            hasher = PausedHasher()
            guess = asyncio.create_task(client.sign_in(hasher=hasher))
            await hasher.called.wait()
            await client.fail(times=LIMITS.failed_logins_per_account)
            hasher.released.set()
            with pytest.raises(TooManyAttempts):
                await guess

        run(database_url, guess_right_during_failures)

    def test_a_right_guess_is_refused_when_the_limit_of_the_address_was_reached_meanwhile(
        self, database_url: str
    ) -> None:
        async def guess_right_during_failures(client: Client) -> None:
            hasher = PausedHasher()
            guess = asyncio.create_task(client.sign_in(hasher=hasher))
            await hasher.called.wait()
            for _ in range(LIMITS.failed_logins_per_address):
                await client.fail(times=1, email=f"{uuid4().hex}@example.com")
            hasher.released.set()
            with pytest.raises(TooManyAttempts):
                await guess

        run(database_url, guess_right_during_failures)

    def test_concurrent_logins_with_the_right_password_all_succeed(self, database_url: str) -> None:
        async def sign_in_concurrently(client: Client) -> None:
            hasher = PausedHasher()
            many = 10 * LIMITS.failed_logins_per_account
            logins = asyncio.gather(*(client.sign_in(hasher=hasher) for _ in range(many)))
            await hasher.called.wait()
            hasher.released.set()
            await logins

        run(database_url, sign_in_concurrently)

    def test_the_password_is_not_checked_beyond_the_limit(self, database_url: str) -> None:
        async def sign_in_beyond_the_limit(client: Client) -> None:
            await client.fail(times=LIMITS.failed_logins_per_account)
            hasher = PausedHasher()
            with pytest.raises(TooManyAttempts):
                await client.sign_in(hasher=hasher)
            assert not hasher.called.is_set()

        run(database_url, sign_in_beyond_the_limit)

    def test_logins_that_waited_are_not_checked_beyond_the_limit(self, database_url: str) -> None:
        async def fail_concurrently(client: Client) -> None:
            hasher = CountingHasher(4)
            guesses = (client.sign_in("a wrong password", hasher=hasher) for _ in range(20))
            failures = await asyncio.gather(*guesses, return_exceptions=True)
            kinds = Counter(type(failure) for failure in failures)
            assert kinds == {InvalidCredentials: LIMITS.failed_logins_per_account, TooManyAttempts: 17}
            assert hasher.checks == LIMITS.failed_logins_per_account

        run(database_url, fail_concurrently)


class TestFailureTime:
    def test_the_hashes_of_some_accounts_are_read_once(self, database_url: str) -> None:
        async def fail_after_lower_rounds(client: Client) -> None:
            hasher = CountingHasher(4)
            await client.fail(times=1, hasher=hasher)
            assert not hasher.needs_sample
            assert 4 in hasher.sampled_rounds
            hasher.sampled_rounds.clear()
            await client.fail(times=1, hasher=hasher)
            assert not hasher.sampled_rounds

        run(database_url, fail_after_lower_rounds)


class TestOutdatedVerifiedPassword:
    """A verified password is refused if the password was changed or the account was closed after verification."""

    def test_it_opens_no_session_after_a_password_change(self, database_url: str) -> None:
        async def open_session_after_a_change(client: Client) -> None:
            outdated, verified = await client.sign_in(), await client.sign_in()
            await client.change_password(verified, "another password")
            with pytest.raises(InvalidCredentials):
                await client.open_session(outdated)
            assert await client.sessions(verified) == 1

        run(database_url, open_session_after_a_change)

    def test_it_neither_changes_the_password_nor_closes_the_account_after_a_password_change(
        self, database_url: str
    ) -> None:
        async def change_twice(client: Client) -> None:
            outdated, verified = await client.sign_in(), await client.sign_in()
            await client.change_password(verified, "another password")
            with pytest.raises(WrongPassword):
                await client.change_password(outdated, "a third password", session_id=uuid4())
            with pytest.raises(WrongPassword):
                await client.close(outdated)
            await client.sign_in("another password")

        run(database_url, change_twice)

    def test_it_is_refused_after_the_account_was_closed(self, database_url: str) -> None:
        async def use_it_after_closing(client: Client) -> None:
            outdated, verified = await client.sign_in(), await client.sign_in()
            await client.close(verified)
            with pytest.raises(InvalidCredentials):
                await client.open_session(outdated)
            with pytest.raises(WrongPassword):
                await client.change_password(outdated, "another password", session_id=uuid4())
            with pytest.raises(WrongPassword):
                await client.close(outdated)

        run(database_url, use_it_after_closing)

    def test_a_new_hash_of_the_old_password_does_not_replace_a_changed_password(self, database_url: str) -> None:
        async def rehash_during_a_change(client: Client) -> None:
            verified = await client.sign_in()
            # Rehashes the old password at sign-in, because the stored hash has 4 rounds. The new hash must not be
            # stored after the change.
            slower = PausedHasher(rounds=5)
            outdated = asyncio.create_task(client.sign_in(hasher=slower))
            await slower.called.wait()
            await client.change_password(verified, "another password")
            slower.released.set()
            with pytest.raises(InvalidCredentials):
                await client.open_session(await outdated)
            await client.sign_in("another password")

        run(database_url, rehash_during_a_change)

    def test_a_concurrent_password_change_ends_every_other_session_of_the_old_password(self, database_url: str) -> None:
        async def sign_in_and_change_concurrently(client: Client) -> None:
            for number in range(20):
                verified = await client.sign_in(f"password {number - 1}" if number else PASSWORD)
                current = await client.open_session(verified)
                await asyncio.gather(
                    *(client.open_session(verified) for _ in range(3)),
                    client.change_password(verified, f"password {number}", session_id=current.id),
                    return_exceptions=True,
                )
                assert await client.sessions(verified) == 1

        run(database_url, sign_in_and_change_concurrently)

    def test_of_two_concurrent_password_changes_of_a_session_one_succeeds(self, database_url: str) -> None:
        async def change_twice(client: Client) -> None:
            verified = await client.sign_in()
            current = await client.open_session(verified)
            results = await asyncio.gather(
                *(client.change_password(verified, f"password {number}", session_id=current.id) for number in (1, 2)),
                return_exceptions=True,
            )

            assert {type(result) for result in results} == {OpenSession, WrongPassword}
            (winner,) = [number for number, result in enumerate(results, 1) if isinstance(result, OpenSession)]
            await client.sign_in(f"password {winner}")
            assert await client.sessions(verified) == 1

        run(database_url, change_twice)

    def test_an_ended_session_changes_no_password(self, database_url: str) -> None:
        async def change_after_the_end(client: Client) -> None:
            verified = await client.sign_in()
            with pytest.raises(NotAuthenticated):
                await client.change_password(verified, "another password", session_id=uuid4())
            await client.sign_in()

        run(database_url, change_after_the_end)

    def test_its_repr_hides_the_hash(self, database_url: str) -> None:
        async def show(client: Client) -> None:
            assert "bcrypt" not in repr(await client.sign_in())

        run(database_url, show)


class TestCloseAccount:
    """Closing an account while another transaction holds locks on rows of the account."""

    COUNT_WAITING = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )

    @pytest.mark.parametrize(
        "lock",
        [
            "SELECT FROM users WHERE id = $1 FOR KEY SHARE",
            "SELECT FROM sessions WHERE user_id = $1 FOR UPDATE",
        ],
    )
    def test_it_releases_its_locks_when_it_would_deadlock_with_another_transaction(
        self, lock: str, database_url: str
    ) -> None:
        async def close_during_another_transaction(client: Client) -> None:
            verified = await client.sign_in()
            await client.open_session(verified)
            other, watcher = await postgres.connect(database_url), await postgres.connect(database_url)
            async with other.transaction():
                await other.fetch(lock, verified.user.id)
                closing = asyncio.create_task(client.close(verified))
                while not await watcher.fetchval(self.COUNT_WAITING):  # noqa: ASYNC110 - PostgreSQL sends no event for a logins lock
                    await asyncio.sleep(0.01)
                await other.execute("SELECT lock_change_log($1)", verified.user.id)
                assert not closing.done()
            await closing
            assert await watcher.fetchval("SELECT count(*) FROM users WHERE id = $1", verified.user.id) == 0
            await other.close()
            await watcher.close()

        run(database_url, close_during_another_transaction)

    def test_it_fails_while_another_transaction_holds_its_rows(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(operations, "_MAX_CLOSING_ATTEMPTS", 2)

        async def close_while_locked(client: Client) -> None:
            verified = await client.sign_in()
            other = await postgres.connect(database_url)
            async with other.transaction():
                await other.fetch("SELECT FROM users WHERE id = $1 FOR UPDATE", verified.user.id)
                with pytest.raises(DatabaseUnavailable):
                    await client.close(verified)
            await other.close()
            await client.close(verified)

        run(database_url, close_while_locked)
