"""Receivers that fail: the change is sent again, and a webhook that fails for long is switched off."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests import postgres
from tests.core.databases import open_database, run
from tests.core.outbox.scenarios import read_outbox
from tests.core.webhooks.scenarios import (
    Owner,
    Receivers,
    failing_until,
    pass_time,
    read_deliveries,
    read_webhooks,
)
from todo_core.outbox.errors import DeliveryFailed
from todo_core.webhooks import operations
from todo_core.webhooks.attempts import WebhookMessage
from todo_core.webhooks.model import WebhookUpdate


class TestFailure:
    def test_a_failed_change_is_tried_again_before_later_ones_with_the_same_id_and_content(
        self, database_url: str
    ) -> None:
        receivers = failing_until(2)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                for title in ("First", "Second"):
                    await ada.add_todo(db, title)
                for _ in range(3):
                    await receivers.deliver(db)
                    await pass_time(database_url, "1 minute")
                await receivers.deliver(db)

        run(scenario())
        assert receivers.titles == ["First", "Second"]
        first, second, third, _ = receivers.attempted
        assert first.message_id == second.message_id == third.message_id
        assert first.content == second.content == third.content
        [delivered, _] = read_deliveries(database_url)
        assert (delivered["state"], delivered["attempts"], delivered["error"]) == ("delivered", 3, None)

    def test_a_failure_is_logged_and_shown(self, database_url: str) -> None:
        receivers = failing_until(1, status=500)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                webhook = await ada.add_webhook(db)
                await ada.add_todo(db)
                assert (await receivers.deliver(db)).failed == 1
                failing = await operations.get(db, ada.id, webhook.id)
                assert failing.failing_since is not None
                assert failing.next_attempt_at is not None
                assert 10 < (failing.next_attempt_at - datetime.now(UTC)).total_seconds() < 31
                await pass_time(database_url, "1 minute")
                await receivers.deliver(db)
                healthy = await operations.get(db, ada.id, webhook.id)
                assert (healthy.failing_since, healthy.next_attempt_at) == (None, None)

        run(scenario())
        assert len(receivers.taken) == 1

    @pytest.mark.parametrize("status", [199, 300, 302, 400, 404, 429, 500, 503])
    def test_every_answer_but_success_is_a_failure(self, database_url: str, status: int) -> None:
        receivers = failing_until(1, status)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                await ada.add_todo(db)
                await receivers.deliver(db)

        run(scenario())
        [entry] = read_deliveries(database_url)
        assert (entry["state"], entry["status_code"]) == ("retrying", status)
        assert entry["error"].startswith(f"The receiver answered {status}")

    def test_a_receiver_without_an_answer_is_a_failure(self, database_url: str) -> None:
        async def answer(_: WebhookMessage) -> int:
            raise DeliveryFailed("The host does not accept connections")

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                await ada.add_todo(db)
                await Receivers(answer).deliver(db)

        run(scenario())
        [entry] = read_deliveries(database_url)
        assert (entry["state"], entry["status_code"]) == ("retrying", None)
        assert entry["error"] == "The host does not accept connections"

    def test_the_pauses_grow(self, database_url: str) -> None:
        receivers = failing_until(1000)
        pauses: list[float] = []

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                webhook = await ada.add_webhook(db)
                await ada.add_todo(db)
                for _ in range(6):
                    await receivers.deliver(db)
                    found = await operations.get(db, ada.id, webhook.id)
                    assert found.next_attempt_at is not None
                    pauses.append((found.next_attempt_at - datetime.now(UTC)).total_seconds())
                    await asyncio.to_thread(postgres.query, database_url, "UPDATE webhooks SET due_at = now()")

        run(scenario())
        assert all(2**n * 14 < pause < 2**n * 31 for n, pause in enumerate(pauses))

    def test_a_secret_that_cannot_be_read_is_told(self, database_url: str) -> None:
        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                await ada.add_todo(db)
                await asyncio.to_thread(postgres.query, database_url, "UPDATE webhooks SET secret = 'x'")
                await Receivers().deliver(db)

        run(scenario())
        [entry] = read_deliveries(database_url)
        assert entry["error"] == "The secret cannot be read any more; make a new one"


class TestSwitchingOff:
    def test_410_switches_off_at_once(self, database_url: str) -> None:
        receivers = failing_until(1000, status=410)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                webhook = await ada.add_webhook(db)
                await ada.add_todo(db)
                await ada.add_todo(db)
                figures = await receivers.deliver(db, can_mail=True)
                assert (figures.failed, figures.switched_off) == (1, 1)
                found = await operations.get(db, ada.id, webhook.id)
                assert (found.enabled, found.disabled_reason) == (False, "gone")
                await pass_time(database_url, "1 day")
                await receivers.deliver(db)

        run(scenario())
        assert len(receivers.attempted) == 1
        assert [entry["state"] for entry in read_deliveries(database_url)] == ["failed"]
        assert read_outbox(database_url) == []

    def test_a_receiver_that_fails_for_three_days_is_switched_off_and_the_owner_is_told(
        self, database_url: str
    ) -> None:
        receivers = failing_until(1000)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db, "https://hooks.example.com/token")
                await ada.add_todo(db)
                await asyncio.to_thread(postgres.query, database_url, "UPDATE users SET email_verified_at = now()")
                await receivers.deliver(db, can_mail=True)
                await pass_time(database_url, "71 hours")
                assert (await receivers.deliver(db, can_mail=True)).switched_off == 0
                await pass_time(database_url, "1 hour")
                assert (await receivers.deliver(db, can_mail=True)).switched_off == 1

        run(scenario())
        [webhook] = read_webhooks(database_url)
        assert (webhook["enabled"], webhook["disabled_reason"]) == (False, "failing")
        [mail] = read_outbox(database_url)
        assert '"webhook_off"' in mail["payload"]
        assert "https://hooks.example.com/token" in mail["payload"]
        [entry] = read_deliveries(database_url)
        assert (entry["state"], entry["attempts"]) == ("failed", 3)

    @pytest.mark.parametrize("can_mail", [True, False])
    def test_an_address_that_was_not_verified_gets_no_mail(self, database_url: str, *, can_mail: bool) -> None:
        receivers = failing_until(1000)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                await ada.add_todo(db)
                if not can_mail:
                    await asyncio.to_thread(postgres.query, database_url, "UPDATE users SET email_verified_at = now()")
                await receivers.deliver(db, can_mail=can_mail)
                await pass_time(database_url, "72 hours")
                assert (await receivers.deliver(db, can_mail=can_mail)).switched_off == 1

        run(scenario())
        assert read_outbox(database_url) == []

    def test_one_that_is_enabled_again_gets_the_changes_from_then_on(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                webhook = await ada.add_webhook(db)
                for enabled, title in ((False, "Off"), (True, "On")):
                    update = WebhookUpdate(enabled=enabled)
                    await operations.update(db, ada.id, webhook.id, update, allow_private=False)
                    await ada.add_todo(db, title)
                    await receivers.deliver(db)

        run(scenario())
        assert receivers.titles == ["On"]
