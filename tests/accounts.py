"""Accounts for tests, made through the API itself."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2

PASSWORD = "correct horse battery staple"
AUTH = "/api/v1/auth"
TODOS = "/api/v1/todos"
PROJECTS = "/api/v1/projects"
CHAT = "/api/v1/chat"


def new_email() -> str:
    return f"{uuid4().hex}@example.com"


@dataclass(frozen=True)
class Account:
    """A registered user, and a client whose cookie jar holds the session."""

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
        """Creates a todo."""
        created = self.client.post(TODOS, json={"title": title, **fields})
        assert created.status_code == 201, created.text
        todo: dict[str, Any] = created.json()
        return todo

    def add_project(self, name: str = "Home", **fields: object) -> dict[str, Any]:
        """Creates a project."""
        created = self.client.post(PROJECTS, json={"name": name, **fields})
        assert created.status_code == 201, created.text
        project: dict[str, Any] = created.json()
        return project

    def titles(self, **filters: str | int | bool | list[str]) -> list[str]:
        """The titles of the todos that a list with these filters shows."""
        found = self.client.get(TODOS, params=filters)
        assert found.status_code == 200, found.text
        return [todo["title"] for todo in found.json()]


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
    """Registers a new account and signs it in on the client."""
    user = register(client, **profile)
    response = sign_in(client, user["email"])
    assert response.status_code == 200, response.text
    return Account(client, user)


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Asserts that the response is this problem document, and gives it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["code"] == code
    assert document["status"] == status
    assert document["request_id"] == response.headers["x-request-id"]
    assert document["title"]
    assert document["detail"]
    assert document["type"]
    return document
