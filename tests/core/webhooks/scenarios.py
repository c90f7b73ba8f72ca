"""Webhooks of a test's database, with receivers that are functions, and what became of them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any
from uuid import UUID

import msgspec

from tests import postgres
from tests.core.databases import add_user
from todo_core.actors import Actor
from todo_core.database.executor import Database
from todo_core.live.live_changes import LiveChanges
from todo_core.todos import operations as todos
from todo_core.todos.model import Todo, TodoCreate
from todo_core.webhooks import operations
from todo_core.webhooks.attempts import ReceiverAnswer, WebhookMessage
from todo_core.webhooks.deliverer import Sending, WebhookDeliverer
from todo_core.webhooks.figures import WebhookFigures
from todo_core.webhooks.model import Event, WebhookCreate, WebhookWithSecret
from todo_core.webhooks.secrets import WebhookSecrets

BASE_URL = "https://api.example.com"
SECRETS = WebhookSecrets(["a key of the tests"])
PASS_TIME = """
UPDATE webhooks SET
    due_at = due_at - $1::text::interval, failing_since = failing_since - $1::text::interval,
    leased_until = leased_until - $1::text::interval, created_at = created_at - $1::text::interval,
    previous_secret_until = previous_secret_until - $1::text::interval
"""


@dataclass
class Receivers:
    """All receivers of a test. `answer` returns the status for a message; it may wait, and may raise."""

    answer: Callable[[WebhookMessage], Awaitable[int]] | None = None
    attempted: list[WebhookMessage] = field(default_factory=list)
    taken: list[WebhookMessage] = field(default_factory=list)
    at_once: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    """The most messages that were under way at the same time, by URL and in all."""

    async def send(self, message: WebhookMessage) -> ReceiverAnswer:
        self.attempted.append(message)
        places = Counter({message.url: 1, "all": 1})
        self.at_once += places
        self.most |= self.at_once
        try:
            status = await self.answer(message) if self.answer else 200
        finally:
            self.at_once -= places
        if status == 200:
            self.taken.append(message)
        return ReceiverAnswer(status)

    def deliverer(
        self,
        db: Database,
        figures: WebhookFigures | None = None,
        *,
        can_mail: bool = False,
        live: LiveChanges | None = None,
    ) -> WebhookDeliverer:
        sending = Sending(self.send, SECRETS, BASE_URL, can_mail=can_mail)
        return WebhookDeliverer(db, sending, figures or WebhookFigures(), live)

    async def deliver(self, db: Database, *, can_mail: bool = False) -> WebhookFigures:
        """Sends all that is due. Returns the figures."""
        figures = WebhookFigures()
        await self.deliverer(db, figures, can_mail=can_mail).deliver_due(seconds_left=lambda: inf)
        return figures

    @property
    def contents(self) -> list[dict[str, Any]]:
        return [parse(message) for message in self.taken]

    @property
    def titles(self) -> list[str]:
        return [content["data"]["todo"]["title"] for content in self.contents]


@dataclass(frozen=True)
class Owner:
    """A user with webhooks."""

    id: UUID

    @classmethod
    async def add(cls, database_url: str) -> "Owner":
        return cls(await asyncio.to_thread(add_user, database_url))

    @property
    def actor(self) -> Actor:
        return Actor(self.id)

    async def add_webhook(
        self, db: Database, url: str = "https://hooks.example.com/", events: Sequence[Event] | None = None
    ) -> WebhookWithSecret:
        new = WebhookCreate(url=url, events=list(events) if events else None)
        return await operations.create(db, SECRETS, self.id, new, quota=1000, allow_private=False)

    async def add_todo(self, db: Database, title: str = "Buy milk", **values: Any) -> Todo:
        return await todos.add(db, self.actor, TodoCreate(title=title, **values))


def parse(message: WebhookMessage) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.json.decode(message.content)
    return content


async def pass_time(database_url: str, interval: str) -> None:
    """Lets time pass for all webhooks."""
    await asyncio.to_thread(postgres.query, database_url, PASS_TIME, interval)


def read_webhooks(database_url: str) -> list[Mapping[str, Any]]:
    return [dict(row) for row in postgres.query(database_url, "SELECT * FROM webhooks ORDER BY created_at, id")]


def read_deliveries(database_url: str) -> list[Mapping[str, Any]]:
    return [dict(row) for row in postgres.query(database_url, "SELECT * FROM webhook_deliveries ORDER BY id")]


def failing_until(attempts: int, status: int = 503) -> Receivers:
    """Returns receivers that fail for this number of attempts in all."""

    async def answer(_: WebhookMessage) -> int:
        return status if len(receivers.attempted) <= attempts else 200

    receivers = Receivers(answer)
    return receivers
