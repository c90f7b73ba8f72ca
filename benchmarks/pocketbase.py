"""A todo service with PocketBase: one Go process with SQLite inside, and accounts, rules and an API of its own."""

import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
from client import HOST
from servers import Server, free_port, serving

_BINARY: Final = Path(sys.prefix).parent / ".tools/bench/bin/pocketbase"
PATH: Final = "/api/collections/todos/records"
_OWN: Final = "owner = @request.auth.id"
_COLLECTION: Final[Mapping[str, Any]] = {
    "name": "todos",
    "type": "base",
    "listRule": _OWN,
    "viewRule": _OWN,
    "createRule": "@request.body.owner = @request.auth.id",
    "updateRule": _OWN,
    "indexes": ["CREATE INDEX todos_by_order ON todos (owner, `order`, id)"],
    "fields": [
        {"name": "title", "type": "text", "required": True, "max": 500},
        {"name": "description", "type": "text"},
        {"name": "completed", "type": "bool"},
        {"name": "priority", "type": "select", "maxSelect": 1, "values": ["none", "low", "medium", "high"]},
        {"name": "due_at", "type": "date"},
        {"name": "tags", "type": "json"},
        {"name": "order", "type": "number"},
        {"name": "created", "type": "autodate", "onCreate": True},
        {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
    ],
}


@contextmanager
def pocketbase() -> Iterator[Server]:
    """Runs PocketBase with a collection of todos, which each user sees alone."""
    email, password = "admin@example.com", secrets.token_urlsafe(16)
    with tempfile.TemporaryDirectory(prefix="todo-bench-", ignore_cleanup_errors=True) as folder:
        subprocess.run(  # noqa: S603 - the command has no external input
            [_BINARY, "superuser", "upsert", email, password, f"--dir={folder}"], stdout=subprocess.DEVNULL, check=True
        )
        port = free_port()
        # By default, collections are also written as migrations, beside the folder of the data.
        command = (str(_BINARY), "serve", f"--dir={folder}", "--automigrate=0", f"--http={HOST}:{port}")
        with serving(command, {}, port) as server:
            _create_collection(server, email, password)
            yield server


def sign_in(client: httpx2.Client, email: str) -> dict[str, str]:
    """Registers a user and signs it in. Returns the fields that each of its todos needs."""
    credentials = {"password": "correct horse battery staple", "passwordConfirm": "correct horse battery staple"}
    client.post("/api/collections/users/records", json={"email": email} | credentials).raise_for_status()
    return {"owner": _authenticate(client, "users", email, credentials["password"])}


def _create_collection(server: Server, email: str, password: str) -> None:
    with httpx2.Client(base_url=server.url) as client:
        _authenticate(client, "_superusers", email, password)
        users = client.get("/api/collections/users").raise_for_status().json()["id"]
        owner = {"name": "owner", "type": "relation", "collectionId": users, "maxSelect": 1, "required": True}
        collection = {**_COLLECTION, "fields": [*_COLLECTION["fields"], owner]}
        client.post("/api/collections", json=collection).raise_for_status()


def _authenticate(client: httpx2.Client, collection: str, email: str, password: str) -> str:
    """Signs in, so that the client sends its token. Returns the id of the account."""
    answer = client.post(
        f"/api/collections/{collection}/auth-with-password", json={"identity": email, "password": password}
    ).raise_for_status()
    client.headers["Authorization"] = answer.json()["token"]
    account_id: str = answer.json()["record"]["id"]
    return account_id
