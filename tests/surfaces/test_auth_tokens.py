"""Which tokens say who asks: those that one of the keys has signed, and nothing that merely looks like one."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from jose import jwt

from tests.accounts import AUTH, Account, problem, sign_in, sign_up
from tests.conftest import RETIRED_KEY, SECRET_KEY
from tests.serving import Surface

WEEK = timedelta(days=7)
ME = f"{AUTH}/me"
CLAIMS = ("iss", "sub", "sid", "iat", "exp")
HEADER = {"alg": "HS256", "typ": "JWT"}

type Forgery = Callable[[str, str], str]
"""Makes a token from Ada's and from Bob's."""


def claims_of(token: str) -> dict[str, Any]:
    return jwt.get_unverified_claims(token)


def signed(payload: bytes, *, header: object = HEADER, key: str = SECRET_KEY) -> str:
    """A token whose HMAC-SHA256 is right, whatever else it says."""
    parts = [urlsafe_b64encode(part).rstrip(b"=") for part in (json.dumps(header).encode(), payload)]
    signature = hmac.digest(key.encode(), b".".join(parts), "sha256")
    return b".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def changed(token: str, **claims: object) -> str:
    """The token with these claims instead of its own."""
    return signed(json.dumps(claims_of(token) | claims).encode())


def without(token: str, claim: str) -> str:
    claims = claims_of(token)
    del claims[claim]
    return signed(json.dumps(claims).encode())


def aged(token: str, age: timedelta, *, key: str = SECRET_KEY) -> str:
    """The token as it would be if it had been made this long ago."""
    issued_at = datetime.now(UTC) - age
    return jwt.encode(claims_of(token) | {"iat": issued_at, "exp": issued_at + WEEK}, key)


def with_cookie(client: httpx2.Client, token: str | bytes, path: str = ME) -> httpx2.Response:
    """Asks with this cookie, and with no other."""
    client.cookies.clear()
    raw = token.encode() if isinstance(token, str) else token
    return client.get(path, headers={b"Cookie": b"session_token=" + raw})


def with_bearer(client: httpx2.Client, token: str | bytes) -> httpx2.Response:
    """Asks with this bearer token, and without a cookie."""
    client.cookies.clear()
    raw = token.encode() if isinstance(token, str) else token
    return client.get(ME, headers={b"Authorization": b" ".join(filter(None, (b"Bearer", raw)))})


class TestToken:
    def test_it_is_a_jwt_of_five_claims(self, ada: Account) -> None:
        claims = jwt.decode(ada.token, SECRET_KEY, algorithms=["HS256"])

        assert jwt.get_unverified_header(ada.token)["alg"] == "HS256"
        assert set(claims) == set(CLAIMS)
        assert claims["sub"] == ada.user["id"]
        assert claims["exp"] - claims["iat"] == WEEK.total_seconds()

    def test_each_sign_in_has_a_sid_of_its_own(self, ada: Account, client: httpx2.Client) -> None:
        other = sign_in(client, ada.email).cookies["session_token"]

        assert claims_of(other)["sid"] != claims_of(ada.token)["sid"]


class TestKeyRotation:
    def test_a_token_of_the_retired_key_is_good(self, ada: Account, client: httpx2.Client) -> None:
        old = jwt.encode(claims_of(ada.token), RETIRED_KEY)

        assert with_cookie(client, old).json() == ada.user
        assert with_bearer(client, old).json() == ada.user

    def test_new_tokens_are_of_the_first_key(self, ada: Account) -> None:
        assert jwt.decode(ada.token, SECRET_KEY, algorithms=["HS256"])

    def test_renewal_replaces_the_retired_key(self, ada: Account, client: httpx2.Client) -> None:
        old = aged(ada.token, timedelta(days=5), key=RETIRED_KEY)

        renewed = with_cookie(client, old).cookies["session_token"]

        assert jwt.decode(renewed, SECRET_KEY, algorithms=["HS256"])

    def test_an_expired_token_of_the_retired_key_is_bad(self, ada: Account, client: httpx2.Client) -> None:
        old = aged(ada.token, timedelta(days=8), key=RETIRED_KEY)

        problem(with_cookie(client, old), 401, "not_authenticated")


def _with_payload_of(token: str, other: str) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{other.split('.')[1]}.{signature}"


def _with_other_signature(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def _saying(token: str, algorithm: object) -> str:
    return signed(json.dumps(claims_of(token)).encode(), header=HEADER | {"alg": algorithm})


def _leaving_out(claim: str) -> Forgery:
    return lambda ada, _: without(ada, claim)


def _saying_null(claim: str) -> Forgery:
    return lambda ada, _: changed(ada, **{claim: None})


def _saying_a_list(claim: str) -> Forgery:
    return lambda ada, _: changed(ada, **{claim: [claims_of(ada)[claim]]})


FORGERIES: dict[str, Forgery] = {
    "expired": lambda ada, _: changed(ada, exp=int(datetime.now(UTC).timestamp()) - 1),
    "expired long ago": lambda ada, _: changed(ada, iat=0, exp=1),
    "other payload": _with_payload_of,
    "other signature": lambda ada, _: _with_other_signature(ada),
    "no signature": lambda ada, _: ada.rpartition(".")[0] + ".",
    "no third part": lambda ada, _: ada.rpartition(".")[0],
    "a fourth part": lambda ada, _: ada + ".e30",
    "foreign key": lambda ada, _: jwt.encode(claims_of(ada), "a-key-that-nobody-here-has-ever-signed-with-0123"),
    "empty key": lambda ada, _: signed(json.dumps(claims_of(ada)).encode(), key=""),
    "both keys as one": lambda ada, _: jwt.encode(claims_of(ada), f"{SECRET_KEY},{RETIRED_KEY}"),
    "alg none": lambda ada, _: _saying(ada, "none").rpartition(".")[0] + ".",
    "alg None": lambda ada, _: _saying(ada, "None").rpartition(".")[0] + ".",
    "alg none, signed": lambda ada, _: _saying(ada, "none"),
    "alg HS384": lambda ada, _: jwt.encode(claims_of(ada), SECRET_KEY, algorithm="HS384"),
    "alg HS512": lambda ada, _: jwt.encode(claims_of(ada), SECRET_KEY, algorithm="HS512"),
    "alg RS256": lambda ada, _: _saying(ada, "RS256"),
    "alg hs256": lambda ada, _: _saying(ada, "hs256"),
    "alg null": lambda ada, _: _saying(ada, None),
    "alg a list": lambda ada, _: _saying(ada, ["HS256"]),
    "alg an object": lambda ada, _: _saying(ada, {"HS256": 1}),
    "no alg": lambda ada, _: signed(json.dumps(claims_of(ada)).encode(), header={"typ": "JWT"}),
    "header a list": lambda ada, _: signed(json.dumps(claims_of(ada)).encode(), header=["HS256"]),
    "header null": lambda ada, _: signed(json.dumps(claims_of(ada)).encode(), header=None),
    "header no JSON": lambda ada, _: f"AAAA.{ada.partition('.')[2]}",
    "header nested absurdly deep": lambda _, __: urlsafe_b64encode(b"[" * 12_000).decode() + ".e30.e30",
    **{f"no {claim}": _leaving_out(claim) for claim in CLAIMS},
    **{f"{claim} null": _saying_null(claim) for claim in CLAIMS},
    **{f"{claim} a list": _saying_a_list(claim) for claim in CLAIMS},
    "exp in words": lambda ada, _: changed(ada, exp="tomorrow"),
    "exp past the end of time": lambda ada, _: changed(ada, exp=10**30),
    "exp infinite": lambda ada, _: changed(ada, exp=float("inf")),
    "exp not a number": lambda ada, _: changed(ada, exp=float("nan")),
    "iat in words": lambda ada, _: changed(ada, iat="yesterday"),
    "iat before the beginning of time": lambda ada, _: changed(ada, iat=-(10**30)),
    "other iss": lambda ada, _: changed(ada, iss="someone-else"),
    "sub no UUID": lambda ada, _: changed(ada, sub="ada"),
    "sub a number": lambda ada, _: changed(ada, sub=1),
    "sub NUL": lambda ada, _: changed(ada, sub="\0"),
    "sid no UUID": lambda ada, _: changed(ada, sid="first"),
    "sid a number": lambda ada, _: changed(ada, sid=1),
    "unknown sub": lambda ada, _: changed(ada, sub=str(uuid4())),
    "unknown sid": lambda ada, _: changed(ada, sid=str(uuid4())),
    "sid of another user": lambda ada, bob: changed(ada, sid=claims_of(bob)["sid"]),
    "sub of another user": lambda ada, bob: changed(ada, sub=claims_of(bob)["sub"]),
    "claims a list": lambda ada, _: signed(json.dumps(list(claims_of(ada).items())).encode()),
    "claims text": lambda ada, _: signed(json.dumps(json.dumps(claims_of(ada))).encode()),
    "claims null": lambda _, __: signed(b"null"),
    "claims empty": lambda _, __: signed(b""),
    "claims no JSON": lambda _, __: signed(b"\xff\xfe{"),
    "empty": lambda _, __: "",
    "dots": lambda _, __: "..",
    "garbage": lambda _, __: "garbage",
    "10 kB of garbage": lambda _, __: "garbage-" * 1250,
    "10 kB of dots": lambda _, __: "." * 10_000,
    "UTF-8": lambda _, __: "é.é.é",
}


@pytest.fixture(scope="module")
def tokens(app_surface: Surface) -> tuple[str, str]:
    """Ada's and Bob's, good on every way of serving."""
    with app_surface.client() as ada, app_surface.client() as bob:
        return sign_up(ada).token, sign_up(bob).token


class TestForgery:
    @pytest.mark.parametrize("kind", FORGERIES)
    def test_it_is_nobodys(self, tokens: tuple[str, str], client: httpx2.Client, kind: str) -> None:
        forgery = FORGERIES[kind](*tokens)

        problem(with_cookie(client, forgery), 401, "not_authenticated")
        problem(with_bearer(client, forgery), 401, "not_authenticated")

    @pytest.mark.parametrize("raw", [b"\xe9.\xe9.\xe9", b"\xff\xfe\xfd", b"\x80"], ids=repr)
    def test_bytes_that_are_no_text_are_nobodys(self, client: httpx2.Client, raw: bytes) -> None:
        problem(with_cookie(client, raw), 401, "not_authenticated")
        problem(with_bearer(client, raw), 401, "not_authenticated")

    def test_a_token_that_is_right_in_everything_is_not_one(
        self, tokens: tuple[str, str], client: httpx2.Client
    ) -> None:
        # Otherwise those above could be refused for the way in which they are put together.
        assert with_cookie(client, changed(tokens[0])).status_code == 200
        assert with_bearer(client, changed(tokens[0])).status_code == 200
