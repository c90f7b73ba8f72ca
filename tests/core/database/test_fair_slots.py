"""Slots for connections: the share of an owner, the turns of waiting owners, timeouts and cancellation."""

import asyncio

import pytest

from tests.core.event_loop import run_scenario, settle
from todo_core.clients import Owner
from todo_core.database.fair_slots import FairSlots
from todo_core.errors import RateLimited

ADA, BOB, EVE, MALLORY = "ada", "bob", "eve", "mallory"


class Waiting:
    """Tasks that wait for slots, and the owners in the order in which they got one."""

    def __init__(self, slots: FairSlots) -> None:
        self.slots = slots
        self.served: list[Owner | None] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def add(self, owner: Owner | None, *, seconds: float = 60) -> asyncio.Task[None]:
        async def acquire() -> None:
            await self.slots.acquire(owner, seconds=seconds)
            self.served.append(owner)

        task = asyncio.create_task(acquire())
        self.tasks.append(task)
        await settle()
        return task

    async def release(self, *owners: Owner | None) -> None:
        for owner in owners:
            self.slots.release(owner)
            await settle()


class TestShares:
    @pytest.mark.parametrize(("size", "share"), [(1, 1), (2, 1), (3, 1), (4, 2), (10, 4), (100, 34)])
    def test_an_owner_gets_at_most_a_third_of_the_slots(self, size: int, share: int) -> None:
        slots = FairSlots(size)

        assert [slots.try_acquire(ADA) for _ in range(size)] == [True] * share + [False] * (size - share)
        assert slots.in_use == share

    def test_a_released_slot_counts_for_the_share_again(self) -> None:
        slots = FairSlots(3)
        assert slots.try_acquire(ADA)
        assert not slots.try_acquire(ADA)
        slots.release(ADA)

        assert slots.try_acquire(ADA)

    def test_work_without_an_owner_may_take_all_slots(self) -> None:
        slots = FairSlots(5)

        assert [slots.try_acquire(None) for _ in range(6)] == [True] * 5 + [False]

    def test_waiting_requests_of_one_owner_leave_free_slots_to_others(self) -> None:
        async def scenario() -> None:
            waiting = Waiting(FairSlots(3))
            for _ in range(20):
                await waiting.add(ADA)
            assert waiting.served == [ADA]
            assert waiting.slots.try_acquire(BOB)
            assert waiting.slots.try_acquire(EVE)
            assert not waiting.slots.try_acquire(MALLORY)

        run_scenario(scenario)


class TestTurns:
    def test_waiting_owners_take_turns_however_many_requests_each_has(self) -> None:
        async def scenario() -> None:
            waiting = Waiting(FairSlots(1))
            assert waiting.slots.try_acquire(EVE)
            for owner in (ADA, ADA, ADA, BOB, ADA, BOB, MALLORY):
                await waiting.add(owner)
            await waiting.release(EVE, ADA, BOB, MALLORY, ADA, BOB, ADA)
            assert waiting.served == [ADA, BOB, MALLORY, ADA, BOB, ADA, ADA]

        run_scenario(scenario)

    def test_an_owner_at_its_share_does_not_stop_those_behind_it(self) -> None:
        async def scenario() -> None:
            waiting = Waiting(FairSlots(3))
            for owner in (ADA, BOB, EVE):
                assert waiting.slots.try_acquire(owner)
            await waiting.add(ADA)
            await waiting.add(MALLORY)
            await waiting.release(BOB)
            assert waiting.served == [MALLORY]
            await waiting.release(ADA)
            assert waiting.served == [MALLORY, ADA]

        run_scenario(scenario)


class TestEndOfWaiting:
    def test_an_owner_that_waits_for_its_own_work_is_rate_limited(self) -> None:
        async def scenario() -> None:
            waiting = Waiting(FairSlots(3))
            assert waiting.slots.try_acquire(ADA)
            await waiting.add(ADA)
            last = await waiting.add(ADA, seconds=0.5)
            await waiting.release(ADA)
            with pytest.raises(RateLimited):
                await last

        run_scenario(scenario)

    def test_an_owner_whose_work_hangs_gets_a_timeout(self) -> None:
        async def scenario() -> None:
            slots = FairSlots(3)
            assert slots.try_acquire(ADA)
            with pytest.raises(TimeoutError):
                await slots.acquire(ADA, seconds=0)

        run_scenario(scenario)

    def test_an_owner_that_waits_for_others_gets_a_timeout(self) -> None:
        async def scenario() -> None:
            slots = FairSlots(1)
            assert slots.try_acquire(ADA)
            with pytest.raises(TimeoutError):
                await slots.acquire(BOB, seconds=0)

        run_scenario(scenario)

    def test_a_cancelled_wait_takes_no_slot(self) -> None:
        async def scenario() -> None:
            waiting = Waiting(FairSlots(1))
            assert waiting.slots.try_acquire(EVE)
            task = await waiting.add(ADA)
            await waiting.add(BOB)
            task.cancel()
            await settle()
            await waiting.release(EVE)
            assert waiting.served == [BOB]
            await waiting.release(BOB)
            assert waiting.slots.in_use == 0

        run_scenario(scenario)

    def test_a_slot_that_a_cancelled_task_got_goes_to_the_next(self) -> None:
        async def scenario() -> None:
            waiting = Waiting(FairSlots(1))
            assert waiting.slots.try_acquire(EVE)
            task = await waiting.add(ADA)
            await waiting.add(BOB)
            # The task has the slot already, but has not run since.
            waiting.slots.release(EVE)
            task.cancel()
            await settle()
            assert task.cancelled()
            assert waiting.served == [BOB]
            await waiting.release(BOB)
            assert waiting.slots.in_use == 0

        run_scenario(scenario)

    def test_no_slot_is_lost_when_waits_are_cancelled_at_any_moment(self) -> None:
        async def scenario() -> None:
            slots = FairSlots(4)
            peak = 0

            async def work(owner: Owner, turns: int) -> None:
                nonlocal peak
                await slots.acquire(owner, seconds=60)
                try:
                    peak = max(peak, slots.in_use)
                    for _ in range(turns):
                        await asyncio.sleep(0)
                finally:
                    slots.release(owner)

            tasks = [asyncio.create_task(work("abc"[number % 3], number % 4)) for number in range(300)]
            for number in range(0, 300, 3):
                await asyncio.sleep(0)
                tasks[number * 7 % 300].cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert [result for result in results if isinstance(result, Exception)] == []
            assert peak == 4
            assert slots.in_use == 0
            assert [slots.try_acquire(None) for _ in range(5)] == [True] * 4 + [False]

        run_scenario(scenario)
