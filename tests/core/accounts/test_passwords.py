import asyncio
import os
import sys
import threading
import unicodedata
from datetime import timedelta
from time import sleep

import bcrypt
import pytest

from todo_core.accounts.passwords import PasswordHasher
from todo_core.errors import TooBusy
from todo_core.settings import Settings

ROUNDS = 5
HOUR = timedelta(hours=1)

hasher = PasswordHasher(ROUNDS)


def hashed(password: str) -> str:
    return asyncio.run(hasher.hash(password))


def verified(password: str, stored_hash: str | None) -> tuple[bool, str | None]:
    """Whether it fits, and the hash to store instead."""
    return asyncio.run(hasher.verify(password, stored_hash))


class TestHash:
    def test_the_factor_is_12_unless_a_setting_says_otherwise(self) -> None:
        assert Settings.model_fields["bcrypt_rounds"].default == 12

    @pytest.mark.parametrize("rounds", [4, 5])
    def test_it_is_bcrypt_of_the_given_factor(self, rounds: int) -> None:
        assert asyncio.run(PasswordHasher(rounds).hash("a password")).startswith(f"$bcrypt-sha256$v=2,t=2b,r={rounds}$")

    def test_it_is_another_each_time(self) -> None:
        assert hashed("a password") != hashed("a password")

    def test_it_does_not_hold_the_password(self) -> None:
        assert "a password" not in hashed("a password")


class TestVerify:
    def test_the_password_fits(self) -> None:
        assert verified("a password", hashed("a password")) == (True, None)

    @pytest.mark.parametrize("other", ["", "a passworD", "a password ", "a passwor", "another password"])
    def test_another_does_not(self, other: str) -> None:
        assert verified(other, hashed("a password")) == (False, None)

    @pytest.mark.parametrize("length", [70, 71, 72, 73, 100, 255])
    def test_every_byte_counts(self, length: int) -> None:
        assert verified("a" * length + "c", hashed("a" * length + "b")) == (False, None)

    def test_it_is_the_same_from_every_keyboard(self) -> None:
        composed, decomposed = (unicodedata.normalize(form, "Å é 한") for form in ("NFC", "NFD"))

        assert composed != decomposed
        assert verified(decomposed, hashed(composed)) == (True, None)
        assert verified(composed, hashed(decomposed)) == (True, None)

    @pytest.mark.parametrize("password", ["", "a password", "x" * 256])
    def test_nothing_fits_an_account_that_does_not_exist(self, password: str) -> None:
        assert verified(password, None) == (False, None)


class TestManyAtOnce:
    @pytest.mark.parametrize(("rounds", "limit"), [(12, 41), (16, 3)])
    def test_whoever_would_wait_for_too_long_is_sent_away(self, rounds: int, limit: int) -> None:
        outcomes = asyncio.run(self.verify_at_once(PasswordHasher(rounds), limit + 5))

        assert outcomes[:limit] == [(False, None)] * limit
        assert all(isinstance(outcome, TooBusy) and outcome.retry_after for outcome in outcomes[limit:])

    def test_on_a_slow_machine_fewer_may_wait(self) -> None:
        slow = PasswordHasher(ROUNDS)

        async def verify_after_a_slow_one() -> list[object]:
            await slow._run(lambda: sleep(0.4))  # noqa: SLF001 - stands for a hash beside busy neighbours
            return await self.verify_at_once(slow, 30)

        outcomes = asyncio.run(verify_after_a_slow_one())

        assert 20 < outcomes.count((False, None)) <= 25

    def test_there_is_room_again_afterwards(self) -> None:
        dear = PasswordHasher(16)

        for _ in range(5):
            assert asyncio.run(self.verify_at_once(dear, 1)) == [(False, None)]

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")
    def test_the_event_loop_goes_first(self) -> None:
        def niceness() -> int:
            return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

        of_thread = asyncio.run(hasher._run(niceness))  # noqa: SLF001 - nothing else tells

        assert of_thread == min(niceness() + 5, 19)

    def test_an_outdated_hash_may_stay_for_now(self) -> None:
        outdated = hashed("a password")

        class Busy(PasswordHasher):
            async def hash(self, password: str) -> str:
                raise TooBusy(password)

        assert asyncio.run(Busy(ROUNDS + 1).verify("a password", outdated)) == (True, None)

    async def verify_at_once(self, dear: PasswordHasher, times: int) -> list[object]:
        cheap_hash = await hasher.hash("a password")
        verifying = (dear.verify("another password", cheap_hash) for _ in range(times))
        return await asyncio.gather(*verifying, return_exceptions=True)


class TestOutdatedHash:
    @pytest.fixture(params=["plain bcrypt", "cheaper", "dearer"])
    def outdated(self, request: pytest.FixtureRequest) -> str:
        """A hash of "a password" by another scheme or factor."""
        match request.param:
            case "cheaper":
                return asyncio.run(PasswordHasher(ROUNDS - 1).hash("a password"))
            case "dearer":
                return asyncio.run(PasswordHasher(ROUNDS + 1).hash("a password"))
            case _:
                return bcrypt.hashpw(b"a password", bcrypt.gensalt(ROUNDS)).decode()

    def test_the_password_still_fits(self, outdated: str) -> None:
        assert verified("a password", outdated)[0]

    def test_a_current_one_comes_to_store_instead(self, outdated: str) -> None:
        _, new_hash = verified("a password", outdated)

        assert new_hash is not None
        assert verified("a password", new_hash) == (True, None)

    def test_another_password_replaces_nothing(self, outdated: str) -> None:
        assert verified("another password", outdated) == (False, None)

    def test_plain_bcrypt_reads_no_further_than_it_always_did(self) -> None:
        plain = bcrypt.hashpw(b"a" * 72, bcrypt.gensalt(ROUNDS)).decode()

        fits, new_hash = verified("a" * 80, plain)

        assert fits
        assert verified("a" * 80, new_hash) == (True, None)
