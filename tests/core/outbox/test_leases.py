"""Leases: each message has one process at a time, and another one after its end."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests import postgres
from tests.core.databases import open_database, run
from tests.core.outbox.scenarios import add_mail, read_outbox, sleep
from todo_core.database.executor import Database
from todo_core.outbox import backlog, leases
from todo_core.outbox.backlog import Backlog
from todo_core.outbox.leases import LeasedMessage

KINDS = ["mail"]

type Scenario[Result] = Callable[[Database], Awaitable[Result]]


def play[Result](database_url: str, scenario: Scenario[Result]) -> Result:
    async def opened() -> Result:
        async with open_database(database_url) as db:
            return await scenario(db)

    return run(opened())


async def claim(db: Database) -> LeasedMessage:
    [message] = await leases.claim(db, KINDS)
    return message


class TestClaim:
    def test_a_message_has_one_lease_at_a_time(self, database_url: str) -> None:
        async def scenario(db: Database) -> list[list[LeasedMessage]]:
            for number in range(6):
                await add_mail(db, f"ada@{number}.example")
            return await asyncio.gather(*(leases.claim(db, KINDS, limit=2) for _ in range(6)))

        claimed = [message.id for messages in play(database_url, scenario) for message in messages]
        assert len(claimed) == len(set(claimed)) == 6

    def test_the_message_that_is_due_for_the_longest_time_comes_first(self, database_url: str) -> None:
        async def scenario(db: Database) -> None:
            first = await add_mail(db)
            await sleep(database_url, "1 second")
            await add_mail(db)
            assert (await claim(db)).id == first

        play(database_url, scenario)

    def test_a_message_is_taken_over_when_its_lease_has_ended(self, database_url: str) -> None:
        async def scenario(db: Database) -> None:
            await add_mail(db)
            first = await claim(db)
            await sleep(database_url, f"{leases.LEASE_SECONDS - 5} seconds")
            assert await leases.claim(db, KINDS) == []
            await sleep(database_url, "6 seconds")
            second = await claim(db)
            assert (second.id, first.attempts, second.attempts) == (first.id, 1, 2)

        play(database_url, scenario)

    def test_a_process_whose_lease_has_ended_changes_nothing(self, database_url: str) -> None:
        async def scenario(db: Database) -> None:
            await add_mail(db)
            late = await claim(db)
            await sleep(database_url, "61 seconds")
            await claim(db)
            await leases.complete(db, late)
            assert not await leases.postpone(db, late, "too late", is_final=True)

        play(database_url, scenario)
        [row] = read_outbox(database_url)
        assert (row["attempts"], row["dead_at"], row["last_error"]) == (2, None, None)

    def test_full_channels_are_skipped(self, database_url: str) -> None:
        async def scenario(db: Database) -> list[LeasedMessage]:
            await add_mail(db, "ada@slow.example")
            await add_mail(db, "ada@quick.example")
            return await leases.claim(db, KINDS, limit=9, full_channels=["slow.example"])

        assert [message.channel for message in play(database_url, scenario)] == ["quick.example"]

    def test_a_channel_gets_as_many_as_it_has_room_for(self, database_url: str) -> None:
        async def scenario(db: Database) -> list[LeasedMessage]:
            for number in range(18):
                await add_mail(db, f"ada@{('slow', 'quick', 'unknown')[number % 3]}.example")
            return await leases.claim(db, KINDS, limit=18, rooms={"slow.example": 1, "quick.example": 5})

        claimed = Counter(message.channel for message in play(database_url, scenario))
        assert claimed == {"slow.example": 1, "quick.example": 5, "unknown.example": 2}

    def test_messages_of_other_kinds_stay(self, database_url: str) -> None:
        async def scenario(db: Database) -> list[LeasedMessage]:
            await add_mail(db)
            return await leases.claim(db, ["push"])

        assert play(database_url, scenario) == []
        assert read_outbox(database_url)[0]["attempts"] == 0

    def test_it_reads_the_index_of_due_messages(self, database_url: str) -> None:
        postgres.query(
            database_url,
            "INSERT INTO outbox (id, kind, channel, payload, due_at) SELECT gen_random_uuid(), 'mail', 'example.com',"
            " '{}', now() + interval '1 hour' FROM generate_series(1, 5000)",
        )
        postgres.run(database_url, "ANALYZE outbox")
        lists: dict[str, object] = {name: [] for name in ("kinds", "full_channels", "channels", "rooms")}
        arguments = leases._CLAIM.arguments({"lease": timedelta(seconds=1), "limit": 32, "room": 2} | lists)  # noqa: SLF001
        plan = postgres.query(database_url, f"EXPLAIN {leases._CLAIM.sql}", *arguments)  # noqa: SLF001

        assert "outbox_by_due" in str(plan)


class TestEnd:
    def test_a_delivered_message_is_deleted(self, database_url: str) -> None:
        async def scenario(db: Database) -> None:
            await add_mail(db)
            await leases.complete(db, await claim(db))

        play(database_url, scenario)
        assert read_outbox(database_url) == []

    def test_a_failed_message_is_due_again_after_a_pause(self, database_url: str) -> None:
        async def scenario(db: Database) -> None:
            await add_mail(db)
            assert not await leases.postpone(db, await claim(db), "451 Later", is_final=False)
            assert await leases.claim(db, KINDS) == []
            await sleep(database_url, "31 seconds")
            assert (await claim(db)).attempts == 2

        play(database_url, scenario)
        [row] = read_outbox(database_url)
        assert row["last_error"] == "451 Later"

    def test_a_final_failure_ends_the_message(self, database_url: str) -> None:
        async def scenario(db: Database) -> None:
            await add_mail(db)
            assert await leases.postpone(db, await claim(db), "550 No such user", is_final=True)
            await sleep(database_url, "5 hours")
            assert await leases.claim(db, KINDS) == []

        play(database_url, scenario)
        [row] = read_outbox(database_url)
        assert row["dead_at"] is not None

    def test_a_message_dies_after_three_days(self, database_url: str) -> None:
        async def scenario(db: Database) -> int:
            await add_mail(db)
            failures = 0
            while messages := await leases.claim(db, KINDS):
                failures += 1
                await leases.postpone(db, messages[0], "x" * 10_000, is_final=False)
                await sleep(database_url, "4 hours")
            return failures

        assert 18 <= play(database_url, scenario) <= 19
        [row] = read_outbox(database_url)
        assert row["dead_at"] is not None
        assert len(row["last_error"]) == 500

    @pytest.mark.parametrize(("attempts", "longest"), [(1, 30), (2, 60), (5, 480), (10, 14_400), (1000, 14_400)])
    def test_pauses_grow_and_differ(self, attempts: int, longest: int) -> None:
        pauses = {leases.find_pause(attempts).total_seconds() for _ in range(100)}

        assert longest / 2 <= min(pauses) < max(pauses) <= longest
        assert len(pauses) > 90


class TestBacklog:
    def test_it_counts_waiting_and_dead_messages(self, database_url: str) -> None:
        async def scenario(db: Database) -> Backlog:
            for _ in range(3):
                await add_mail(db)
            await sleep(database_url, "2 minutes")
            await leases.postpone(db, await claim(db), "550", is_final=True)
            await leases.postpone(db, await claim(db), "451", is_final=False)
            await claim(db)
            return await backlog.read(db, KINDS)

        found = play(database_url, scenario)
        assert (found.waiting, found.dead) == (2, 1)
        assert 120 <= found.oldest_seconds < 180
        assert found.next_seconds is not None
        assert 14 < found.next_seconds <= 30

    def test_only_kinds_that_this_process_can_deliver_are_due(self, database_url: str) -> None:
        async def scenario(db: Database) -> Backlog:
            await add_mail(db)
            return await backlog.read(db, ["push"])

        found = play(database_url, scenario)
        assert (found.waiting, found.next_seconds, found.is_due) == (1, None, False)

    def test_the_next_message_is_found_without_counting(self, database_url: str) -> None:
        async def scenario(db: Database) -> Backlog:
            await add_mail(db)
            return await backlog.find_next(db, KINDS, Backlog(waiting=7))

        found = play(database_url, scenario)
        assert (found.waiting, found.is_due) == (7, True)

    def test_held_messages_have_no_age(self, database_url: str) -> None:
        async def scenario(db: Database) -> Backlog:
            await add_mail(db)
            await leases.hold(db, await claim(db), datetime.now(UTC) + timedelta(hours=8))
            return await backlog.read(db, KINDS)

        found = play(database_url, scenario)
        assert (found.waiting, found.oldest_seconds) == (1, 0)
        assert found.next_seconds is not None
        assert found.next_seconds > 7.9 * 3600

    def test_an_empty_outbox_has_none(self, database_url: str) -> None:
        assert play(database_url, lambda db: backlog.read(db, KINDS)) == Backlog()
