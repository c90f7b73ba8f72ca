"""Helpers for tests that make API tokens and send requests with them."""

from collections.abc import Iterable
from hashlib import sha256
from secrets import choice
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any, Final
from uuid import UUID
from zlib import crc32

import httpx2

from tests import postgres
from tests.accounts import AUTH, Account

TOKENS: Final = f"{AUTH}/tokens"
SCOPES: Final = ("account:read", "chat", "todos:read", "todos:write")
BASE_62: Final = digits + ascii_uppercase + ascii_lowercase
_ADD: Final = """
    INSERT INTO api_tokens (id, user_id, name, token_hash, scopes, expires_at)
    VALUES (gen_random_uuid(), $1, 'Backup', $2, $3, now() + $4::text::interval)
"""

type Json = dict[str, Any]


def post_token(account: Account, **fields: object) -> httpx2.Response:
    return account.client.post(TOKENS, json={"name": "Backup", "scopes": ["todos:read"], **fields})


def create_token(account: Account, *scopes: str, **fields: object) -> Json:
    """Makes an API token with these scopes, or with all, through the API. Returns the response's JSON."""
    created = post_token(account, scopes=scopes or SCOPES, **fields)
    assert created.status_code == 201, created.text
    token: Json = created.json()
    return token


def invent_token() -> str:
    """Returns a text with the form of an API token, and with a valid checksum."""
    text = "".join(choice(BASE_62) for _ in range(34))
    number = crc32(text.encode())
    return f"todo_pat_{text}{''.join(BASE_62[number // 62**place % 62] for place in range(5, -1, -1))}"


def add_token(
    database_url: str, account: Account, scopes: Iterable[str] = SCOPES, *, expires_in: str | None = None
) -> dict[str, str]:
    """Adds an API token to the database, without a request. Returns the header with it.

    `expires_in` is an interval of PostgreSQL, such as `1 hour`.
    """
    token = invent_token()
    digest = sha256(token.encode()).digest()
    postgres.query(database_url, _ADD, UUID(account.user["id"]), digest, list(scopes), expires_in)
    return {"Authorization": f"Bearer {token}"}


def bearer(token: Json) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['token']}"}


def list_tokens(account: Account) -> list[Json]:
    listed = account.client.get(TOKENS)
    assert listed.status_code == 200, listed.text
    found: list[Json] = listed.json()
    return found


def expire(database_url: str, token: Json) -> None:
    """Moves the end of the token in the database into the past."""
    statement = "UPDATE api_tokens SET expires_at = now() - interval '1 second' WHERE id = $1"
    postgres.query(database_url, statement, UUID(token["id"]))


def set_last_used(database_url: str, token: Json, interval: str) -> None:
    """Sets `last_used_at` of the token in the database to now minus an interval such as `1 hour`."""
    statement = "UPDATE api_tokens SET last_used_at = now() - $2::text::interval WHERE id = $1"
    postgres.query(database_url, statement, UUID(token["id"]), interval)
