"""The queue in which requests of different clients wait for one slot."""

import asyncio
from functools import partial

import pytest

from tests.core.event_loop import run_scenario
from todo_core.accounts.errors import TooManyAttempts
from todo_core.accounts.fair_queue import FairQueue
from todo_core.clients import Client
from todo_core.errors import TooBusy
from todo_core.workload import Workload, current_work


class Served:
    """Requests of clients in a queue. `order` has their names as they were served."""

    def __init__(self, max_waiting: int = 100) -> None:
        self.queue = FairQueue(max_waiting)
        self.order: list[str] = []
        self.requests: dict[str, asyncio.Task[None]] = {}

    async def ask(self, name: str, *clients: str) -> None:
        """Adds a request, and returns when it waits or was refused."""

        async def take_slot() -> None:
            async with self.queue.slot(*clients):
                self.order.append(name)

        self.requests[name] = asyncio.create_task(take_slot())
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def finish(self) -> list[str]:
        """Waits for the end of all requests, and returns the names in the order in which they were served."""
        await asyncio.gather(*self.requests.values(), return_exceptions=True)
        return self.order

    def refusal(self, name: str) -> type[BaseException] | None:
        request = self.requests[name]
        error = request.exception() if request.done() else None
        return type(error) if error else None


run = partial(run_scenario, seconds=10)


class TestOrder:
    def test_requests_of_one_client_are_served_in_their_order(self) -> None:
        async def scenario() -> None:
            served = Served()
            async with served.queue.slot("the first"):
                for name in ("a1", "a2", "a3"):
                    await served.ask(name, "a")
            assert await served.finish() == ["a1", "a2", "a3"]

        run(scenario)

    def test_another_client_waits_for_one_request_of_a_flood(self) -> None:
        async def scenario() -> None:
            served = Served()
            async with served.queue.slot("the first"):
                for number in range(45):
                    await served.ask(f"a{number}", "a")
                await served.ask("b", "b")
            assert (await served.finish()).index("b") == 1

        run(scenario)

    def test_clients_alternate(self) -> None:
        async def scenario() -> None:
            served = Served()
            async with served.queue.slot("the first"):
                for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
                    await served.ask(name, name[0])
            assert await served.finish() == ["a1", "b1", "c1", "a2", "b2", "a3"]

        run(scenario)

    @pytest.mark.parametrize("shared", ["account", "address"])
    def test_the_account_and_the_address_both_count(self, shared: str) -> None:
        async def scenario() -> None:
            served = Served()
            async with served.queue.slot("the first"):
                for number in range(10):
                    await served.ask(f"flood {number}", shared, f"another {number}")
                await served.ask("b", "account of b", "address of b")
            assert (await served.finish()).index("b") == 1

        run(scenario)

    def test_new_clients_do_not_overtake_one_that_waits(self) -> None:
        async def scenario() -> None:
            served = Served()
            async with served.queue.slot("b"):
                pass
            async with served.queue.slot("the first"):
                await served.ask("b", "b")
                for number in range(10):
                    await served.ask(f"new {number}", f"new {number}")
            assert (await served.finish()).index("b") <= 1

        run(scenario)


class TestFullQueue:
    def test_the_newest_request_of_the_client_with_the_most_is_refused(self) -> None:
        async def scenario() -> None:
            served = Served(max_waiting=4)
            async with served.queue.slot("the first"):
                for name in ("a1", "a2", "a3", "b1"):
                    await served.ask(name, name[0])
                await served.ask("c1", "c")
            assert await served.finish() == ["a1", "b1", "c1", "a2"]
            assert served.refusal("a3") is TooManyAttempts

        run(scenario)

    def test_a_further_request_of_the_client_with_the_most_is_refused(self) -> None:
        async def scenario() -> None:
            served = Served(max_waiting=3)
            async with served.queue.slot("the first"):
                for name in ("a1", "a2", "b1", "a3"):
                    await served.ask(name, name[0])
                assert served.refusal("a3") is TooManyAttempts
            assert await served.finish() == ["a1", "b1", "a2"]

        run(scenario)

    def test_a_new_client_is_refused_when_each_client_has_one_request(self) -> None:
        async def scenario() -> None:
            served = Served(max_waiting=2)
            async with served.queue.slot("the first"):
                for name in ("a", "b", "c"):
                    await served.ask(name, name)
                assert served.refusal("c") is TooBusy
            assert await served.finish() == ["a", "b"]

        run(scenario)

    def test_refused_requests_do_not_delay_the_next_request_of_their_client(self) -> None:
        async def scenario() -> None:
            served = Served(max_waiting=2)
            async with served.queue.slot("the first"):
                for name in ("a1", "a2"):
                    await served.ask(name, "a")
                for number in range(20):
                    await served.ask(f"refused {number}", "a")
            await served.finish()
            await served.ask("a3", "a")
            assert served.order == ["a1", "a2", "a3"]

        run(scenario)


class TestCancellation:
    def test_a_cancelled_request_leaves_the_queue(self) -> None:
        async def scenario() -> None:
            served = Served()
            async with served.queue.slot("the first"):
                await served.ask("a", "a")
                await served.ask("b", "b")
                served.requests["a"].cancel()
            assert await served.finish() == ["b"]

        run(scenario)

    def test_a_request_that_is_cancelled_when_it_gets_the_slot_passes_it_on(self) -> None:
        async def scenario() -> None:
            served = Served()
            async with served.queue.slot("z"):
                await served.ask("b", "b")
                await served.ask("c", "c")
            # The end of the block has given the slot to `b`, whose task has not continued yet.
            served.requests["b"].cancel()
            assert await served.finish() == ["c"]

        run(scenario)


class TestWorkload:
    def test_a_waiting_request_is_no_work_of_the_process(self) -> None:
        async def scenario() -> None:
            workload = Workload(10)
            served = Served()
            async with served.queue.slot("the first"):
                current_work.set(await workload.begin(Client("network", "203.0.113.7")))
                await served.ask("a", "a")
                assert workload.count == 0
            await served.finish()
            assert workload.count == 1

        run(scenario)
