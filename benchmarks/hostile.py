"""The service as it ships, with an account whose data is large, and requests that try to fill the memory."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import httpx2
from servers import Server, new_database, service

from functions.migrate.app import upgrade
from todo_core.settings import Settings

API: Final = "/api/v1"
PASSWORD: Final = "a password of no example"  # noqa: S105 - accounts of one run
_MEGABYTE: Final = 1024

_ADD_LONG_TODO: Final = """
    INSERT INTO todos (id, user_id, title, description, "order")
    VALUES ($1::uuid, $2, '0', repeat('🚲', 16384), 1)
"""
_CHANGE_LONG_TODO: Final = """
    UPDATE todos SET title = $2, description = repeat('🚲', 16380) || $2, version = version + 1 WHERE id = $1::uuid
"""
_ADD_TODOS: Final = """
    INSERT INTO todos (id, user_id, title, description, "order", due_at, tags)
    SELECT gen_random_uuid(), $1, 'Buy milk and "bread" number ' || n,
        CASE WHEN n % 3 = 0 THEN repeat('The blue carton, not the green one. ', 3 + n % 10) END, n,
        now() + n * interval '1 minute', ARRAY['home', 'errands']
    FROM generate_series($2::int, $3::int) AS n
"""
_TODOS_PER_STATEMENT: Final = 10_000


@dataclass(frozen=True)
class Account:
    user_id: UUID
    token: str
    """The session token."""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class Memory:
    """The memory of a process in MB: now, and the most since the last reset."""

    now: float
    peak: float


def read_memory(server: Server) -> Memory:
    """Returns the resident memory of a server. Works on Linux only."""
    status = Path(f"/proc/{server.process_id}/status").read_text()
    kilobytes = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in status.splitlines())
                 if name in {"VmRSS", "VmHWM"}}  # fmt: skip
    return Memory(kilobytes["VmRSS"] / _MEGABYTE, kilobytes["VmHWM"] / _MEGABYTE)


def reset_peak(server: Server) -> None:
    """Sets the peak to the memory of now, see proc_pid_clear_refs(5)."""
    Path(f"/proc/{server.process_id}/clear_refs").write_text("5")


@contextmanager
def shipped_service(postgres_url: str, name: str) -> Iterator[tuple[Server, str]]:
    """Runs the service in one process, as in production. Yields it with the URL of its new, migrated database."""
    url = new_database(postgres_url, name)
    upgrade(Settings(database={"url": url, "url_unpooled": url}))
    with service(_settings(url)) as server:
        yield server, url


def _settings(database_url: str) -> Mapping[str, str]:
    # The limits of requests and logins would end the attacks early. Cheap hashes leave more time to the rest.
    without_limit = str(10**6)
    limits = (
        "FAILED_LOGINS_PER_ACCOUNT",
        "FAILED_LOGINS_PER_ADDRESS",
        "REGISTRATIONS_PER_ADDRESS",
        "REQUESTS_PER_MINUTE",
        "REQUESTS_IN_FLIGHT",
        "REQUESTS_AT_ONCE",
    )
    return {
        "ENVIRONMENT": "production",
        "DATABASE_URL": database_url,
        "SECRET_KEY": secrets.token_urlsafe(32),
        "CORS_ORIGINS": "https://app.example.com",
        "BCRYPT_ROUNDS": "4",
        "LOG_LEVEL": "ERROR",
        **dict.fromkeys(limits, without_limit),
    }


def sign_up(server: Server) -> Account:
    credentials = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        user = client.post(f"{API}/auth/register", json=credentials).raise_for_status().json()
        client.post(f"{API}/auth/login", json=credentials).raise_for_status()
        return Account(UUID(user["id"]), client.cookies["session_token"])


def add_long_todo(database_url: str, account: Account, changes: int) -> None:
    """Adds a todo with the longest description of four-byte characters, and changes the description many times."""
    todo_id = str(uuid4())

    async def add(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute(_ADD_LONG_TODO, todo_id, account.user_id)
        for number in range(changes):
            await connection.execute(_CHANGE_LONG_TODO, todo_id, str(number))

    asyncio.run(_on_database(database_url, add))


def add_todos(database_url: str, account: Account, count: int) -> None:
    """Adds ordinary todos, with their entries in the change log."""

    async def add(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        for first in range(1, count + 1, _TODOS_PER_STATEMENT):
            last = min(first + _TODOS_PER_STATEMENT - 1, count)
            await connection.execute(_ADD_TODOS, account.user_id, first, last)
        await connection.execute("VACUUM ANALYZE")

    asyncio.run(_on_database(database_url, add))


async def _on_database(url: str, work: Callable[["asyncpg.Connection[asyncpg.Record]"], Awaitable[None]]) -> None:
    connection = await asyncpg.connect(url, command_timeout=300)
    try:
        await work(connection)
    finally:
        await connection.close()
