"""Signing in, where several try at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from pydantic import SecretStr

from todo_core import users
from todo_core.database import Database
from todo_core.errors import InvalidCredentials, TooManyAttempts
from todo_core.limits import Limits
from todo_core.security import Passwords
from todo_core.users import Credentials, Registration

PASSWORD = "correct horse battery staple"
LIMITS = Limits(3, 5, 1000, timedelta(minutes=10))


class HeldPasswords(Passwords):
    """Tells nobody whether a password fits until it is released."""

    def __init__(self) -> None:
        super().__init__(4)
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
        self.passwords = Passwords(4)

    async def register(self) -> None:
        registration = Registration(email=self.email, password=SecretStr(PASSWORD))
        await users.register(self._db, self.passwords, LIMITS, registration, address=self.address)

    async def sign_in(self, password: str = PASSWORD, *, passwords: Passwords | None = None, email: str = "") -> None:
        credentials = Credentials(email=email or self.email, password=SecretStr(password))
        await users.authenticate(self._db, passwords or self.passwords, LIMITS, credentials, address=self.address)

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
