"""Messages in the outbox of a test's database, and what became of them."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tests import postgres
from todo_core.database.executor import Executor
from todo_core.outbox.messages import Mail, enqueue

MOVE_BACK = """
UPDATE outbox SET
    created_at = created_at - $1::text::interval, due_at = due_at - $1::text::interval,
    leased_until = leased_until - $1::text::interval
"""


async def add_mail(db: Executor, to: str = "ada@example.com", *, user_id: UUID | None = None) -> UUID:
    return await enqueue(db, Mail("reset_password", to, user_id=user_id))


def pass_time(database_url: str, interval: str) -> None:
    """Moves all times of the outbox into the past, as if this time had passed."""
    postgres.query(database_url, MOVE_BACK, interval)


async def sleep(database_url: str, interval: str) -> None:
    """Lets the time of the outbox pass, in a scenario."""
    await asyncio.to_thread(pass_time, database_url, interval)


def end_leases(database_url: str) -> None:
    """Lets all leases end, as if their time had passed."""
    postgres.query(
        database_url, "UPDATE outbox SET due_at = now(), leased_until = now() WHERE leased_until IS NOT NULL"
    )


def read_outbox(database_url: str) -> list[Mapping[str, Any]]:
    return [dict(row) for row in postgres.query(database_url, "SELECT * FROM outbox ORDER BY id")]
