"""Hashing and verifying passwords."""

import asyncio
import os
import sys
import threading
import unicodedata
from itertools import chain, repeat

import bcrypt
import pytest
from passlib.context import CryptContext

from todo_core.accounts import passwords
from todo_core.accounts.passwords import PasswordHasher
from todo_core.errors import TooBusy

ROUNDS = 5
SLOW_ROUNDS = 12
"""The thread of low priority has 1.2 seconds for such a hash, enough for a busy machine too."""

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


class TestSlot:
    @pytest.mark.parametrize(("rounds", "limit"), [(12, 41), (16, 5)])
    def test_the_queue_holds_ten_seconds_of_work_and_at_least_four_requests(self, rounds: int, limit: int) -> None:
        outcomes = asyncio.run(self.take_slots(PasswordHasher(rounds), limit + 5))

        assert outcomes[:limit] == [None] * limit
        assert all(isinstance(outcome, TooBusy) and outcome.retry_after for outcome in outcomes[limit:])

    @pytest.mark.parametrize(("seconds", "limit"), [(0.5, 21), (60, 5)])
    def test_a_slow_hash_shortens_the_queue_to_four_requests_at_least(
        self, seconds: float, limit: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slow = PasswordHasher(ROUNDS)
        clock = chain([1.0], repeat(1.0 + seconds))
        monkeypatch.setattr(passwords, "monotonic", lambda: next(clock))

        async def take_slots_after_a_slow_hash() -> list[object]:
            await slow.hash("a password")
            return await self.take_slots(slow, limit + 5)

        assert asyncio.run(take_slots_after_a_slow_hash()).count(None) == limit

    async def take_slots(self, slow: PasswordHasher, times: int) -> list[object]:
        async def take_slot(client: str) -> None:
            async with slow.slot(client):
                await asyncio.sleep(0)

        slots = (take_slot(f"client {number}") for number in range(times))
        return await asyncio.gather(*slots, return_exceptions=True)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")
class TestPriority:
    def test_hashes_get_only_the_time_that_nothing_else_uses(self) -> None:
        assert asyncio.run(PasswordHasher(SLOW_ROUNDS)._run(find_policy)) == os.SCHED_IDLE  # noqa: SLF001 - nothing public runs in the thread

    def test_a_hash_that_gets_no_time_is_started_again_with_normal_priority(self) -> None:
        assert self.run_starved(PasswordHasher(SLOW_ROUNDS)) == os.SCHED_OTHER

    def test_a_short_hash_has_normal_priority(self) -> None:
        assert asyncio.run(PasswordHasher(ROUNDS)._run(find_policy)) == os.SCHED_OTHER  # noqa: SLF001

    @pytest.mark.parametrize(("seconds", "policy"), [(59, os.SCHED_OTHER), (60, os.SCHED_IDLE)])
    def test_the_hashes_of_the_next_minute_have_normal_priority(
        self, seconds: int, policy: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        starved, now = PasswordHasher(SLOW_ROUNDS), 1.0
        monkeypatch.setattr(passwords, "monotonic", lambda: now)
        self.run_starved(starved)
        now += seconds

        assert asyncio.run(starved._run(find_policy)) == policy  # noqa: SLF001

    def run_starved(self, hasher: PasswordHasher) -> int:
        """Runs work that does not end in the thread of low priority. Returns the policy under which it ended."""
        is_over = threading.Event()

        def find_policy_unless_idle() -> int:
            if find_policy() == os.SCHED_IDLE:
                is_over.wait()
            return find_policy()

        try:
            return asyncio.run(hasher._run(find_policy_unless_idle))  # noqa: SLF001
        finally:
            is_over.set()


def find_policy() -> int:
    """Returns the scheduling policy of the calling thread."""
    return os.sched_getscheduler(threading.get_native_id())


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


class TestFailureTime:
    """The work of a failed check, as the sum of its bcrypt iterations."""

    @pytest.fixture
    def iterations(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Collects the iterations of each bcrypt hash."""
        counted: list[int] = []

        def count(password: bytes, salt: bytes) -> bytes:
            counted.append(2 ** int(salt.split(b"$")[2]))
            return hashpw(password, salt)

        hashpw = bcrypt.hashpw
        hash_password("so that passlib has tried its backend before")
        monkeypatch.setattr(bcrypt, "hashpw", count)
        return counted

    @pytest.mark.parametrize(
        "stored", [None, 4, 5, 6, "plain"], ids=["no account", "fewer rounds", "current", "more rounds", "plain bcrypt"]
    )
    def test_it_is_that_of_the_slowest_known_hash(self, stored: int | str | None, iterations: list[int]) -> None:
        checked = PasswordHasher(ROUNDS)
        checked.note_sample([make_hash(6)])
        stored_hash = None if stored is None else make_hash(stored)
        iterations.clear()

        # Not by verify(), which may start the work twice on a busy machine.
        assert not checked._verify_in_equal_time("another password", stored_hash)  # noqa: SLF001
        assert sum(iterations) == 2**6

    def test_a_slower_hash_than_all_known_ones_slows_down_later_checks(self, iterations: list[int]) -> None:
        checked = PasswordHasher(ROUNDS)
        asyncio.run(checked.verify("another password", make_hash(7)))
        iterations.clear()

        assert not checked._verify_in_equal_time("another password", None)  # noqa: SLF001
        assert sum(iterations) == 2**7


def make_hash(rounds: int | str) -> str:
    """Returns a hash of "a password" with these rounds, or of plain bcrypt with 4 rounds."""
    if isinstance(rounds, str):
        return bcrypt.hashpw(b"a password", bcrypt.gensalt(4)).decode()
    return CryptContext(["bcrypt_sha256"], bcrypt_sha256__rounds=rounds).hash("a password")
