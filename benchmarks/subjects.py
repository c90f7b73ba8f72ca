"""Compared servers: ours, naive and floor, each with signed-in accounts and todos."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx2
from client import request_bytes
from servers import Server, migrate, new_database, service, uvicorn

OPERATIONS: Final = ("list", "get", "create", "patch")
_PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - accounts of one run
_OURS_API: Final = "/api/v1"
_PAGE_SIZE: Final = 20
_STORED_TODOS: Final = 25
"""Todos of each account: more than a page, so that ours also writes the link to the next page."""

_NEW_TODO: Final = {
    "title": "Buy milk",
    "priority": "high",
    "tags": ["home", "errands"],
    "due_at": "2030-01-31T17:00:00Z",
}
# Alternating, so that each patch changes values: SQLAlchemy skips writes of equal values.
_CHANGES: Final = ({"title": "Buy oat milk", "completed": True}, {"title": "Buy milk", "completed": False})


@dataclass(frozen=True)
class Subject:
    name: str
    server: Server
    requests: Mapping[str, Sequence[bytes]]
    """Requests of each operation, sent in turn."""


@contextmanager
def all_subjects(postgres_url: str) -> Iterator[tuple[Subject, Subject, Subject]]:
    """Starts all servers. Yields ours, naive and floor."""
    key = secrets.token_urlsafe(32)
    with ExitStack() as stack:
        ours = stack.enter_context(service(_ours_settings(new_database(postgres_url, "ours"), key)))
        naive = stack.enter_context(
            uvicorn("naive:app", {"DATABASE_URL": new_database(postgres_url, "naive"), "SECRET_KEY": key})
        )
        floor = stack.enter_context(uvicorn("floor:app", {}))
        yield (
            Subject("ours", ours, _requests(ours, f"{_OURS_API}/todos", _sign_in_to_ours)),
            Subject("naive", naive, _requests(naive, "/todos", _sign_in_to_naive)),
            Subject("floor", floor, _requests(floor, "/todos", _without_sign_in)),
        )


@contextmanager
def ours_with_model(database_url: str, model_url: str, *, pool_size: int) -> Iterator[Subject]:
    """Starts ours with a language model and few database connections."""
    settings = _ours_settings(database_url, secrets.token_urlsafe(32)) | {
        "DATABASE_POOL_SIZE": str(pool_size),
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": model_url,
    }
    with uvicorn("functions.main:app", settings) as server:
        yield Subject("ours with a model", server, _requests(server, f"{_OURS_API}/todos", _sign_in_to_ours))


@contextmanager
def at_commit(postgres_url: str, name: str, root: Path) -> Iterator[Subject]:
    """Starts the service as it ships, with the code below `root` and a database with the name of the subject."""
    # These paths come before those of the installed packages.
    paths = os.pathsep.join(
        str(root / folder) for folder in (".", "layers/core", "layers/assistant", "layers/delivery")
    )
    settings = _ours_settings(new_database(postgres_url, name), secrets.token_urlsafe(32)) | {"PYTHONPATH": paths}
    with service(settings) as server:
        yield Subject(name, server, _requests(server, f"{_OURS_API}/todos", _sign_in_to_ours))


@contextmanager
def shipped(postgres_url: str, name: str, **limits: str) -> Iterator[Server]:
    """Starts the service as it ships, in production, with a database of its own and its default limits of requests."""
    without_limit = str(10**6)
    settings = {
        "ENVIRONMENT": "production",
        "DATABASE_URL": new_database(postgres_url, name),
        "SECRET_KEY": secrets.token_urlsafe(32),
        "FAILED_LOGINS_PER_ADDRESS": without_limit,
        "REGISTRATIONS_PER_ADDRESS": without_limit,
        **limits,
    }
    migrate(settings)
    with service(settings) as server:
        yield server


def list_requests(ours: Server, users: int) -> list[bytes]:
    """Registers accounts with ours, each with a page of todos. Returns one list request for each."""
    requests = []
    for _ in range(users):
        with _client(ours) as client:
            _sign_in_to_ours(client)
            operations = [{"op": "create", "todo": _NEW_TODO}] * _STORED_TODOS
            client.post(f"{_OURS_API}/todos/batch", json={"operations": operations}).raise_for_status()
            cookies = dict(client.cookies)
        requests.append(request_bytes("GET", f"{_OURS_API}/todos?limit={_PAGE_SIZE}", cookies=cookies))
    return requests


def create_requests(ours: Server, users: int) -> list[bytes]:
    """Registers accounts with ours. Returns one request of each that creates a todo."""
    return [_post_of_new_account(ours, "todos", _NEW_TODO) for _ in range(users)]


def hostile_requests(ours: Server, address: str) -> dict[str, bytes]:
    """Registers an account with ours that has 1,000 todos. Returns an expensive request of each kind."""
    todo = _NEW_TODO | {"description": "milk and honey " * 60}
    batch = {"operations": [{"op": "create", "todo": todo}] * 100}
    with _client(ours) as client:
        credentials = _register_with_ours(client)
        client.post(f"{_OURS_API}/auth/login", json=credentials).raise_for_status()
        for _ in range(10):
            client.post(f"{_OURS_API}/todos/batch", json=batch).raise_for_status()
        cookies = dict(client.cookies)
    return {
        "batches": request_bytes("POST", f"{_OURS_API}/todos/batch", cookies=cookies, body=batch),
        "exports": request_bytes("GET", f"{_OURS_API}/auth/me/export", cookies=cookies),
        "searches": request_bytes("GET", f"{_OURS_API}/todos?q=honey&limit=200", cookies=cookies),
        "logins": request_bytes("POST", f"{_OURS_API}/auth/login", body=credentials, address=address),
        "chats": request_bytes("POST", f"{_OURS_API}/chat", cookies=cookies, body={"message": "list overdue"}),
        "changes": request_bytes("GET", f"{_OURS_API}/todos/changes?since=0&limit=200", cookies=cookies),
    }


def chat_requests(ours: Server, count: int) -> list[bytes]:
    """Registers accounts with ours. Returns one chat request for each."""
    return [_post_of_new_account(ours, "chat", {"message": "Hello"}) for _ in range(count)]


def _post_of_new_account(ours: Server, path: str, body: object) -> bytes:
    with _client(ours) as client:
        _sign_in_to_ours(client)
        return request_bytes("POST", f"{_OURS_API}/{path}", cookies=dict(client.cookies), body=body)


def login_requests(ours: Server, count: int) -> list[bytes]:
    """Registers accounts with ours. Returns one login request for each."""
    with _client(ours) as client:
        return [
            request_bytes("POST", f"{_OURS_API}/auth/login", body=_register_with_ours(client)) for _ in range(count)
        ]


def list_request(ours: Server) -> bytes:
    """Registers an account with todos at ours. Returns its list request."""
    return _requests(ours, f"{_OURS_API}/todos", _sign_in_to_ours)["list"][0]


def _ours_settings(database_url: str, key: str) -> dict[str, str]:
    without_limit = str(10**6)
    return {
        "DATABASE_URL": database_url,
        "SECRET_KEY": key,
        "FAILED_LOGINS_PER_ADDRESS": without_limit,
        "LOGINS_PER_ACCOUNT": without_limit,
        "LOGINS_PER_ADDRESS": without_limit,
        "REGISTRATIONS_PER_ADDRESS": without_limit,
        "REQUESTS_PER_MINUTE": without_limit,
        "REQUESTS_IN_FLIGHT": without_limit,
        "REQUESTS_AT_ONCE": without_limit,
    }


def _requests(server: Server, path: str, sign_in: Callable[[httpx2.Client], None]) -> dict[str, Sequence[bytes]]:
    # Two accounts, so that created todos do not lengthen the measured list.
    with _client(server) as reader, _client(server) as writer:
        sign_in(reader)
        sign_in(writer)
        for _ in range(_STORED_TODOS):
            reader.post(path, json=_NEW_TODO).raise_for_status()
        if (listed := len(reader.get(path, params={"limit": _PAGE_SIZE}).json())) != _PAGE_SIZE:
            raise RuntimeError(f"{path} lists {listed} todos, not {_PAGE_SIZE}")
        todo_id = writer.post(path, json=_NEW_TODO).raise_for_status().json()["id"]
        reads, writes = dict(reader.cookies), dict(writer.cookies)
    return {
        "list": [request_bytes("GET", f"{path}?limit={_PAGE_SIZE}", cookies=reads)],
        "get": [request_bytes("GET", f"{path}/{todo_id}", cookies=writes)],
        "create": [request_bytes("POST", path, cookies=writes, body=_NEW_TODO)],
        "patch": [request_bytes("PATCH", f"{path}/{todo_id}", cookies=writes, body=changes) for changes in _CHANGES],
    }


def _client(server: Server) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, timeout=30)


def _sign_in_to_ours(client: httpx2.Client) -> None:
    client.post(f"{_OURS_API}/auth/login", json=_register_with_ours(client)).raise_for_status()


def _register_with_ours(client: httpx2.Client) -> dict[str, str]:
    credentials = {"email": _new_email(), "password": _PASSWORD}
    client.post(f"{_OURS_API}/auth/register", json=credentials).raise_for_status()
    return credentials


def _sign_in_to_naive(client: httpx2.Client) -> None:
    client.post("/register", params={"email": _new_email()}).raise_for_status()


def _without_sign_in(_client: httpx2.Client) -> None:
    """Does nothing, because the floor has no accounts."""


def _new_email() -> str:
    return f"{uuid4().hex}@example.com"
