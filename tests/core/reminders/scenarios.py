"""Users with reminders in a test's database, and what becomes of them."""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests import postgres
from tests.core.databases import add_user
from tests.core.outbox.scenarios import read_outbox
from todo_core.actors import Actor
from todo_core.database.executor import Database
from todo_core.outbox.leases import LeasedMessage
from todo_core.outbox.outbox import DeliveryCounts
from todo_core.reminders import push_subscriptions
from todo_core.reminders.firing import ReminderChannels, fire_due
from todo_core.reminders.push_subscriptions import NewSubscription, PushSubscription
from todo_core.todos import operations
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate

VERIFY = "UPDATE users SET email_verified_at = now() WHERE id = $1"
MOVE_BACK = """
    UPDATE todos SET reminder_at = reminder_at - $1::interval, reminded_at = reminded_at - $1::interval
"""
SELECT_LOG = """
    SELECT op, actor, before, after, todo_id FROM change_log WHERE user_id = $1 ORDER BY seq
"""
SOON = timedelta(seconds=-10)
"""Reminders of the tests are set to this time from now: they are due at once, and not late."""
EVERYTHING = ReminderChannels(mail=True, push=True)


@dataclass
class Scenario:
    """A database with one open connection pool, and reminders that fire in it."""

    url: str
    db: Database
    runner: asyncio.Runner
    counts: DeliveryCounts = field(default_factory=DeliveryCounts)

    def run[Result](self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def add_user(self, *, timezone: str = "UTC") -> UUID:
        """Adds a user whose email is verified."""
        user_id = add_user(self.url)
        postgres.query(self.url, VERIFY, user_id)
        postgres.query(self.url, "UPDATE users SET timezone = $2 WHERE id = $1", user_id, timezone)
        return user_id

    def add(self, user_id: UUID, after: timedelta = SOON, **fields: Any) -> Todo:
        """Adds a todo whose reminder is due after this time."""
        new = TodoCreate(title="Milk", reminder_at=datetime.now(UTC) + after, **fields)
        return self.run(operations.add(self.db, Actor(user_id), new))

    def change(self, user_id: UUID, todo: Todo, **changes: Any) -> Todo:
        return self.run(operations.update(self.db, Actor(user_id), todo.id, TodoUpdate(**changes)))

    def pass_time(self, interval: timedelta) -> None:
        """Moves all reminders into the past, as if this time had passed, and nothing was done meanwhile."""
        postgres.run(self.url, "ALTER TABLE todos DISABLE TRIGGER USER")
        postgres.query(self.url, MOVE_BACK, interval)
        postgres.run(self.url, "ALTER TABLE todos ENABLE TRIGGER USER")

    def subscribe(self, user_id: UUID, endpoint: str = "https://push.example.com/1") -> PushSubscription:
        new = NewSubscription(endpoint, b"\4" * 65, b"0" * 16)
        return self.run(push_subscriptions.add(self.db, user_id, new, session_id=None, user_agent=None, quota=20))

    def fire(self, channels: ReminderChannels = EVERYTHING) -> list[UUID]:
        """Lets the reminders fire that are due. Returns the ids of all todos whose reminders have fired so far."""
        self.run(fire_due(self.db, channels, self.counts))
        rows = postgres.query(self.url, "SELECT todo_id FROM change_log WHERE op = 'reminder' ORDER BY created_at, seq")
        return [row["todo_id"] for row in rows]

    def read_messages(self) -> list[LeasedMessage]:
        """Returns the messages of the outbox as a process has them that has just taken them."""
        return [
            LeasedMessage(
                row["id"],
                row["kind"],
                row["channel"],
                json.loads(row["payload"]),
                row["created_at"],
                attempts=1,
                user_id=row["user_id"],
            )
            for row in read_outbox(self.url)
        ]

    def read_log(self, user_id: UUID) -> list[dict[str, Any]]:
        return [dict(row) for row in postgres.query(self.url, SELECT_LOG, user_id)]
