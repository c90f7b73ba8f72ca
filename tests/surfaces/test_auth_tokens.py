"""Session tokens: their claims, key rotation, and forged tokens."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2
import pytest
from jose import jwt

from tests.accounts import Account, problem, sign_in, sign_up
from tests.conftest import RETIRED_KEY, SECRET_KEY
from tests.serving import Surface
from tests.surfaces.tokens import (
    HEADER,
    WEEK,
    backdate,
    get_with_bearer,
    get_with_cookie,
    read_claims,
    remove_claim,
    replace_claims,
    sign_token,
)

CLAIMS = ("iss", "sub", "sid", "iat", "exp")

type Forgery = Callable[[str, str], str]
"""Function that builds a forged token from a valid token of Ada and one of Bob."""


class TestToken:
    def test_it_is_a_jwt_with_five_claims(self, ada: Account) -> None:
        claims = jwt.decode(ada.token, SECRET_KEY, algorithms=["HS256"])

        assert jwt.get_unverified_header(ada.token)["alg"] == "HS256"
        assert set(claims) == set(CLAIMS)
        assert claims["sub"] == ada.user["id"]
        assert claims["exp"] - claims["iat"] == WEEK.total_seconds()

    def test_each_login_has_another_sid(self, ada: Account, client: httpx2.Client) -> None:
        other = sign_in(client, ada.email).cookies["session_token"]

        assert read_claims(other)["sid"] != read_claims(ada.token)["sid"]


class TestKeyRotation:
    def test_a_token_of_the_retired_key_is_valid(self, ada: Account, client: httpx2.Client) -> None:
        old = jwt.encode(read_claims(ada.token), RETIRED_KEY)

        assert get_with_cookie(client, old).json() == ada.user
        assert get_with_bearer(client, old).json() == ada.user

    def test_the_first_key_signs_new_tokens(self, ada: Account) -> None:
        assert jwt.decode(ada.token, SECRET_KEY, algorithms=["HS256"])

    def test_a_renewed_token_is_signed_with_the_first_key(self, ada: Account, client: httpx2.Client) -> None:
        old = backdate(ada.token, timedelta(days=5), key=RETIRED_KEY)

        renewed = get_with_cookie(client, old).cookies["session_token"]

        assert jwt.decode(renewed, SECRET_KEY, algorithms=["HS256"])

    def test_an_expired_token_of_the_retired_key_is_refused(self, ada: Account, client: httpx2.Client) -> None:
        old = backdate(ada.token, timedelta(days=8), key=RETIRED_KEY)

        problem(get_with_cookie(client, old), 401, "not_authenticated")


def _with_payload_of(token: str, other: str) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{other.split('.')[1]}.{signature}"


def _with_other_signature(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def _with_algorithm(token: str, algorithm: object) -> str:
    return sign_token(json.dumps(read_claims(token)).encode(), header=HEADER | {"alg": algorithm})


def _without_claim(claim: str) -> Forgery:
    return lambda ada, _: remove_claim(ada, claim)


def _with_null(claim: str) -> Forgery:
    return lambda ada, _: replace_claims(ada, **{claim: None})


def _with_list(claim: str) -> Forgery:
    return lambda ada, _: replace_claims(ada, **{claim: [read_claims(ada)[claim]]})


FORGERIES: dict[str, Forgery] = {
    "expired": lambda ada, _: replace_claims(ada, exp=int(datetime.now(UTC).timestamp()) - 1),
    "expired long ago": lambda ada, _: replace_claims(ada, iat=0, exp=1),
    "other payload": _with_payload_of,
    "other signature": lambda ada, _: _with_other_signature(ada),
    "no signature": lambda ada, _: ada.rpartition(".")[0] + ".",
    "no third part": lambda ada, _: ada.rpartition(".")[0],
    "a fourth part": lambda ada, _: ada + ".e30",
    "foreign key": lambda ada, _: jwt.encode(read_claims(ada), "a-key-that-is-not-a-key-of-the-service-0123456"),
    "empty key": lambda ada, _: sign_token(json.dumps(read_claims(ada)).encode(), key=""),
    "both keys as one": lambda ada, _: jwt.encode(read_claims(ada), f"{SECRET_KEY},{RETIRED_KEY}"),
    "alg none": lambda ada, _: _with_algorithm(ada, "none").rpartition(".")[0] + ".",
    "alg None": lambda ada, _: _with_algorithm(ada, "None").rpartition(".")[0] + ".",
    "alg none, signed": lambda ada, _: _with_algorithm(ada, "none"),
    "alg HS384": lambda ada, _: jwt.encode(read_claims(ada), SECRET_KEY, algorithm="HS384"),
    "alg HS512": lambda ada, _: jwt.encode(read_claims(ada), SECRET_KEY, algorithm="HS512"),
    "alg RS256": lambda ada, _: _with_algorithm(ada, "RS256"),
    "alg hs256": lambda ada, _: _with_algorithm(ada, "hs256"),
    "alg null": lambda ada, _: _with_algorithm(ada, None),
    "alg a list": lambda ada, _: _with_algorithm(ada, ["HS256"]),
    "alg an object": lambda ada, _: _with_algorithm(ada, {"HS256": 1}),
    "no alg": lambda ada, _: sign_token(json.dumps(read_claims(ada)).encode(), header={"typ": "JWT"}),
    "header a list": lambda ada, _: sign_token(json.dumps(read_claims(ada)).encode(), header=["HS256"]),
    "header null": lambda ada, _: sign_token(json.dumps(read_claims(ada)).encode(), header=None),
    "header no JSON": lambda ada, _: f"AAAA.{ada.partition('.')[2]}",
    "header nested deeply": lambda _, __: urlsafe_b64encode(b"[" * 12_000).decode() + ".e30.e30",
    **{f"no {claim}": _without_claim(claim) for claim in CLAIMS},
    **{f"{claim} null": _with_null(claim) for claim in CLAIMS},
    **{f"{claim} a list": _with_list(claim) for claim in CLAIMS},
    "exp text": lambda ada, _: replace_claims(ada, exp="tomorrow"),
    "exp too large": lambda ada, _: replace_claims(ada, exp=10**30),
    "exp infinite": lambda ada, _: replace_claims(ada, exp=float("inf")),
    "exp not a number": lambda ada, _: replace_claims(ada, exp=float("nan")),
    "iat text": lambda ada, _: replace_claims(ada, iat="yesterday"),
    "iat too small": lambda ada, _: replace_claims(ada, iat=-(10**30)),
    "other iss": lambda ada, _: replace_claims(ada, iss="someone-else"),
    "sub no UUID": lambda ada, _: replace_claims(ada, sub="ada"),
    "sub a number": lambda ada, _: replace_claims(ada, sub=1),
    "sub NUL": lambda ada, _: replace_claims(ada, sub="\0"),
    "sid no UUID": lambda ada, _: replace_claims(ada, sid="first"),
    "sid a number": lambda ada, _: replace_claims(ada, sid=1),
    "unknown sub": lambda ada, _: replace_claims(ada, sub=str(uuid4())),
    "unknown sid": lambda ada, _: replace_claims(ada, sid=str(uuid4())),
    "sid of another user": lambda ada, bob: replace_claims(ada, sid=read_claims(bob)["sid"]),
    "sub of another user": lambda ada, bob: replace_claims(ada, sub=read_claims(bob)["sub"]),
    "claims a list": lambda ada, _: sign_token(json.dumps(list(read_claims(ada).items())).encode()),
    "claims text": lambda ada, _: sign_token(json.dumps(json.dumps(read_claims(ada))).encode()),
    "claims null": lambda _, __: sign_token(b"null"),
    "claims empty": lambda _, __: sign_token(b""),
    "claims no JSON": lambda _, __: sign_token(b"\xff\xfe{"),
    "empty": lambda _, __: "",
    "dots": lambda _, __: "..",
    "garbage": lambda _, __: "garbage",
    "10 kB of garbage": lambda _, __: "garbage-" * 1250,
    "10 kB of dots": lambda _, __: "." * 10_000,
    "UTF-8": lambda _, __: "é.é.é",
}


@pytest.fixture(scope="module")
def tokens(app_surface: Surface) -> tuple[str, str]:
    """Returns session tokens of Ada and Bob. They are valid on every surface: all share a database and a key."""
    with app_surface.client() as ada, app_surface.client() as bob:
        return sign_up(ada).token, sign_up(bob).token


class TestForgery:
    @pytest.mark.parametrize("kind", FORGERIES)
    def test_it_is_refused(self, tokens: tuple[str, str], client: httpx2.Client, kind: str) -> None:
        forgery = FORGERIES[kind](*tokens)

        problem(get_with_cookie(client, forgery), 401, "not_authenticated")
        problem(get_with_bearer(client, forgery), 401, "not_authenticated")

    @pytest.mark.parametrize("raw", [b"\xe9.\xe9.\xe9", b"\xff\xfe\xfd", b"\x80"], ids=repr)
    def test_bytes_that_are_not_text_are_refused(self, client: httpx2.Client, raw: bytes) -> None:
        problem(get_with_cookie(client, raw), 401, "not_authenticated")
        problem(get_with_bearer(client, raw), 401, "not_authenticated")

    def test_an_unchanged_token_passes(self, tokens: tuple[str, str], client: httpx2.Client) -> None:
        # Proves that forgeries are refused for their changes: a token that the test rebuilds unchanged passes.
        assert get_with_cookie(client, replace_claims(tokens[0])).status_code == 200
        assert get_with_bearer(client, replace_claims(tokens[0])).status_code == 200
