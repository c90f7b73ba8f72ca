"""Signing and verifying session tokens."""

import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any
from uuid import uuid4

import pytest
from jose import jwt

from tests.conftest import RETIRED_KEY, SECRET_KEY
from todo_core.accounts import session_tokens
from todo_core.accounts.session_tokens import SessionClaims, SessionTokens
from todo_core.errors import NotAuthenticated

HOUR = timedelta(hours=1)


def make_tokens(*keys: str) -> SessionTokens:
    return SessionTokens(keys or (SECRET_KEY,))


def make_token(**changes: object) -> str:
    """Returns a signed token with valid claims, of which `changes` replace some."""
    now = datetime.now(UTC)
    claims: dict[str, Any] = {
        "iss": jwt.get_unverified_claims(make_tokens().sign(uuid4(), uuid4(), HOUR))["iss"],
        "sub": str(uuid4()),
        "sid": str(uuid4()),
        "iat": now,
        "exp": now + HOUR,
    }
    return jwt.encode(claims | changes, SECRET_KEY)


class TestSign:
    def test_the_claims_name_user_and_session(self) -> None:
        user_id, session_id = uuid4(), uuid4()

        claims = make_tokens().verify(make_tokens().sign(user_id, session_id, HOUR))

        assert (claims.user_id, claims.session_id) == (user_id, session_id)

    def test_the_token_is_valid_from_now_for_its_lifetime(self) -> None:
        claims = make_tokens().verify(make_tokens().sign(uuid4(), uuid4(), HOUR))

        assert timedelta(0) <= datetime.now(UTC) - claims.issued_at < timedelta(seconds=10)
        assert claims.expires_at - claims.issued_at == HOUR

    def test_the_first_key_signs(self) -> None:
        token = make_tokens(SECRET_KEY, RETIRED_KEY).sign(uuid4(), uuid4(), HOUR)

        make_tokens(SECRET_KEY).verify(token)
        with pytest.raises(NotAuthenticated):
            make_tokens(RETIRED_KEY).verify(token)


class TestVerify:
    @pytest.mark.parametrize("keys", [(SECRET_KEY, RETIRED_KEY), (RETIRED_KEY, SECRET_KEY)])
    def test_a_token_of_any_key_is_valid(self, keys: tuple[str, str]) -> None:
        user_id = uuid4()

        assert make_tokens(*keys).verify(make_tokens(SECRET_KEY).sign(user_id, uuid4(), HOUR)).user_id == user_id

    def test_a_token_of_a_removed_key_is_refused(self) -> None:
        token = make_tokens(RETIRED_KEY).sign(uuid4(), uuid4(), HOUR)
        make_tokens(SECRET_KEY, RETIRED_KEY).verify(token)

        with pytest.raises(NotAuthenticated):
            make_tokens(SECRET_KEY).verify(token)

    def test_a_cached_token_is_refused_after_its_expiry(self) -> None:
        token = make_token(exp=datetime.now(UTC).timestamp() + 0.1)
        tokens = make_tokens()
        tokens.verify(token)

        sleep(0.11)

        with pytest.raises(NotAuthenticated):
            tokens.verify(token)

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    def test_a_token_with_another_algorithm_is_refused(self, algorithm: str) -> None:
        claims = jwt.get_unverified_claims(make_token())

        with pytest.raises(NotAuthenticated):
            make_tokens().verify(jwt.encode(claims, SECRET_KEY, algorithm=algorithm))

    @pytest.mark.parametrize("issuer", ["", "someone else", "TODO-BACKEND", ["todo-backend", "x"]])
    def test_a_token_of_another_issuer_is_refused(self, issuer: object) -> None:
        with pytest.raises(NotAuthenticated):
            make_tokens().verify(make_token(iss=issuer))

    @pytest.mark.parametrize("depth", [100, 12_000, 1_000_000])
    def test_a_deeply_nested_header_is_refused(self, depth: int) -> None:
        # "W1tb" is "[[[" in base64, so the decoded header opens `3 * depth` nested JSON arrays.
        with pytest.raises(NotAuthenticated):
            make_tokens().verify("W1tb" * depth + ".e30.e30")

    @pytest.mark.parametrize("junk", ["\n", " ", "=", "!", "====", "\x00", "é", "+" * 100])
    def test_another_spelling_of_a_signature_is_refused(self, junk: str) -> None:
        token = make_token()

        for place in (len(token), len(token) - 1, len(token) - 20):
            with pytest.raises(NotAuthenticated):
                make_tokens().verify(token[:place] + junk + token[place:])

    def test_the_unused_bits_of_a_signature_are_no_second_spelling(self) -> None:
        token = make_token()
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        place = alphabet.index(token[-1])

        for other in alphabet[place - place % 4 : place - place % 4 + 4].replace(token[-1], ""):
            with pytest.raises(NotAuthenticated):
                make_tokens().verify(token[:-1] + other)

    def test_a_token_has_at_most_4096_characters(self) -> None:
        frame = len(make_token(padding=""))
        longest = make_token(padding="x" * (4096 - frame) * 3 + "")
        assert len(longest) > 4096

        with pytest.raises(NotAuthenticated):
            make_tokens().verify(longest)
        make_tokens().verify(make_token(padding="x" * 2000))


class TestMemory:
    def test_100_000_spellings_of_a_token_take_no_memory(self) -> None:
        tokens, token = make_tokens(), make_token()
        tokens.verify(token)

        tracemalloc.start()
        for number in range(100_000):
            with suppress(NotAuthenticated):
                tokens.verify(f"{token}{'=' * (number % 50)}{number:x}=")
        # Other threads of the tests, such as a mail server, allocate memory too.
        ours = [
            tracemalloc.Filter(inclusive=True, filename_pattern=name) for name in (session_tokens.__file__, __file__)
        ]
        kept = tracemalloc.take_snapshot().filter_traces(ours)
        tracemalloc.stop()

        assert sum(trace.size for trace in kept.traces) < 100_000


class TestIsHalfOver:
    @pytest.mark.parametrize(
        ("age", "is_half_over"),
        [
            (timedelta(minutes=-5), False),
            (timedelta(0), False),
            (timedelta(minutes=29), False),
            (timedelta(minutes=31), True),
            (timedelta(minutes=59), True),
        ],
    )
    def test_it_is_true_in_the_second_half_of_the_lifetime(self, age: timedelta, *, is_half_over: bool) -> None:
        issued_at = datetime.now(UTC) - age

        assert SessionClaims(uuid4(), uuid4(), issued_at, issued_at + HOUR).is_half_over is is_half_over
