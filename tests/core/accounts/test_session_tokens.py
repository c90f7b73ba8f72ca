from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any
from uuid import uuid4

import pytest
from jose import jwt

from tests.conftest import RETIRED_KEY, SECRET_KEY
from todo_core.accounts.session_tokens import SessionClaims, SessionTokens
from todo_core.errors import NotAuthenticated

HOUR = timedelta(hours=1)


def signing(*keys: str, lifetime: timedelta = HOUR) -> SessionTokens:
    return SessionTokens(keys or (SECRET_KEY,), lifetime)


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
        ("age", "is_half_over"),
        [
            (timedelta(0), False),
            (timedelta(minutes=29), False),
            (timedelta(minutes=31), True),
            (timedelta(minutes=59), True),
        ],
    )
    def test_it_is_after_half_of_the_lifetime(self, age: timedelta, *, is_half_over: bool) -> None:
        issued_at = datetime.now(UTC) - age

        assert SessionClaims(uuid4(), uuid4(), issued_at, issued_at + HOUR).is_half_over is is_half_over
