"""Several webhooks side by side: no receiver holds up another, and no change is sent out of order."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from math import inf
from typing import Any

import pytest

from tests import postgres
from tests.core.databases import open_database, run
from tests.core.webhooks.scenarios import (
    Owner,
    Receivers,
    failing_until,
    pass_time,
    read_deliveries,
    read_webhooks,
)
from todo_core.database import postgres_url
from todo_core.errors import DatabaseUnavailable
from todo_core.live.live_changes import LiveChanges
from todo_core.outbox import backlog
from todo_core.outbox.announcements import announce
from todo_core.webhooks import deliverer, leases, operations
from todo_core.webhooks.attempts import WebhookMessage
from todo_core.webhooks.deliverer import WebhookDeliverer
from todo_core.webhooks.errors import WebhookNotFound
from todo_core.webhooks.figures import WebhookFigures
from todo_core.webhooks.model import WebhookUpdate

RARELY = 3600.0
"""An interval of looks that no test waits for."""


@asynccontextmanager
async def running(subject: WebhookDeliverer, *, poll_seconds: float = RARELY) -> AsyncIterator[None]:
    task = asyncio.create_task(subject.run(poll_seconds=poll_seconds))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - a condition of a test
        await asyncio.sleep(0.01)


class TestSideBySide:
    def test_one_webhook_has_one_attempt_and_one_host_has_two(self, database_url: str) -> None:
        async def answer(_: WebhookMessage) -> int:
            await asyncio.sleep(0.02)
            return 200

        receivers = Receivers(answer)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                for _ in range(6):
                    ada = await Owner.add(database_url)
                    await ada.add_webhook(db, "https://hooks.example.com/all")
                    await ada.add_webhook(db, f"https://{ada.id}.example.com/own")
                    for _ in range(3):
                        await ada.add_todo(db)
                await receivers.deliver(db)

        run(scenario())
        assert receivers.most["https://hooks.example.com/all"] == 2
        assert max(count for url, count in receivers.most.items() if url.endswith("/own")) == 1
        assert receivers.most["all"] > 4
        assert len(receivers.taken) == 36

    @pytest.mark.parametrize("is_loop", [True, False])
    def test_a_skipped_webhook_is_begun_although_the_others_end_during_the_claim(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch, *, is_loop: bool
    ) -> None:
        claim, may_end = leases.claim, asyncio.Event()
        subjects: list[WebhookDeliverer] = []

        async def answer(message: WebhookMessage) -> int:
            if "hooks" in message.url:
                await may_end.wait()
            return 200

        async def claim_slowly(*arguments: Any, busy_hosts: list[str], **limits: Any) -> list[leases.LeasedWebhook]:
            claimed = await claim(*arguments, busy_hosts=busy_hosts, **limits)
            if busy_hosts and receivers.taken:
                may_end.set()
                await until(lambda: not subjects[0]._tasks)  # noqa: SLF001
            return claimed

        async def scenario() -> None:
            async with open_database(database_url) as db:
                for host in ("hooks", "hooks", "hooks", "other"):
                    ada = await Owner.add(database_url)
                    await ada.add_webhook(db, f"https://{host}.example.com/")
                    await ada.add_todo(db)
                subject = receivers.deliverer(db)
                subjects.append(subject)
                if is_loop:
                    async with running(subject):
                        await until(lambda: len(receivers.taken) == 4)
                else:
                    await subject.deliver_due(seconds_left=lambda: inf)

        receivers = Receivers(answer)
        monkeypatch.setattr(leases, "claim", claim_slowly)
        run(scenario())
        assert len(receivers.taken) == 4

    def test_one_user_has_four_attempts(self, database_url: str) -> None:
        async def answer(_: WebhookMessage) -> int:
            await asyncio.sleep(0.02)
            return 200

        receivers = Receivers(answer)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                for number in range(20):
                    await ada.add_webhook(db, f"https://{number}.example.com/")
                await ada.add_todo(db)
                await receivers.deliver(db)

        run(scenario())
        assert receivers.most["all"] == 4
        assert len(receivers.taken) == 20

    def test_receivers_that_hang_hold_up_no_others(self, database_url: str) -> None:
        forever = asyncio.Event()

        async def answer(message: WebhookMessage) -> int:
            if "hangs" in message.url:
                await forever.wait()
            return 200

        receivers = Receivers(answer)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                eve, ada = await Owner.add(database_url), await Owner.add(database_url)
                for number in range(20):
                    await eve.add_webhook(db, f"https://hangs{number}.example.com/")
                await ada.add_webhook(db)
                await eve.add_todo(db)
                for _ in range(10):
                    await ada.add_todo(db)
                async with running(receivers.deliverer(db)):
                    await until(lambda: len(receivers.taken) == 10)
                    assert len(receivers.attempted) == 14
                    forever.set()
                    await until(lambda: len(receivers.taken) == 30)

        run(scenario())

    def test_failing_webhooks_get_half_of_the_places(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(deliverer, "_MAX_AT_ONCE", 4)
        monkeypatch.setattr(deliverer, "_MAX_FAILING", 2)

        async def answer(message: WebhookMessage) -> int:
            await asyncio.sleep(0.02)
            return 500 if "fails" in message.url else 200

        receivers = Receivers(answer)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                for number in range(10):
                    eve = await Owner.add(database_url)
                    await eve.add_webhook(db, f"https://fails{number}.example.com/")
                    await eve.add_todo(db)
                await receivers.deliver(db)
                receivers.most.clear()
                await pass_time(database_url, "1 minute")
                await receivers.deliver(db)

        run(scenario())
        assert receivers.most["all"] == 2

    def test_many_processes_send_each_change_once_and_in_order(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url, pool_size=10) as db:
                owners = [await Owner.add(database_url) for _ in range(5)]
                for ada in owners:
                    await ada.add_webhook(db, f"https://{ada.id}.example.com/")
                for number in range(20):
                    for ada in owners:
                        await ada.add_todo(db, f"{number:02}")
                async with asyncio.TaskGroup() as group:
                    for _ in range(4):
                        group.create_task(receivers.deliver(db))

        run(scenario())
        assert set(Counter(message.message_id for message in receivers.taken).values()) == {1}
        by_url: dict[str, list[str]] = {}
        for message, title in zip(receivers.taken, receivers.titles, strict=True):
            by_url.setdefault(message.url, []).append(title)
        assert list(by_url.values()) == [[f"{number:02}" for number in range(20)]] * 5


class TestLease:
    def test_a_process_that_has_lost_its_lease_moves_nothing(self, database_url: str) -> None:
        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                await ada.add_todo(db)
                [lost] = await leases.claim(db, limit=1)
                await pass_time(database_url, "61 seconds")
                [kept] = await leases.claim(db, limit=1)
                await leases.release(db, lost)
                assert await leases.claim(db, limit=1) == []
                await leases.release(db, kept)
                assert len(await leases.claim(db, limit=1)) == 1

        run(scenario())

    def test_a_new_url_gets_the_change_that_was_on_its_way_to_the_old_one(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                webhook = await ada.add_webhook(db, "https://old.example.com/")
                await ada.add_todo(db)

                async def answer(message: WebhookMessage) -> int:
                    if "new" in message.url:
                        return 200
                    change = WebhookUpdate(url="https://new.example.com/")
                    await operations.update(db, ada.id, webhook.id, change, allow_private=False)
                    return 410

                receivers.answer = answer
                await receivers.deliver(db)

        run(scenario())
        assert [message.url for message in receivers.taken] == ["https://new.example.com/"]
        [webhook] = read_webhooks(database_url)
        assert webhook["enabled"]

    def test_a_webhook_that_is_deleted_while_it_is_sent_to_is_gone(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                webhook = await ada.add_webhook(db)
                await ada.add_todo(db)
                await ada.add_todo(db)

                async def answer(_: WebhookMessage) -> int:
                    await operations.delete(db, ada.id, webhook.id)
                    return 200

                receivers.answer = answer
                await receivers.deliver(db)
                with pytest.raises(WebhookNotFound):
                    await operations.get(db, ada.id, webhook.id)

        run(scenario())
        assert len(receivers.attempted) == 1
        assert read_deliveries(database_url) == []

    def test_a_delivery_is_noted_after_an_outage(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(deliverer, "_MARKING_PAUSES_SECONDS", (0.01, 0.01))
        move_on, outages = leases.move_on, iter([DatabaseUnavailable(), DatabaseUnavailable()])

        async def fail_twice(*arguments: Any) -> bool:
            if outage := next(outages, None):
                raise outage
            return await move_on(*arguments)

        monkeypatch.setattr(leases, "move_on", fail_twice)
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                await ada.add_todo(db)
                await ada.add_todo(db)
                assert (await receivers.deliver(db)).delivered == 2

        run(scenario())
        assert len(receivers.attempted) == 2


class TestLoop:
    def test_it_looks_at_a_time_that_the_process_announces(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                subject = receivers.deliverer(db)
                async with running(subject):
                    await ada.add_todo(db)
                    announce(datetime.now(UTC))
                    await until(lambda: len(receivers.taken) == 1)

        run(scenario())

    def test_it_hears_of_changes_while_there_are_webhooks(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                live, figures = LiveChanges(db, max_per_user=10), WebhookFigures()
                ada = await Owner.add(database_url)
                async with live.listening(postgres_url.parse(database_url)):
                    subject = receivers.deliverer(db, figures, live=live)
                    async with running(subject):
                        webhook = await ada.add_webhook(db)
                        await until(lambda: live.is_listening)
                        await ada.add_todo(db)
                        await until(lambda: len(receivers.taken) == 1)
                        await operations.delete(db, ada.id, webhook.id)
                        announce(datetime.now(UTC))
                        await until(lambda: figures.backlog.enabled == 0)
                        assert not live._callbacks  # noqa: SLF001

        run(scenario())

    def test_without_webhooks_it_asks_only_when_it_is_told_of_some(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada, subject = await Owner.add(database_url), receivers.deliverer(db)
                await ada.add_webhook(db)
                await asyncio.to_thread(postgres.query, database_url, "UPDATE webhooks SET enabled = false")
                task = asyncio.create_task(subject.run(poll_seconds=0.05, idle_seconds=RARELY))
                await asyncio.sleep(0.3)
                # As another process does it, which announces nothing here.
                await asyncio.to_thread(postgres.query, database_url, "UPDATE webhooks SET enabled = true")
                await ada.add_todo(db)
                await asyncio.sleep(0.3)
                assert receivers.taken == []
                subject.note_webhooks(are_there=(await backlog.read(db, [])).has_webhooks)
                await until(lambda: len(receivers.taken) == 1)
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

        run(scenario())

    def test_a_change_at_the_end_of_a_lease_is_seen(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                await ada.add_todo(db, "First")

                async def add_second(*_: object) -> None:
                    monkeypatch.undo()
                    await ada.add_todo(db, "Second")

                # The lease trims the log after it has read the last change, and before it ends.
                monkeypatch.setattr(leases, "trim_log", add_second)
                async with running(receivers.deliverer(db)):
                    await until(lambda: len(receivers.taken) == 2)

        run(scenario())
        assert receivers.titles == ["First", "Second"]

    def test_it_looks_when_a_retry_is_due(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("todo_core.outbox.leases._FIRST_PAUSE_SECONDS", 1)
        receivers = failing_until(1)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                await ada.add_todo(db)
                async with running(receivers.deliverer(db)):
                    await until(lambda: len(receivers.taken) == 1)

        run(scenario())
        assert len(receivers.attempted) == 2

    def test_it_goes_on_after_an_outage(self, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
        monkeypatch.setattr(deliverer, "_OUTAGE_PAUSE_SECONDS", 0.01)
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db, open_database("postgresql://127.0.0.1:1/x") as away:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                await ada.add_todo(db)
                subject = receivers.deliverer(away)
                async with running(subject, poll_seconds=0.01):
                    await asyncio.sleep(0.05)
                    subject._db = db  # noqa: SLF001
                    await until(lambda: len(receivers.taken) == 1)

        run(scenario())

    def test_without_time_nothing_is_begun(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                await ada.add_todo(db)
                await receivers.deliverer(db).deliver_due(seconds_left=lambda: 59)
                assert receivers.attempted == []
                await receivers.deliverer(db).deliver_due(seconds_left=lambda: inf)
                assert len(receivers.taken) == 1

        run(scenario())
