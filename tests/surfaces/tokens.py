"""Helpers for tests that read, change, forge and send session tokens and cookies."""

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
from jose import jwt

from tests import postgres
from tests.accounts import AUTH
from tests.conftest import SECRET_KEY

WEEK = timedelta(days=7)
ME = f"{AUTH}/me"
HEADER = {"alg": "HS256", "typ": "JWT"}


def read_claims(token: str) -> dict[str, Any]:
    return jwt.get_unverified_claims(token)


def sign_token(payload: bytes, *, header: object = HEADER, key: str = SECRET_KEY) -> str:
    """Returns a token whose signature is valid HMAC-SHA256, even if `header` and `payload` are not."""
    parts = [urlsafe_b64encode(part).rstrip(b"=") for part in (json.dumps(header).encode(), payload)]
    signature = hmac.digest(key.encode(), b".".join(parts), "sha256")
    return b".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def replace_claims(token: str, **claims: object) -> str:
    """Returns a copy of the token with these claims replaced or added, and with a valid signature."""
    return sign_token(json.dumps(read_claims(token) | claims).encode())


def remove_claim(token: str, claim: str) -> str:
    claims = read_claims(token)
    del claims[claim]
    return sign_token(json.dumps(claims).encode())


def backdate(token: str, age: timedelta, *, key: str = SECRET_KEY) -> str:
    """Returns a signed copy of the token, issued `age` ago and valid for a week from then."""
    issued_at = datetime.now(UTC) - age
    return jwt.encode(read_claims(token) | {"iat": issued_at, "exp": issued_at + WEEK}, key)


def get_with_cookie(client: httpx2.Client, token: str | bytes, path: str = ME) -> httpx2.Response:
    """Sends a GET request with this session token as the only cookie."""
    client.cookies.clear()
    raw = token.encode() if isinstance(token, str) else token
    return client.get(path, headers={b"Cookie": b"session_token=" + raw})


def get_with_bearer(client: httpx2.Client, token: str | bytes) -> httpx2.Response:
    """Sends GET /api/v1/auth/me with this bearer token and without a cookie."""
    client.cookies.clear()
    raw = token.encode() if isinstance(token, str) else token
    return client.get(ME, headers={b"Authorization": b" ".join(filter(None, (b"Bearer", raw)))})


def read_session_cookies(response: httpx2.Response) -> list[dict[str, str]]:
    """Returns value and attributes of each session cookie that the response sets. Attributes are in lower case."""
    return read_cookies(response, "session_token")


def read_cookies(response: httpx2.Response, cookie: str) -> list[dict[str, str]]:
    """Returns value and attributes of each cookie of this name that the response sets."""
    cookies = []
    for line in response.headers.get_list("set-cookie"):
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        if name == cookie:
            split = (attribute.partition("=") for attribute in attributes)
            cookies.append({"value": value} | {key.lower(): text.lower() for key, _, text in split})
    return cookies


def fetch_session(database_url: str, token: str) -> dict[str, Any]:
    """Returns the database row of the session to which the token belongs."""
    (row,) = postgres.query(database_url, "SELECT * FROM sessions WHERE id = $1", UUID(read_claims(token)["sid"]))
    return dict(row)


def set_session_expiry(database_url: str, token: str, *, hours: int) -> None:
    """Sets the end of the token's session in the database to `hours` from now; 0 or less ends it."""
    statement = "UPDATE sessions SET expires_at = now() + $1 * interval '1 hour' WHERE id = $2"
    postgres.query(database_url, statement, hours, UUID(read_claims(token)["sid"]))


def age_session(database_url: str, token: str, age: timedelta) -> None:
    """Sets the login of the token's session in the database to now minus `age`. Its expiry stays in the future."""
    statement = "UPDATE sessions SET created_at = now() - $1::interval, expires_at = now() + $2::interval WHERE id = $3"
    postgres.query(database_url, statement, age, WEEK, UUID(read_claims(token)["sid"]))
