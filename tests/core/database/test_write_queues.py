"""Queues of writes: the order of an owner's writes, the bounds of the queue, and cancellation."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.core.event_loop import run_scenario, settle
from todo_core.clients import Owner
from todo_core.database import write_queues
from todo_core.database.write_queues import WriteQueues
from todo_core.errors import DatabaseUnavailable, RateLimited

ADA, BOB = "ada", "bob"


class Writers:
    """Tasks that write. Each goes on until it is told to end, and notes its name at the start."""

    def __init__(self) -> None:
        self.queues = WriteQueues()
        self.started: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}

    async def add(self, owner: Owner | None, name: str) -> asyncio.Task[None]:
        self.ends[name] = asyncio.Event()

        async def write() -> None:
            await self.queues.enter(owner)
            try:
                self.started.append(name)
                await self.ends[name].wait()
            finally:
                self.queues.leave(owner)

        task = asyncio.create_task(write())
        await settle()
        return task

    async def end(self, *names: str) -> None:
        for name in names:
            self.ends[name].set()
            await settle()


def run(scenario: Callable[[Writers], Awaitable[None]]) -> None:
    run_scenario(lambda: scenario(Writers()))


class TestOrder:
    def test_writes_of_an_owner_run_one_after_the_other_in_the_order_of_their_arrival(self) -> None:
        async def scenario(writers: Writers) -> None:
            for name in "abc":
                await writers.add(ADA, name)
            assert writers.started == ["a"]
            await writers.end("a")
            assert writers.started == ["a", "b"]
            await writers.end("b", "c")
            assert writers.started == ["a", "b", "c"]

        run(scenario)

    def test_writes_of_different_owners_do_not_wait_for_each_other(self) -> None:
        async def scenario(writers: Writers) -> None:
            await writers.add(ADA, "a")
            await writers.add(BOB, "b")
            assert writers.started == ["a", "b"]
            await writers.end("a", "b")

        run(scenario)

    def test_writes_without_an_owner_do_not_wait(self) -> None:
        async def scenario(writers: Writers) -> None:
            await writers.add(None, "a")
            await writers.add(None, "b")
            assert writers.started == ["a", "b"]
            await writers.end("a", "b")

        run(scenario)

    def test_a_new_write_does_not_overtake_one_that_waited(self) -> None:
        async def scenario(writers: Writers) -> None:
            await writers.add(ADA, "a")
            await writers.add(ADA, "b")
            writers.ends["a"].set()
            await asyncio.sleep(0)  # the first has left, and the second has not run yet
            await writers.add(ADA, "c")
            assert writers.started == ["a", "b"]
            await writers.end("b", "c")
            assert writers.started == ["a", "b", "c"]

        run(scenario)

    def test_the_queue_of_an_owner_without_writes_is_removed(self) -> None:
        async def scenario(writers: Writers) -> None:
            for name in "abc":
                await writers.add(ADA, name)
            await writers.end("a", "b", "c")
            assert len(writers.queues) == 0

        run(scenario)


class TestBounds:
    def test_a_write_beyond_the_longest_queue_is_refused_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(write_queues, "_MAX_WAITING", 2)

        async def scenario(writers: Writers) -> None:
            for name in "abc":
                await writers.add(ADA, name)
            with pytest.raises(RateLimited):
                await (await writers.add(ADA, "d"))
            await writers.end("a", "b", "c")
            assert writers.started == ["a", "b", "c"]

        run(scenario)

    def test_a_write_that_waits_too_long_for_many_others_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(write_queues, "_MAX_WAIT_SECONDS", 0.05)

        async def scenario(writers: Writers) -> None:
            await writers.add(ADA, "a")
            await writers.add(ADA, "b")
            last = await writers.add(ADA, "c")
            await writers.end("a")
            with pytest.raises(RateLimited):
                await last
            await writers.end("b")
            assert len(writers.queues) == 0

        run(scenario)

    def test_a_write_that_waits_for_one_that_hangs_gets_the_error_of_the_database(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(write_queues, "_MAX_WAIT_SECONDS", 0)

        async def scenario(writers: Writers) -> None:
            await writers.add(ADA, "a")
            with pytest.raises(DatabaseUnavailable):
                await (await writers.add(ADA, "b"))
            await writers.end("a")
            assert len(writers.queues) == 0

        run(scenario)

    def test_a_write_inside_a_write_is_an_error_and_not_a_deadlock(self) -> None:
        async def scenario(writers: Writers) -> None:
            await writers.queues.enter(ADA)
            with pytest.raises(RuntimeError, match="inside a transaction"):
                await writers.queues.enter(ADA)
            writers.queues.leave(ADA)
            assert len(writers.queues) == 0

        run(scenario)


class TestCancellation:
    def test_a_cancelled_write_leaves_the_queue(self) -> None:
        async def scenario(writers: Writers) -> None:
            await writers.add(ADA, "a")
            waiting = await writers.add(ADA, "b")
            await writers.add(ADA, "c")
            waiting.cancel()
            await settle()
            await writers.end("a", "c")
            assert writers.started == ["a", "c"]
            assert len(writers.queues) == 0

        run(scenario)

    def test_the_turn_of_a_write_that_is_cancelled_in_that_moment_goes_to_the_next(self) -> None:
        async def scenario(writers: Writers) -> None:
            await writers.add(ADA, "a")
            waiting = await writers.add(ADA, "b")
            await writers.add(ADA, "c")
            writers.ends["a"].set()
            await asyncio.sleep(0)
            waiting.cancel()
            await settle()
            assert writers.started == ["a", "c"]
            await writers.end("c")
            assert len(writers.queues) == 0

        run(scenario)
