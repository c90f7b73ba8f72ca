"""Order and retries, as the log of a receiver shows them: it fails, hangs, and comes back."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook

from tests import postgres
from tests.core.databases import open_database, run
from tests.core.webhooks.scenarios import BASE_URL, SECRETS, Owner, read_deliveries
from tests.receivers import Receiver, receiver
from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.webhooks.deliverer import Sending, WebhookDeliverer
from todo_core.webhooks.figures import WebhookFigures
from todo_delivery.http import client
from todo_delivery.webhooks.sending import make_message_sender

TODOS = 30
MAKE_DUE = Statement("UPDATE webhooks SET due_at = now()")


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    with postgres.database(server_url) as url:
        yield url


async def deliver(db: Database) -> WebhookFigures:
    """Sends all changes, and lets each pause end at once."""
    figures = WebhookFigures()
    sending = Sending(make_message_sender(allow_private=True), SECRETS, BASE_URL, can_mail=False)
    subject = WebhookDeliverer(db, sending, figures)
    while True:
        await subject.deliver_due(seconds_left=lambda: 1000)
        if figures.backlog.next_seconds is None:
            return figures
        await db.fetch_all(MAKE_DUE)


async def set_url(database_url: str, webhook_id: object, url: str) -> None:
    statement = "UPDATE webhooks SET url = $2 WHERE id = $1"
    await asyncio.to_thread(postgres.query, database_url, statement, webhook_id, url)


def play(database_url: str, subject: Receiver) -> tuple[str, WebhookFigures]:
    """Sends some todos to the receiver. Returns the secret, and the figures."""

    async def scenario() -> tuple[str, WebhookFigures]:
        async with open_database(database_url) as db:
            ada = await Owner.add(database_url)
            webhook = await ada.add_webhook(db)
            await set_url(database_url, webhook.id, subject.url)
            for number in range(TODOS):
                await ada.add_todo(db, f"{number:02}")
            return webhook.secret, await deliver(db)

    return run(scenario())


def test_a_receiver_that_fails_and_comes_back_gets_all_in_order(database_url: str) -> None:
    answers = iter([200, 500, 503, 404, 200, 302, 200, 200, 429])
    with receiver(lambda _: next(answers, 200)) as subject:
        secret, figures = play(database_url, subject)

    assert [received.title for received in subject.taken] == [f"{number:02}" for number in range(TODOS)]
    assert (figures.delivered, figures.failed) == (TODOS, 5)
    # A message that failed was sent again before any later one, with the same id and content.
    ids = [received.id for received in subject.log]
    assert ids == sorted(ids, key=lambda message_id: int(message_id.rpartition("_")[2]))
    assert len({(received.id, received.body) for received in subject.log}) == TODOS
    for received in subject.log:
        Webhook(secret).verify(received.body, dict(received.headers))
    attempts = [entry["attempts"] for entry in read_deliveries(database_url)]
    assert (sum(attempts), max(attempts)) == (TODOS + 5, 4)


def test_a_receiver_that_hangs_and_comes_back_gets_all_in_order(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TOTAL_SECONDS", 0.3)
    ended, left = threading.Event(), iter(range(3))

    def hang(_body: bytes) -> int:
        if next(left, None) is not None:
            ended.wait(10)
            return 599
        return 200

    with receiver(hang) as subject:
        _, figures = play(database_url, subject)
        ended.set()

    assert [received.title for received in subject.taken] == [f"{number:02}" for number in range(TODOS)]
    assert (figures.delivered, figures.failed) == (TODOS, 3)
