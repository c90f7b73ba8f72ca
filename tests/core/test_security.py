import asyncio
import os
import sys
import threading
import unicodedata
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any
from uuid import uuid4

import bcrypt
import pytest
from jose import jwt

from tests.conftest import RETIRED_KEY, SECRET_KEY
from todo_core.accounts.security import Claims, Passwords, Tokens
from todo_core.errors import NotAuthenticated, TooBusy
from todo_core.settings import Settings

ROUNDS = 5
HOUR = timedelta(hours=1)

passwords = Passwords(ROUNDS)


def hashed(password: str) -> str:
    return asyncio.run(passwords.hash(password))


def verified(password: str, stored_hash: str | None) -> tuple[bool, str | None]:
    """Whether it fits, and the hash to store instead."""
    return asyncio.run(passwords.verify(password, stored_hash))


class TestHash:
    def test_the_factor_is_12_unless_a_setting_says_otherwise(self) -> None:
        assert Settings.model_fields["bcrypt_rounds"].default == 12

    @pytest.mark.parametrize("rounds", [4, 5])
    def test_it_is_bcrypt_of_the_given_factor(self, rounds: int) -> None:
        assert asyncio.run(Passwords(rounds).hash("a password")).startswith(f"$bcrypt-sha256$v=2,t=2b,r={rounds}$")

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
        outcomes = asyncio.run(self.verify_at_once(Passwords(rounds), limit + 5))

        assert outcomes[:limit] == [(False, None)] * limit
        assert all(isinstance(outcome, TooBusy) and outcome.retry_after for outcome in outcomes[limit:])

    def test_on_a_slow_machine_fewer_may_wait(self) -> None:
        slow = Passwords(ROUNDS)

        async def verify_after_a_slow_one() -> list[object]:
            await slow._run(lambda: sleep(0.4))  # noqa: SLF001 - stands for a hash beside busy neighbours
            return await self.verify_at_once(slow, 30)

        outcomes = asyncio.run(verify_after_a_slow_one())

        assert 20 < outcomes.count((False, None)) <= 25

    def test_there_is_room_again_afterwards(self) -> None:
        dear = Passwords(16)

        for _ in range(5):
            assert asyncio.run(self.verify_at_once(dear, 1)) == [(False, None)]

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")
    def test_the_event_loop_goes_first(self) -> None:
        def niceness() -> int:
            return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

        of_thread = asyncio.run(passwords._run(niceness))  # noqa: SLF001 - nothing else tells

        assert of_thread == min(niceness() + 5, 19)

    def test_an_outdated_hash_may_stay_for_now(self) -> None:
        outdated = hashed("a password")

        class Busy(Passwords):
            async def hash(self, password: str) -> str:
                raise TooBusy(password)

        assert asyncio.run(Busy(ROUNDS + 1).verify("a password", outdated)) == (True, None)

    async def verify_at_once(self, dear: Passwords, times: int) -> list[object]:
        cheap_hash = await passwords.hash("a password")
        verifying = (dear.verify("another password", cheap_hash) for _ in range(times))
        return await asyncio.gather(*verifying, return_exceptions=True)


class TestOutdatedHash:
    @pytest.fixture(params=["plain bcrypt", "cheaper", "dearer"])
    def outdated(self, request: pytest.FixtureRequest) -> str:
        """A hash of "a password" by another scheme or factor."""
        match request.param:
            case "cheaper":
                return asyncio.run(Passwords(ROUNDS - 1).hash("a password"))
            case "dearer":
                return asyncio.run(Passwords(ROUNDS + 1).hash("a password"))
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


def signing(*keys: str, lifetime: timedelta = HOUR) -> Tokens:
    return Tokens(keys or (SECRET_KEY,), lifetime)


def token_of(**changes: object) -> str:
    """A token that is right but for these claims."""
    now = datetime.now(UTC)
    claims: dict[str, Any] = {
        "iss": jwt.get_unverified_claims(signing().sign(uuid4(), uuid4()))["iss"],
        "sub": str(uuid4()),
        "sid": str(uuid4()),
        "iat": now,
        "exp": now + HOUR,
    }
    return jwt.encode(claims | changes, SECRET_KEY)


class TestSign:
    def test_the_claims_come_back(self) -> None:
        user_id, session_id = uuid4(), uuid4()

        claims = signing().verify(signing().sign(user_id, session_id))

        assert (claims.user_id, claims.session_id) == (user_id, session_id)

    def test_it_is_good_from_now_for_its_lifetime(self) -> None:
        claims = signing().verify(signing().sign(uuid4(), uuid4()))

        assert timedelta(0) <= datetime.now(UTC) - claims.issued_at < timedelta(seconds=10)
        assert claims.expires_at - claims.issued_at == HOUR

    def test_the_first_key_signs(self) -> None:
        token = signing(SECRET_KEY, RETIRED_KEY).sign(uuid4(), uuid4())

        signing(SECRET_KEY).verify(token)
        with pytest.raises(NotAuthenticated):
            signing(RETIRED_KEY).verify(token)


class TestVerifyToken:
    @pytest.mark.parametrize("keys", [(SECRET_KEY, RETIRED_KEY), (RETIRED_KEY, SECRET_KEY)])
    def test_every_key_verifies(self, keys: tuple[str, str]) -> None:
        user_id = uuid4()

        assert signing(*keys).verify(signing(SECRET_KEY).sign(user_id, uuid4())).user_id == user_id

    def test_a_key_that_is_dropped_does_not(self) -> None:
        token = signing(RETIRED_KEY).sign(uuid4(), uuid4())
        signing(SECRET_KEY, RETIRED_KEY).verify(token)

        with pytest.raises(NotAuthenticated):
            signing(SECRET_KEY).verify(token)

    def test_one_that_was_good_is_not_when_its_time_is_over(self) -> None:
        token = token_of(exp=datetime.now(UTC).timestamp() + 0.1)
        tokens = signing()
        tokens.verify(token)

        sleep(0.11)

        with pytest.raises(NotAuthenticated):
            tokens.verify(token)

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    def test_no_other_algorithm_will_do(self, algorithm: str) -> None:
        claims = jwt.get_unverified_claims(token_of())

        with pytest.raises(NotAuthenticated):
            signing().verify(jwt.encode(claims, SECRET_KEY, algorithm=algorithm))

    @pytest.mark.parametrize("issuer", ["", "someone else", "TODO-BACKEND", ["todo-backend", "x"]])
    def test_no_other_issuer_will_do(self, issuer: object) -> None:
        with pytest.raises(NotAuthenticated):
            signing().verify(token_of(iss=issuer))

    @pytest.mark.parametrize("depth", [100, 12_000, 1_000_000])
    def test_a_header_of_any_depth_is_refused(self, depth: int) -> None:
        # "[[[[..." in base64, whose three bytes are always the same four characters
        with pytest.raises(NotAuthenticated):
            signing().verify("W1tb" * depth + ".e30.e30")


class TestHalfOver:
    @pytest.mark.parametrize(
        ("age", "half_over"),
        [
            (timedelta(0), False),
            (timedelta(minutes=29), False),
            (timedelta(minutes=31), True),
            (timedelta(minutes=59), True),
        ],
    )
    def test_it_is_after_half_of_the_lifetime(self, age: timedelta, *, half_over: bool) -> None:
        issued_at = datetime.now(UTC) - age

        assert Claims(uuid4(), uuid4(), issued_at, issued_at + HOUR).half_over is half_over
