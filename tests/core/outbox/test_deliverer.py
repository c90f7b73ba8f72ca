"""The delivery of messages: a few at a time, at once after a call, and without one that waits for another receiver."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from time import monotonic

import pytest

from tests.core.databases import open_database, run
from tests.core.outbox.scenarios import add_mail, read_outbox, sleep
from todo_core.database.executor import Database
from todo_core.outbox import deliverer
from todo_core.outbox.announcements import announce
from todo_core.outbox.deliverer import Deliverer, Outcome
from todo_core.outbox.errors import DeliveryFailed, DeliveryHeld
from todo_core.outbox.leases import LeasedMessage
from todo_core.outbox.outbox import DeliveryCounts, Outbox
from todo_core.outbox.places import MAX_AT_ONCE, MAX_PER_CHANNEL, MIN_PER_CHANNEL

RARELY = 3600.0
"""An interval of looks that no test waits for."""


@dataclass
class Receiver:
    """A receiver of messages that can be slow, and can refuse."""

    taken: list[str] = field(default_factory=list)
    at_once: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    """The most messages that were under way at the same time, by channel and in all."""
    before: Callable[[LeasedMessage], Awaitable[Outcome | None]] | None = None

    async def take(self, message: LeasedMessage) -> Outcome:
        places = Counter({message.channel: 1, "all": 1})
        self.at_once += places
        self.most |= self.at_once
        try:
            outcome = await self.before(message) if self.before else None
        finally:
            self.at_once -= places
        if outcome is None:
            self.taken.append(message.payload["to"])
        return outcome or "delivered"

    def deliverer(self, db: Database, outbox: Outbox | None = None) -> Deliverer:
        return Deliverer(db, outbox or Outbox(can_send_mail=True), {"mail": self.take})


@asynccontextmanager
async def running(subject: Deliverer, *, poll_seconds: float = RARELY) -> AsyncIterator[None]:
    task = asyncio.create_task(subject.run(poll_seconds=poll_seconds))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - a condition of a test
        await asyncio.sleep(0.01)


class TestDue:
    def test_all_due_messages_are_delivered_once(self, database_url: str) -> None:
        receiver = Receiver()

        async def scenario() -> DeliveryCounts:
            async with open_database(database_url) as db:
                for number in range(30):
                    await add_mail(db, f"{number}@example.com")
                outbox = Outbox(can_send_mail=True)
                await receiver.deliverer(db, outbox).deliver_due(seconds_left=lambda: inf)
                return outbox.counts

        assert run(scenario()) == DeliveryCounts(delivered=30)
        assert sorted(receiver.taken) == sorted(f"{number}@example.com" for number in range(30))
        assert read_outbox(database_url) == []

    def test_some_messages_are_under_way_and_fewer_of_one_channel(self, database_url: str) -> None:
        async def wait(_: LeasedMessage) -> None:
            await asyncio.sleep(0.02)

        receiver = Receiver(before=wait)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                for number in range(40):
                    await add_mail(db, f"ada@{number % 5}.example")
                await receiver.deliverer(db).deliver_due(seconds_left=lambda: inf)

        run(scenario())
        assert receiver.most["all"] <= MAX_AT_ONCE
        assert MIN_PER_CHANNEL < max(receiver.most[f"{number}.example"] for number in range(5)) <= MAX_PER_CHANNEL
        assert len(receiver.taken) == 40

    def test_a_quick_channel_gets_half_of_the_places(self, database_url: str) -> None:
        async def wait(_: LeasedMessage) -> None:
            await asyncio.sleep(0.05)

        receiver = Receiver(before=wait)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                for number in range(120):
                    await add_mail(db, f"{number}@one.example")
                await receiver.deliverer(db).deliver_due(seconds_left=lambda: inf)

        run(scenario())
        assert receiver.most["all"] == MAX_PER_CHANNEL
        assert len(receiver.taken) == 120

    def test_messages_of_other_kinds_are_left(self, database_url: str) -> None:
        receiver = Receiver()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                await add_mail(db)
                deliverer = Deliverer(db, Outbox(can_send_mail=True), {"other": receiver.take})
                await deliverer.deliver_due(seconds_left=lambda: inf)

        run(scenario())
        assert receiver.taken == []
        assert [row["attempts"] for row in read_outbox(database_url)] == [0]

    def test_a_receiver_that_does_not_answer_delays_only_its_own(self, database_url: str) -> None:
        forever = asyncio.Event()

        async def wait(message: LeasedMessage) -> None:
            if message.channel == "slow.example":
                await forever.wait()

        receiver = Receiver(before=wait)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                for number in range(10):
                    await add_mail(db, f"{number}@slow.example")
                for number in range(20):
                    await add_mail(db, f"{number}@quick.example")
                async with running(receiver.deliverer(db)):
                    await until(lambda: len(receiver.taken) == 20)
                    forever.set()
                    await until(lambda: len(receiver.taken) == 30)

        run(scenario())

    def test_no_attempt_begins_when_the_time_is_too_short(self, database_url: str) -> None:
        receiver = Receiver()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                await add_mail(db)
                await receiver.deliverer(db).deliver_due(seconds_left=lambda: 30)

        run(scenario())
        assert receiver.taken == []
        assert [row["attempts"] for row in read_outbox(database_url)] == [0]


class TestFailure:
    @pytest.mark.parametrize(
        ("error", "reason", "is_dead"),
        [
            (DeliveryFailed("451 Later"), "451 Later", False),
            (DeliveryFailed("550 Never", is_final=True), "550 Never", True),
            (RuntimeError("with a secret"), "RuntimeError", False),
        ],
    )
    def test_it_is_stored_and_counted(self, database_url: str, error: Exception, reason: str, *, is_dead: bool) -> None:
        async def fail(_: LeasedMessage) -> None:
            raise error

        async def scenario() -> Outbox:
            async with open_database(database_url) as db:
                await add_mail(db)
                outbox = Outbox(can_send_mail=True)
                await Receiver(before=fail).deliverer(db, outbox).deliver_due(seconds_left=lambda: inf)
                return outbox

        outbox = run(scenario())
        assert outbox.counts == DeliveryCounts(failed=1, died=int(is_dead))
        assert (outbox.backlog.waiting, outbox.backlog.dead) == (int(not is_dead), int(is_dead))
        [row] = read_outbox(database_url)
        assert (row["last_error"], row["dead_at"] is not None) == (reason, is_dead)

    def test_an_attempt_has_a_time_limit(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(deliverer, "ATTEMPT_SECONDS", 0.05)

        async def hang(_: LeasedMessage) -> None:
            await asyncio.sleep(60)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                await add_mail(db)
                await Receiver(before=hang).deliverer(db).deliver_due(seconds_left=lambda: inf)

        run(scenario())
        [row] = read_outbox(database_url)
        assert row["last_error"].startswith("No end after")

    def test_a_message_that_nobody_needs_is_dropped(self, database_url: str) -> None:
        async def drop(_: LeasedMessage) -> Outcome:
            return "dropped"

        async def scenario() -> DeliveryCounts:
            async with open_database(database_url) as db:
                await add_mail(db)
                outbox = Outbox(can_send_mail=True)
                await Receiver(before=drop).deliverer(db, outbox).deliver_due(seconds_left=lambda: inf)
                return outbox.counts

        assert run(scenario()) == DeliveryCounts()
        assert read_outbox(database_url) == []


class TestLoop:
    def test_a_call_delivers_at_once(self, database_url: str) -> None:
        receiver, outbox = Receiver(), Outbox(can_send_mail=True)

        async def scenario() -> float:
            async with open_database(database_url) as db, running(receiver.deliverer(db, outbox)):
                await asyncio.sleep(0.3)
                await add_mail(db)
                began = monotonic()
                outbox.wake()
                await until(lambda: len(receiver.taken) == 1)
                return monotonic() - began

        assert 0.1 <= run(scenario()) < 10

    def test_a_message_is_delivered_when_it_becomes_due(self, database_url: str) -> None:
        receiver = Receiver()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                await add_mail(db)
                await sleep(database_url, "-1 second")
                async with running(receiver.deliverer(db)):
                    await until(lambda: len(receiver.taken) == 1)

        run(scenario())

    def test_messages_of_other_processes_are_found_after_the_interval(self, database_url: str) -> None:
        receiver = Receiver()

        async def scenario() -> None:
            async with open_database(database_url) as db, running(receiver.deliverer(db), poll_seconds=0.2):
                await asyncio.sleep(0.3)
                await add_mail(db)
                await until(lambda: len(receiver.taken) == 1)

        run(scenario())

    def test_two_processes_deliver_each_message_once(self, database_url: str) -> None:
        receiver = Receiver()

        async def scenario() -> None:
            async with open_database(database_url) as one, open_database(database_url) as other:
                for number in range(60):
                    await add_mail(one, f"{number}@{number % 5}.example")
                async with running(receiver.deliverer(one)), running(receiver.deliverer(other)):
                    await until(lambda: len(receiver.taken) >= 60)

        run(scenario())
        assert len(receiver.taken) == len(set(receiver.taken)) == 60

    def test_it_goes_on_after_an_outage_of_the_database(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deliverer, "_OUTAGE_PAUSE_SECONDS", 0.1)
        receiver = Receiver()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                await add_mail(db)
                db.connect_to("postgresql://127.0.0.1:1/nothing")
                await db.close()
                async with running(receiver.deliverer(db), poll_seconds=0.1):
                    await asyncio.sleep(0.5)
                    db.connect_to(database_url)
                    await until(lambda: len(receiver.taken) == 1)

        run(scenario())

    def test_a_delivered_message_is_marked_after_an_outage_and_not_sent_again(self, database_url: str) -> None:
        async def scenario() -> None:
            async with open_database(database_url) as db:
                await add_mail(db)

                async def cut(_: LeasedMessage) -> None:
                    db.connect_to("postgresql://127.0.0.1:1/nothing")
                    await db.close()
                    asyncio.get_running_loop().call_later(0.2, db.connect_to, database_url)

                receiver = Receiver(before=cut)
                async with running(receiver.deliverer(db), poll_seconds=0.1):
                    await until(lambda: len(receiver.taken) == 1)
                    while await asyncio.to_thread(read_outbox, database_url):  # noqa: ASYNC110 - as in `until`
                        await asyncio.sleep(0.01)
                assert len(receiver.taken) == 1

        run(scenario())

    def test_an_announced_time_is_looked_at_though_no_look_is_due(self, database_url: str) -> None:
        receiver = Receiver()

        async def scenario() -> None:
            async with open_database(database_url) as db, running(receiver.deliverer(db)):
                await asyncio.sleep(0.3)
                await add_mail(db)
                announce(datetime.now(UTC))
                await until(lambda: len(receiver.taken) == 1)

        run(scenario())

    def test_a_message_that_is_held_comes_at_the_end_of_its_hold(self, database_url: str) -> None:
        until_time: list[datetime] = []

        async def hold(_: LeasedMessage) -> None:
            if not until_time:
                until_time.append(datetime.now(UTC) + timedelta(seconds=1))
                raise DeliveryHeld(until_time[0])

        receiver = Receiver(before=hold)

        async def scenario() -> datetime:
            async with open_database(database_url) as db, running(receiver.deliverer(db)):
                await add_mail(db)
                announce(datetime.now(UTC))
                await until(lambda: len(receiver.taken) == 1)
                return datetime.now(UTC)

        assert run(scenario()) >= until_time[0]

    def test_an_attempt_that_runs_at_the_end_may_finish(self, database_url: str) -> None:
        async def wait(_: LeasedMessage) -> None:
            await asyncio.sleep(0.3)

        receiver = Receiver(before=wait)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                await add_mail(db)
                async with running(receiver.deliverer(db)):
                    await until(lambda: receiver.at_once["all"] == 1)

        run(scenario())
        assert len(receiver.taken) == 1
        assert read_outbox(database_url) == []
