"""Creates accounts for tests, either through the API or directly in the database, 50 at a time."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import httpx2

from functions.auth.models import UserRead
from tests import postgres
from tests.operations import declared_codes
from todo_core.accounts.session_tokens import SessionTokens

PASSWORD = "correct horse battery staple"
AUTH = "/api/v1/auth"
TODOS = "/api/v1/todos"
PROJECTS = "/api/v1/projects"
TAGS = "/api/v1/tags"
QUICK_ADD = "/api/v1/quick-add"
CHAT = "/api/v1/chat"
WEBHOOKS = "/api/v1/webhooks"
UNKNOWN_ID = "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22"
"""An id that no todo, project or other object has."""
UNDECLARED_CODES: Final = {
    *("route_not_found", "method_not_allowed", "preflight_refused"),
    *("internal_error", "schema_outdated", "content_too_large"),
}
"""Codes that an operation need not declare.

They answer requests that reach no operation, faults of the service, and a large body where none is read.
"""
UNKNOWN_TODO = f"{TODOS}/{UNKNOWN_ID}"


def new_email() -> str:
    return f"{uuid4().hex}@example.com"


@dataclass(frozen=True)
class Account:
    """A registered user, and an HTTP client that has the user's session cookie."""

    client: httpx2.Client
    user: dict[str, Any]

    @property
    def email(self) -> str:
        return str(self.user["email"])

    @property
    def token(self) -> str:
        return str(self.client.cookies["session_token"])

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def add(self, title: str = "Buy milk", **fields: object) -> dict[str, Any]:
        """Creates a todo through the API and returns the response's JSON."""
        created = self.client.post(TODOS, json={"title": title, **fields})
        assert created.status_code == 201, created.text
        todo: dict[str, Any] = created.json()
        return todo

    def add_project(self, name: str = "Home", **fields: object) -> dict[str, Any]:
        """Creates a project through the API and returns the response's JSON."""
        created = self.client.post(PROJECTS, json={"name": name, **fields})
        assert created.status_code == 201, created.text
        project: dict[str, Any] = created.json()
        return project

    def titles(self, **filters: str | int | bool | list[str]) -> list[str]:
        """Returns the titles on the first page of the list of todos, filtered by query parameters."""
        found = self.client.get(TODOS, params=filters)
        assert found.status_code == 200, found.text
        return [todo["title"] for todo in found.json()]

    def delete(self, url: str) -> None:
        """Sends DELETE to the URL of a todo, which moves the todo to the trash."""
        deleted = self.client.delete(url)
        assert deleted.status_code == 204, deleted.text

    def trash(self) -> list[dict[str, Any]]:
        """Returns the first page of the todos in the trash."""
        listed = self.client.get(TODOS, params={"trashed": True})
        assert listed.status_code == 200, listed.text
        found: list[dict[str, Any]] = listed.json()
        return found


def change_password(
    client: httpx2.Client,
    current: str = PASSWORD,
    new: str = "another password",
    *,
    headers: dict[str, str] | None = None,
) -> httpx2.Response:
    body = {"current_password": current, "new_password": new}
    return client.post(f"{AUTH}/password", json=body, headers=headers)


def close_account(client: httpx2.Client, password: str = PASSWORD) -> httpx2.Response:
    return client.post(f"{AUTH}/close-account", json={"password": password})


def register(
    client: httpx2.Client, email: str | None = None, password: str = PASSWORD, **profile: str
) -> dict[str, Any]:
    registered = client.post(f"{AUTH}/register", json={"email": email or new_email(), "password": password, **profile})
    assert registered.status_code == 201, registered.text
    user: dict[str, Any] = registered.json()
    return user


def sign_in(client: httpx2.Client, email: str, password: str = PASSWORD) -> httpx2.Response:
    return client.post(f"{AUTH}/login", json={"email": email, "password": password})


def sign_up(client: httpx2.Client, **profile: str) -> Account:
    """Registers a new account through the API and signs in, which stores the session cookie in the client."""
    user = register(client, **profile)
    response = sign_in(client, user["email"])
    assert response.status_code == 200, response.text
    return Account(client, user)


_ACCOUNTS_PER_STATEMENT: Final = 50
# A bcrypt hash of PASSWORD with cost 4, the lowest that bcrypt allows, so that logins in tests are fast.
_HASH: Final = "$bcrypt-sha256$v=2,t=2b,r=4$2KJsPo9iXHh8xYDMuJ4aX.$zS60g18BO8KTrBOQEiwX8cxf7MsnxTC"
_SIGN_UP: Final = """
    WITH newcomer AS (
        INSERT INTO users (id, email, email_key, password_hash, timezone)
        SELECT gen_random_uuid(), email, email, $2, 'UTC' FROM unnest($1::text[]) AS email
        RETURNING id, email, name, timezone, created_at, false AS email_verified
    ), session AS (
        INSERT INTO sessions (id, user_id, expires_at) SELECT gen_random_uuid(), id, now() + $3 FROM newcomer
        RETURNING id, user_id
    )
    SELECT newcomer.*, session.id AS session_id FROM newcomer JOIN session ON session.user_id = newcomer.id
"""
_LIFETIME: Final = timedelta(days=7)


@dataclass
class Newcomers:
    """Signs clients in to new accounts without HTTP requests, which saves time in tests of other features."""

    database_url: str
    secret_key: str
    _unused: list[tuple[dict[str, Any], str]] = field(default_factory=list)

    def sign_in(self, client: httpx2.Client) -> Account:
        """Returns a new account. Stores its session cookie in the client as a login response would."""
        if not self._unused:
            self._unused = self._create_accounts()
        user, token = self._unused.pop()
        secure = "; Secure" if client.base_url.scheme == "https" else ""
        login = httpx2.Response(
            200,
            headers={"set-cookie": f"session_token={token}; HttpOnly; Path=/; SameSite=lax{secure}"},
            request=httpx2.Request("POST", client.base_url.join(f"{AUTH}/login")),
        )
        client.cookies.extract_cookies(login)
        return Account(client, user)

    def _create_accounts(self) -> list[tuple[dict[str, Any], str]]:
        tokens = SessionTokens([self.secret_key])
        emails = [new_email() for _ in range(_ACCOUNTS_PER_STATEMENT)]
        rows = postgres.query(self.database_url, _SIGN_UP, emails, _HASH, _LIFETIME)
        return [(_as_read(row), tokens.sign(row["id"], row["session_id"], _LIFETIME)) for row in map(dict, rows)]


def _as_read(row: dict[str, Any]) -> dict[str, Any]:
    return UserRead.model_validate(row).model_dump(mode="json")


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Asserts that the response is an RFC 9457 problem with this status and code. Returns its JSON document.

    The OpenAPI document must declare the code for the operation.
    """
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["code"] == code
    declared = declared_codes(response.request.method, response.request.url.path)
    assert declared is None or code in declared | UNDECLARED_CODES
    assert document["status"] == status
    assert document["request_id"] == response.headers["x-request-id"]
    assert document["title"]
    assert document["detail"]
    assert document["type"]
    return document


def read_invalid_field(response: httpx2.Response) -> str:
    """Asserts that the response is a 422 with exactly one invalid field. Returns the field's name."""
    (fault,) = problem(response, 422, "validation_failed")["errors"]
    return str(fault["field"])
