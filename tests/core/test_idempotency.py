"""Work that is done once under a key, without HTTP."""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

import pytest

from tests import postgres
from tests.core.test_changes import new_user, opened, run
from todo_core import todos
from todo_core.actors import Actor
from todo_core.database import Database, Transaction
from todo_core.errors import DatabaseUnavailable, IdempotencyKeyReused, RequestInProgress, TodoNotFound
from todo_core.idempotency import Answer, KeyedRequest, once, sweep
from todo_core.todos import TodoCreate, changes

TITLES = "SELECT title FROM todos WHERE user_id = $1 ORDER BY title"
KEYS = "SELECT key FROM idempotency_keys WHERE user_id = $1 ORDER BY key"
EXPIRE = "UPDATE idempotency_keys SET expires_at = now() WHERE user_id = $1 AND key = ANY($2)"


def asked(user_id: UUID, key: str = "key", *, route: str = "POST /todos", body: bytes = b"milk") -> KeyedRequest:
    return KeyedRequest(user_id, route, key, body)


def adding(user_id: UUID, title: str = "Milk") -> Callable[[Transaction], asyncio.Future[Answer]]:
    async def work(transaction: Transaction) -> Answer:
        await todos.add(transaction, Actor(user_id), TodoCreate(title=title))
        return Answer(201, title.encode(), {"Location": title})

    return work  # type: ignore[return-value]


@pytest.fixture
def ada(database_url: str) -> UUID:
    return new_user(database_url)


def titles(database_url: str, user_id: UUID) -> list[str]:
    return [row["title"] for row in postgres.query(database_url, TITLES, user_id)]
