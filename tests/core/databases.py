"""Helpers for tests of operations: users, open databases, and scenarios with a time limit."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from tests import postgres
from todo_core.database.executor import Database

type Connection = asyncpg.Connection[asyncpg.Record]

_ADD_USER = "INSERT INTO users (id, email, email_key, password_hash, timezone) VALUES ($1, $2::text, $2, '', 'UTC')"


def add_user(database_url: str) -> UUID:
    """Adds a user in the time zone UTC, without a session. Returns the user's id."""
    user_id = uuid4()
    postgres.query(database_url, _ADD_USER, user_id, f"{user_id.hex}@example.com")
    return user_id


def run[Result](scenario: Coroutine[Any, Any, Result]) -> Result:
    """Runs a scenario in a new event loop. Raises TimeoutError after 60 seconds."""

    async def bounded() -> Result:
        async with asyncio.timeout(60):
            return await scenario

    return asyncio.run(bounded())


@asynccontextmanager
async def open_database(database_url: str, *, pool_size: int = 4) -> AsyncIterator[Database]:
    db = Database(database_url, pool_size=pool_size)
    try:
        yield db
    finally:
        await db.close()


@asynccontextmanager
async def connect(database_url: str) -> AsyncIterator[Connection]:
    """Yields a connection of the driver asyncpg, which bypasses the service's database code."""
    connection = await postgres.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()
