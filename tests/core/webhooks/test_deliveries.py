"""Tests of webhooks, repeated deliveries, and the log of deliveries."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from tests import postgres
from tests.core.databases import open_database, run
from tests.core.outbox.scenarios import read_outbox
from tests.core.webhooks.scenarios import (
    BASE_URL,
    SECRETS,
    Owner,
    Receivers,
    failing_until,
    pass_time,
    read_deliveries,
    read_webhooks,
)
from todo_core.database.executor import Database
from todo_core.outbox import leases
from todo_core.outbox.deliverer import Outcome
from todo_core.outbox.messages import WEBHOOK
from todo_core.webhooks import deliveries, operations
from todo_core.webhooks.attempts import WebhookMessage
from todo_core.webhooks.deliverer import Sending
from todo_core.webhooks.errors import DeliveryNotFound, WebhookNotFound
from todo_core.webhooks.model import WebhookUpdate


async def send_requested(db: Database, receivers: Receivers) -> list[Outcome]:
    """Sends all messages of the outbox."""
    sending = Sending(receivers.send, SECRETS, BASE_URL, can_mail=False)
    outcomes: list[Outcome] = []
    for message in await leases.claim(db, [WEBHOOK], limit=10, full_channels=[], rooms={}):
        outcomes.append(await deliveries.send_requested(db, sending, message))
        await leases.complete(db, message)
    return outcomes


def play(database_url: str, scenario: Callable[[Database, Owner], Awaitable[None]]) -> None:
    async def play_it() -> None:
        async with open_database(database_url) as db:
            await scenario(db, await Owner.add(database_url))

    run(play_it())


class TestTest:
    def test_a_test_message_is_sent_once(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario(db: Database, ada: Owner) -> None:
            webhook = await ada.add_webhook(db)
            waiting = await deliveries.request_test(db, ada.id, webhook.id)
            assert (waiting.state, waiting.event, waiting.attempts) == ("waiting", "webhook.test", 0)
            assert await send_requested(db, receivers) == ["delivered"]
            [delivered] = await deliveries.list_page(db, ada.id, webhook.id, limit=10)
            assert (delivered.id, delivered.state, delivered.attempts) == (waiting.id, "delivered", 1)
            assert delivered.status_code == 200

        play(database_url, scenario)
        [content] = receivers.contents
        assert content["type"] == "webhook.test"
        [webhook] = read_webhooks(database_url)
        assert content["data"] == {"webhook_id": str(webhook["id"])}
        assert read_outbox(database_url) == []

    def test_a_failed_test_is_not_repeated_and_does_not_hurt_the_webhook(self, database_url: str) -> None:
        receivers = failing_until(9, status=410)

        async def scenario(db: Database, ada: Owner) -> None:
            webhook = await ada.add_webhook(db)
            await deliveries.request_test(db, ada.id, webhook.id)
            assert await send_requested(db, receivers) == ["dropped"]
            [failed] = await deliveries.list_page(db, ada.id, webhook.id, limit=10)
            assert (failed.state, failed.status_code) == ("failed", 410)

        play(database_url, scenario)
        [webhook] = read_webhooks(database_url)
        assert webhook["enabled"]
        assert read_outbox(database_url) == []

    def test_a_webhook_that_is_off_can_be_tested(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario(db: Database, ada: Owner) -> None:
            webhook = await ada.add_webhook(db)
            await operations.update(db, ada.id, webhook.id, WebhookUpdate(enabled=False), allow_private=False)
            await deliveries.request_test(db, ada.id, webhook.id)
            assert await send_requested(db, receivers) == ["delivered"]

        play(database_url, scenario)

    def test_a_webhook_that_was_deleted_meanwhile_gets_nothing(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario(db: Database, ada: Owner) -> None:
            webhook = await ada.add_webhook(db)
            await deliveries.request_test(db, ada.id, webhook.id)
            await operations.delete(db, ada.id, webhook.id)
            assert await send_requested(db, receivers) == ["dropped"]

        play(database_url, scenario)
        assert receivers.attempted == []

    def test_another_users_webhook_is_not_found(self, database_url: str) -> None:
        async def scenario(db: Database, ada: Owner) -> None:
            webhook = await ada.add_webhook(db)
            eve = await Owner.add(database_url)
            with pytest.raises(WebhookNotFound):
                await deliveries.request_test(db, eve.id, webhook.id)

        play(database_url, scenario)
        assert read_outbox(database_url) == read_deliveries(database_url) == []


class TestRepeat:
    def test_a_delivered_message_is_sent_again_with_the_same_id_and_content(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario(db: Database, ada: Owner) -> None:
            webhook = await ada.add_webhook(db)
            await ada.add_todo(db, description="The one in the blue carton")
            await receivers.deliver(db)
            [delivered] = await deliveries.list_page(db, ada.id, webhook.id, limit=10)
            await deliveries.repeat(db, ada.id, delivered.id)
            assert await send_requested(db, receivers) == ["delivered"]
            [repeated] = await deliveries.list_page(db, ada.id, webhook.id, limit=10)
            assert (repeated.id, repeated.attempts, repeated.state) == (delivered.id, 2, "delivered")

        play(database_url, scenario)
        first, second = receivers.taken
        assert (first.message_id, first.content) == (second.message_id, second.content)

    def test_a_message_that_waits_for_its_next_attempt_is_tried_now_in_order(self, database_url: str) -> None:
        receivers = failing_until(1)

        async def scenario(db: Database, ada: Owner) -> None:
            webhook = await ada.add_webhook(db)
            await ada.add_todo(db, "First")
            await ada.add_todo(db, "Second")
            await receivers.deliver(db)
            [waiting] = await deliveries.list_page(db, ada.id, webhook.id, limit=10)
            assert (await deliveries.repeat(db, ada.id, waiting.id)).state == "retrying"
            assert await send_requested(db, receivers) == []
            await receivers.deliver(db)

        play(database_url, scenario)
        assert receivers.titles == ["First", "Second"]

    def test_an_attempt_that_runs_is_not_disturbed(self, database_url: str) -> None:
        receivers = failing_until(1)

        async def scenario(db: Database, ada: Owner) -> None:
            await ada.add_webhook(db)
            await ada.add_todo(db)
            await receivers.deliver(db)
            [entry] = await asyncio.to_thread(read_deliveries, database_url)
            await pass_time(database_url, "1 minute")

            async def answer(_: WebhookMessage) -> int:
                await deliveries.repeat(db, ada.id, entry["id"])
                assert (await receivers.deliver(db)).delivered == 0
                return 200

            receivers.answer = answer
            await receivers.deliver(db)

        play(database_url, scenario)
        assert len(receivers.taken) == 1

    def test_the_repeat_wakes_the_process_that_sends(self, database_url: str) -> None:
        async def scenario(db: Database, ada: Owner) -> None:
            await ada.add_webhook(db)
            await ada.add_todo(db)
            await failing_until(9).deliver(db)
            [entry] = await asyncio.to_thread(read_deliveries, database_url)
            heard: asyncio.Queue[str] = asyncio.Queue()
            connection = await postgres.connect(database_url)
            await connection.add_listener("todo_changes", lambda *facts: heard.put_nowait(str(facts[-1])))
            await deliveries.repeat(db, ada.id, entry["id"])
            assert await heard.get() == str(ada.id)
            await connection.close()

        play(database_url, scenario)

    def test_a_change_that_was_cut_off_the_log_cannot_be_sent_again(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario(db: Database, ada: Owner) -> None:
            webhook = await ada.add_webhook(db)
            await ada.add_todo(db)
            await ada.add_todo(db)
            await receivers.deliver(db)
            await asyncio.to_thread(postgres.query, database_url, "DELETE FROM change_log WHERE seq = 1")
            _, first = await deliveries.list_page(db, ada.id, webhook.id, limit=10)
            await deliveries.repeat(db, ada.id, first.id)
            assert await send_requested(db, receivers) == ["dropped"]
            _, first = await deliveries.list_page(db, ada.id, webhook.id, limit=10)
            assert (first.state, first.error) == ("failed", "The change is no longer in the log")

        play(database_url, scenario)
        assert len(receivers.attempted) == 2

    def test_an_unknown_delivery_and_another_users_are_not_found(self, database_url: str) -> None:
        async def scenario(db: Database, ada: Owner) -> None:
            await ada.add_webhook(db)
            await ada.add_todo(db)
            await Receivers().deliver(db)
            [entry] = await asyncio.to_thread(read_deliveries, database_url)
            eve = await Owner.add(database_url)
            for user_id, delivery_id in ((eve.id, entry["id"]), (ada.id, uuid4())):
                with pytest.raises(DeliveryNotFound):
                    await deliveries.repeat(db, user_id, delivery_id)

        play(database_url, scenario)


class TestLog:
    def test_pages_go_from_the_newest_to_the_oldest(self, database_url: str) -> None:
        async def scenario(db: Database, ada: Owner) -> None:
            webhook = await ada.add_webhook(db)
            for _ in range(5):
                await ada.add_todo(db)
            await Receivers().deliver(db)
            seen: list[int | None] = []
            after: UUID | None = None
            while page := await deliveries.list_page(db, ada.id, webhook.id, limit=2, after=after):
                seen += [delivery.seq for delivery in page]
                after = page[-1].id
            assert seen == [5, 4, 3, 2, 1]
            eve = await Owner.add(database_url)
            with pytest.raises(WebhookNotFound):
                await deliveries.list_page(db, eve.id, webhook.id, limit=2)

        play(database_url, scenario)

    def test_entries_are_deleted_after_thirty_days(self, database_url: str) -> None:
        async def scenario(db: Database, ada: Owner) -> None:
            await ada.add_webhook(db)
            for _ in range(3):
                await ada.add_todo(db)
            await Receivers().deliver(db)
            old = "UPDATE webhook_deliveries SET created_at = now() - interval '30 days' WHERE seq < 3"
            await asyncio.to_thread(postgres.query, database_url, old)
            assert await deliveries.delete_old(db, limit=1) == 1
            assert await deliveries.delete_old(db, limit=10) == 1
            assert await deliveries.delete_old(db, limit=10) == 0

        play(database_url, scenario)
        assert [entry["seq"] for entry in read_deliveries(database_url)] == [3]

    def test_no_entry_and_no_message_has_a_secret(self, database_url: str) -> None:
        async def scenario(db: Database, ada: Owner) -> None:
            webhook = await ada.add_webhook(db)
            await deliveries.request_test(db, ada.id, webhook.id)
            stored = json.dumps(
                [await asyncio.to_thread(read, database_url) for read in (read_deliveries, read_outbox)], default=str
            )
            assert webhook.secret not in stored
            assert webhook.secret not in repr(webhook)
            [row] = await asyncio.to_thread(read_webhooks, database_url)
            assert webhook.secret.encode() not in row["secret"]
            assert await SECRETS.read(row["secret"], None) == [webhook.secret]

        play(database_url, scenario)
