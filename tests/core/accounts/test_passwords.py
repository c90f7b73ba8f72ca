"""Hashing and verifying passwords."""

import asyncio
import os
import sys
import threading
import unicodedata
from time import sleep

import bcrypt
import pytest

from todo_core.accounts.passwords import PasswordHasher
from todo_core.errors import TooBusy

ROUNDS = 5

hasher = PasswordHasher(ROUNDS)


def hash_password(password: str) -> str:
    return asyncio.run(hasher.hash(password))


def verify_password(password: str, stored_hash: str | None) -> tuple[bool, str | None]:
    """Returns whether the password matches, and a new hash to store if the stored hash is outdated, else None."""
    return asyncio.run(hasher.verify(password, stored_hash))


class TestHash:
    @pytest.mark.parametrize("rounds", [4, 5])
    def test_it_is_bcrypt_with_the_given_rounds(self, rounds: int) -> None:
        assert asyncio.run(PasswordHasher(rounds).hash("a password")).startswith(f"$bcrypt-sha256$v=2,t=2b,r={rounds}$")

    def test_two_hashes_of_one_password_differ(self) -> None:
        assert hash_password("a password") != hash_password("a password")

    def test_it_does_not_contain_the_password(self) -> None:
        assert "a password" not in hash_password("a password")


class TestVerify:
    def test_the_right_password_matches(self) -> None:
        assert verify_password("a password", hash_password("a password")) == (True, None)

    @pytest.mark.parametrize("other", ["", "a passworD", "a password ", "a passwor", "another password"])
    def test_another_password_does_not_match(self, other: str) -> None:
        assert verify_password(other, hash_password("a password")) == (False, None)

    @pytest.mark.parametrize("length", [70, 71, 72, 73, 100, 255])
    def test_every_byte_counts(self, length: int) -> None:
        assert verify_password("a" * length + "c", hash_password("a" * length + "b")) == (False, None)

    def test_composed_and_decomposed_characters_are_the_same_password(self) -> None:
        composed, decomposed = (unicodedata.normalize(form, "Å é 한") for form in ("NFC", "NFD"))

        assert composed != decomposed
        assert verify_password(decomposed, hash_password(composed)) == (True, None)
        assert verify_password(composed, hash_password(decomposed)) == (True, None)

    @pytest.mark.parametrize("password", ["", "a password", "x" * 256])
    def test_no_password_matches_without_a_stored_hash(self, password: str) -> None:
        assert verify_password(password, None) == (False, None)


class TestQueue:
    @pytest.mark.parametrize(("rounds", "limit"), [(12, 41), (16, 3)])
    def test_a_password_that_would_wait_too_long_is_refused(self, rounds: int, limit: int) -> None:
        outcomes = asyncio.run(self.verify_concurrently(PasswordHasher(rounds), limit + 5))

        assert outcomes[:limit] == [(False, None)] * limit
        assert all(isinstance(outcome, TooBusy) and outcome.retry_after for outcome in outcomes[limit:])

    def test_a_slow_hash_shortens_the_queue(self) -> None:
        slow = PasswordHasher(ROUNDS)

        async def verify_after_a_slow_hash() -> list[object]:
            await slow._run(lambda: sleep(0.4))  # noqa: SLF001 - stands for a hash on a busy machine
            return await self.verify_concurrently(slow, 30)

        outcomes = asyncio.run(verify_after_a_slow_hash())

        assert 20 < outcomes.count((False, None)) <= 25

    def test_the_queue_is_empty_after_each_check(self) -> None:
        slow = PasswordHasher(16)

        for _ in range(5):
            assert asyncio.run(self.verify_concurrently(slow, 1)) == [(False, None)]

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")
    def test_the_thread_has_a_lower_priority_than_the_event_loop(self) -> None:
        def niceness() -> int:
            return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

        niceness_of_thread = asyncio.run(hasher._run(niceness))  # noqa: SLF001 - nothing public runs in the thread

        assert niceness_of_thread == min(niceness() + 5, 19)

    def test_an_outdated_hash_is_not_replaced_when_the_queue_is_full(self) -> None:
        outdated_hash = hash_password("a password")

        class Busy(PasswordHasher):
            async def hash(self, password: str) -> str:
                raise TooBusy(password)

        assert asyncio.run(Busy(ROUNDS + 1).verify("a password", outdated_hash)) == (True, None)

    async def verify_concurrently(self, slow: PasswordHasher, times: int) -> list[object]:
        fast_hash = await hasher.hash("a password")
        verifying = (slow.verify("another password", fast_hash) for _ in range(times))
        return await asyncio.gather(*verifying, return_exceptions=True)


class TestOutdatedHash:
    @pytest.fixture(params=["plain bcrypt", "fewer rounds", "more rounds"])
    def outdated_hash(self, request: pytest.FixtureRequest) -> str:
        """Returns an outdated hash of "a password": plain bcrypt, or another number of rounds than ROUNDS."""
        match request.param:
            case "fewer rounds":
                return asyncio.run(PasswordHasher(ROUNDS - 1).hash("a password"))
            case "more rounds":
                return asyncio.run(PasswordHasher(ROUNDS + 1).hash("a password"))
            case _:
                return bcrypt.hashpw(b"a password", bcrypt.gensalt(ROUNDS)).decode()

    def test_the_right_password_still_matches(self, outdated_hash: str) -> None:
        assert verify_password("a password", outdated_hash)[0]

    def test_a_new_hash_is_returned(self, outdated_hash: str) -> None:
        _, new_hash = verify_password("a password", outdated_hash)

        assert new_hash is not None
        assert verify_password("a password", new_hash) == (True, None)

    def test_a_wrong_password_returns_no_new_hash(self, outdated_hash: str) -> None:
        assert verify_password("another password", outdated_hash) == (False, None)

    def test_plain_bcrypt_ignores_the_bytes_after_the_72nd(self) -> None:
        plain = bcrypt.hashpw(b"a" * 72, bcrypt.gensalt(ROUNDS)).decode()

        matches, new_hash = verify_password("a" * 80, plain)

        assert matches
        assert verify_password("a" * 80, new_hash) == (True, None)
