"""Compared servers: ours and five others, each with signed-in accounts and todos."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx2
import pocketbase
from client import request_bytes
from servers import Server, migrate, new_database, service, uvicorn

OPERATIONS: Final = ("list", "get", "create", "patch")
_PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - accounts of one run
_OURS_API: Final = "/api/v1"
_BENCH_PACKAGES: Final = str(Path(__file__).parents[1] / ".tools/bench/lib/python3.13/site-packages")
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


@dataclass(frozen=True)
class _Api:
    """The todo API of a subject: how a client signs in, and the paths of its requests.

    `sign_in` takes a client and a new email, and returns the fields that each new todo of the client needs. With
    `items`, a list is the member of this name in its document.
    """

    path: str
    sign_in: Callable[[httpx2.Client, str], Mapping[str, str]]
    page_query: str = f"limit={_PAGE_SIZE}"
    items: str | None = None


@contextmanager
def all_subjects(postgres_url: str) -> Iterator[list[Subject]]:
    """Starts all servers. Yields ours, naive, template, pocketbase, floor and limit."""
    key = secrets.token_urlsafe(32)
    with ExitStack() as stack:

        def start(name: str, api: _Api, *, has_database: bool = True, packages: str = "") -> Subject:
            settings = {"DATABASE_URL": new_database(postgres_url, name)} if has_database else {}
            environment = settings | {"SECRET_KEY": key, "PYTHONPATH": packages}
            server = stack.enter_context(uvicorn(f"{name}:app", environment))
            return Subject(name, server, _requests(server, api))

        ours = stack.enter_context(service(_ours_settings(new_database(postgres_url, "ours"), key)))
        base = stack.enter_context(pocketbase.pocketbase())
        page = f"perPage={_PAGE_SIZE}&sort=order,id&skipTotal=1"
        yield [
            Subject("ours", ours, _requests(ours, _OURS)),
            start("naive", _Api("/todos", _sign_in_by_email)),
            start("template", _Api("/todos/", _sign_in_by_email, items="data"), packages=_BENCH_PACKAGES),
            Subject("pocketbase", base, _requests(base, _Api(pocketbase.PATH, pocketbase.sign_in, page, "items"))),
            start("floor", _Api("/todos", _without_sign_in), has_database=False),
            start("limit", _Api("/todos", _without_sign_in)),
        ]


@contextmanager
def ours_with_model(database_url: str, model_url: str, *, pool_size: int) -> Iterator[Subject]:
    """Starts ours with a language model and few database connections."""
    settings = _ours_settings(database_url, secrets.token_urlsafe(32)) | {
        "DATABASE_POOL_SIZE": str(pool_size),
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": model_url,
    }
    with uvicorn("functions.main:app", settings) as server:
        yield Subject("ours with a model", server, _requests(server, _OURS))


@contextmanager
def at_commit(postgres_url: str, name: str, root: Path) -> Iterator[Subject]:
    """Starts the service as it ships, with the code below `root` and a database with the name of the subject."""
    # These paths come before those of the installed packages.
    paths = os.pathsep.join(
        str(root / folder) for folder in (".", "layers/core", "layers/assistant", "layers/delivery")
    )
    settings = _ours_settings(new_database(postgres_url, name), secrets.token_urlsafe(32)) | {"PYTHONPATH": paths}
    with service(settings) as server:
        yield Subject(name, server, _requests(server, _OURS))


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
            _sign_in_to_ours(client, _new_email())
            operations = [{"op": "create", "todo": _NEW_TODO}] * _STORED_TODOS
            client.post(f"{_OURS_API}/todos/batch", json={"operations": operations}).raise_for_status()
            headers = _credentials(client)
        requests.append(request_bytes("GET", f"{_OURS_API}/todos?limit={_PAGE_SIZE}", headers=headers))
    return requests


def create_requests(ours: Server, users: int) -> list[bytes]:
    """Registers accounts with ours. Returns one request of each that creates a todo."""
    return [_post_of_new_account(ours, "todos", _NEW_TODO) for _ in range(users)]


def hostile_requests(ours: Server, address: str) -> dict[str, bytes]:
    """Registers an account with ours that has 1,000 todos. Returns an expensive request of each kind."""
    todo = _NEW_TODO | {"description": "milk and honey " * 60}
    batch = {"operations": [{"op": "create", "todo": todo}] * 100}
    with _client(ours) as client:
        credentials = _register_with_ours(client, _new_email())
        client.post(f"{_OURS_API}/auth/login", json=credentials).raise_for_status()
        for _ in range(10):
            client.post(f"{_OURS_API}/todos/batch", json=batch).raise_for_status()
        headers = _credentials(client)
    return {
        "batches": request_bytes("POST", f"{_OURS_API}/todos/batch", headers=headers, body=batch),
        "exports": request_bytes("GET", f"{_OURS_API}/auth/me/export", headers=headers),
        "searches": request_bytes("GET", f"{_OURS_API}/todos?q=honey&limit=200", headers=headers),
        "logins": request_bytes(
            "POST", f"{_OURS_API}/auth/login", body=credentials, headers={"X-Forwarded-For": address}
        ),
        "chats": request_bytes("POST", f"{_OURS_API}/chat", headers=headers, body={"message": "list overdue"}),
        "changes": request_bytes("GET", f"{_OURS_API}/todos/changes?since=0&limit=200", headers=headers),
    }


def chat_requests(ours: Server, count: int) -> list[bytes]:
    """Registers accounts with ours. Returns one chat request for each."""
    return [_post_of_new_account(ours, "chat", {"message": "Hello"}) for _ in range(count)]


def _post_of_new_account(ours: Server, path: str, body: object) -> bytes:
    with _client(ours) as client:
        _sign_in_to_ours(client, _new_email())
        return request_bytes("POST", f"{_OURS_API}/{path}", headers=_credentials(client), body=body)


def login_requests(ours: Server, count: int) -> list[bytes]:
    """Registers accounts with ours. Returns one login request for each."""
    with _client(ours) as client:
        return [
            request_bytes("POST", f"{_OURS_API}/auth/login", body=_register_with_ours(client, _new_email()))
            for _ in range(count)
        ]


def list_request(ours: Server) -> bytes:
    """Registers an account with todos at ours. Returns its list request."""
    return _requests(ours, _OURS)["list"][0]


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


def _requests(server: Server, api: _Api) -> dict[str, Sequence[bytes]]:
    # Two accounts, so that created todos do not lengthen the measured list.
    with _client(server) as reader, _client(server) as writer:
        listed, written = ({**_NEW_TODO, **api.sign_in(client, _new_email())} for client in (reader, writer))
        for _ in range(_STORED_TODOS):
            reader.post(api.path, json=listed).raise_for_status()
        page = reader.get(f"{api.path}?{api.page_query}").raise_for_status().json()
        if (length := len(page[api.items] if api.items else page)) != _PAGE_SIZE:
            raise RuntimeError(f"{api.path} lists {length} todos, not {_PAGE_SIZE}")
        todo_id = writer.post(api.path, json=written).raise_for_status().json()["id"]
        reads, writes = _credentials(reader), _credentials(writer)
    todo = f"{api.path.rstrip('/')}/{todo_id}"
    return {
        "list": [request_bytes("GET", f"{api.path}?{api.page_query}", headers=reads)],
        "get": [request_bytes("GET", todo, headers=writes)],
        "create": [request_bytes("POST", api.path, headers=writes, body=written)],
        "patch": [request_bytes("PATCH", todo, headers=writes, body=changes) for changes in _CHANGES],
    }


def _credentials(client: httpx2.Client) -> dict[str, str]:
    """Returns the headers by which a client is signed in."""
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}
    return (cookies if client.cookies else {}) | {
        name: value for name, value in client.headers.items() if name == "authorization"
    }


def _client(server: Server) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, timeout=30)


def _sign_in_to_ours(client: httpx2.Client, email: str) -> Mapping[str, str]:
    client.post(f"{_OURS_API}/auth/login", json=_register_with_ours(client, email)).raise_for_status()
    return {}


def _register_with_ours(client: httpx2.Client, email: str) -> dict[str, str]:
    credentials = {"email": email, "password": _PASSWORD}
    client.post(f"{_OURS_API}/auth/register", json=credentials).raise_for_status()
    return credentials


def _sign_in_by_email(client: httpx2.Client, email: str) -> Mapping[str, str]:
    """Signs in to naive, which sets a cookie, or to the template, which answers a token."""
    answer = client.post("/register", params={"email": email}).raise_for_status().json()
    if answer is not None:
        client.headers["Authorization"] = f"Bearer {answer['access_token']}"
    return {}


def _without_sign_in(_client: httpx2.Client, _email: str) -> Mapping[str, str]:
    """Does nothing, because floor and limit have no accounts."""
    return {}


def _new_email() -> str:
    return f"{uuid4().hex}@example.com"


_OURS: Final = _Api(f"{_OURS_API}/todos", _sign_in_to_ours)
