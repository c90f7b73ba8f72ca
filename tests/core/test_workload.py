"""The count of requests on which a process works: places, turns of one client, pauses and the end."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.core.event_loop import run_scenario, settle
from todo_core import workload as workload_module
from todo_core.clients import Client
from todo_core.errors import RateLimited, TooBusy
from todo_core.workload import Work, Workload, current_work, stream_in_turns, waiting, waiting_in_turn

ADA, BOB, EVE = (Client("user", name) for name in ("ada", "bob", "eve"))


def many() -> list[Client]:
    return [Client("user", str(number)) for number in range(500)]


async def count_admitted(workload: Workload, *clients: Client) -> int:
    admitted = 0
    for client in clients:
        try:
            await workload.begin(client)
        except TooBusy:
            continue
        admitted += 1
    return admitted


@pytest.fixture
def in_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload_module, "_PATIENCE_SECONDS", 0)


@pytest.fixture
def in_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload_module, "_PATIENCE_SECONDS", 1e9)


class TestPlaces:
    @pytest.mark.usefixtures("in_burst")
    def test_in_a_burst_clients_without_a_request_get_places_beyond_all_up_to_a_quarter(self) -> None:
        async def scenario() -> None:
            assert await count_admitted(Workload(100), *many()) == 125

        run_scenario(scenario)

    @pytest.mark.usefixtures("in_burst")
    def test_a_client_with_a_request_gets_no_place_beyond_all(self) -> None:
        async def scenario() -> None:
            assert await count_admitted(Workload(100), *many()[:100], *many()[:100]) == 100

        run_scenario(scenario)

    @pytest.mark.usefixtures("in_overload")
    def test_in_an_overload_a_sixth_of_the_places_remain(self) -> None:
        async def scenario() -> None:
            assert await count_admitted(Workload(96), *many()) == 16 + 4

        run_scenario(scenario)

    @pytest.mark.usefixtures("in_overload")
    def test_a_burst_may_take_all_places_again_when_half_of_the_rest_is_free(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario() -> None:
            workload = Workload(96)
            works = [await workload.begin(client) for client in many()[:20]]
            for work in works[:12]:
                work.end()
            monkeypatch.setattr(workload_module, "_PATIENCE_SECONDS", 1e9)
            assert await count_admitted(workload, *many()) == 96 + 24 - 8

        run_scenario(scenario)

    def test_a_limit_of_one_request_admits_one(self) -> None:
        async def scenario() -> None:
            workload = Workload(1)
            work = await workload.begin(ADA)
            assert await count_admitted(workload, BOB) == 0
            work.end()
            assert await count_admitted(workload, BOB) == 1

        run_scenario(scenario)


class TestTurns:
    def test_a_client_is_worked_on_four_times_at_most_and_delays_no_other(self) -> None:
        async def scenario() -> None:
            workload = Workload(100)
            tasks = [asyncio.create_task(workload.begin(ADA)) for _ in range(60)]
            await settle()
            assert workload.count == 4
            await workload.begin(BOB)
            for done in range(4, 61):
                assert sum(task.done() for task in tasks) == done
                tasks[done - 4].result().end()
                await settle()

        run_scenario(scenario)

    def test_costly_requests_of_a_client_run_one_at_a_time_beside_one_other(self) -> None:
        async def scenario() -> None:
            workload = Workload(100)
            costly = await workload.begin(ADA, is_costly=True)
            await workload.begin(ADA)
            waiting_costly = asyncio.create_task(workload.begin(ADA, is_costly=True))
            last = asyncio.create_task(workload.begin(ADA))
            await settle()
            assert not waiting_costly.done()
            assert not last.done()
            costly.end()
            await settle()
            assert waiting_costly.done()
            assert not last.done()
            await workload.begin(BOB, is_costly=True)
            waiting_costly.result().end()
            await settle()
            assert last.done()

        run_scenario(scenario)

    def test_a_request_that_waits_too_long_for_others_of_its_client_is_rate_limited(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(workload_module, "_MAX_WAIT_SECONDS", 0.05)

        async def scenario() -> None:
            workload = Workload(100)
            first, *works = [await workload.begin(ADA) for _ in range(4)]
            earlier, later = (asyncio.create_task(workload.begin(ADA)) for _ in range(2))
            await settle()
            first.end()
            with pytest.raises(RateLimited):
                await later
            for work in [*works, await earlier]:
                work.end()
            assert workload.count == 0

        run_scenario(scenario)

    def test_a_request_that_waits_for_others_that_hang_is_refused_as_too_busy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(workload_module, "_MAX_WAIT_SECONDS", 0)

        async def scenario() -> None:
            workload = Workload(100)
            works = [await workload.begin(ADA) for _ in range(4)]
            waiting_requests = [asyncio.create_task(workload.begin(ADA)) for _ in range(2)]
            for request in waiting_requests:
                with pytest.raises(TooBusy):
                    await request
            for work in works:
                work.end()
            assert workload.count == 0

        run_scenario(scenario)

    def test_a_request_that_is_cancelled_at_its_turn_leaves_it_to_the_next(self) -> None:
        async def scenario() -> None:
            workload = Workload(100)
            works = [await workload.begin(ADA) for _ in range(4)]
            cancelled, following = (asyncio.create_task(workload.begin(ADA)) for _ in range(2))
            await settle()
            works[0].end()
            cancelled.cancel()
            await settle()
            assert cancelled.cancelled()
            assert following.done()
            assert workload.count == 4

        run_scenario(scenario)


class TestPauses:
    def test_a_request_that_waits_for_another_service_does_not_count(self) -> None:
        async def scenario() -> None:
            workload = Workload(10)
            current_work.set(await workload.begin(ADA))
            with waiting(), waiting():
                assert workload.count == 0
            assert workload.count == 1

        run_scenario(scenario)

    def test_waiting_without_a_request_has_no_effect(self) -> None:
        async def scenario() -> None:
            with waiting():
                assert [part async for part in stream_in_turns(0, count_to(2))] == [0, 1, 2]

        run_scenario(scenario)

    def test_a_task_that_waits_longer_than_its_request_does_not_count_at_the_end(self) -> None:
        async def scenario() -> None:
            workload = Workload(10)
            work: Work = await workload.begin(EVE)
            work.pause()
            work.end()
            work.resume()
            assert workload.count == 0

        run_scenario(scenario)


class TestWaitingInTurn:
    def test_a_request_does_not_count_meanwhile_and_waits_for_earlier_ones_afterwards(self) -> None:
        async def scenario() -> None:
            workload = Workload(100)
            work = await workload.begin(ADA, is_costly=True)
            current_work.set(work)
            async with waiting_in_turn():
                assert workload.count == 0
                other = await workload.begin(ADA, is_costly=True)
                asyncio.get_running_loop().call_later(0.05, other.end)
            assert workload.count == 1
            work.end()
            assert workload.count == 0

        run_scenario(scenario)

    def test_without_a_request_it_has_no_effect(self) -> None:
        async def scenario() -> None:
            async with waiting_in_turn():
                assert current_work.get() is None

        run_scenario(scenario)


class TestStreams:
    def test_a_stream_counts_while_a_part_is_made_and_not_while_the_client_reads_it(self) -> None:
        async def scenario() -> None:
            workload = Workload(10)
            work = await workload.begin(ADA)
            current_work.set(work)
            counts_at_parts = []

            async def make_parts() -> AsyncIterator[int]:
                for number in range(1, 3):
                    counts_at_parts.append(workload.count)
                    yield number

            counts_of_reader = [workload.count async for _ in stream_in_turns(0, make_parts())]
            assert counts_at_parts == [1, 1]
            assert counts_of_reader == [0, 0, 0]
            work.end()
            assert workload.count == 0

        run_scenario(scenario)

    def test_a_part_waits_for_the_other_requests_of_the_client(self) -> None:
        async def scenario() -> None:
            workload = Workload(10)
            current_work.set(await workload.begin(ADA, is_costly=True))
            stream = stream_in_turns(0, count_to(1))
            assert await anext(stream) == 0
            costly = await workload.begin(ADA, is_costly=True)
            part = asyncio.create_task(anext(stream, None))
            await settle()
            assert not part.done()
            costly.end()
            await settle()
            assert part.result() == 1

        run_scenario(scenario)

    def test_a_part_waits_for_no_other_client(self) -> None:
        async def scenario() -> None:
            workload = Workload(10)
            current_work.set(await workload.begin(ADA, is_costly=True))
            await workload.begin(BOB, is_costly=True)
            assert [part async for part in stream_in_turns(0, count_to(1))] == [0, 1]

        run_scenario(scenario)

    def test_a_stream_whose_client_has_gone_away_does_not_count(self) -> None:
        async def scenario() -> None:
            workload = Workload(10)
            work = await workload.begin(ADA, is_costly=True)
            current_work.set(work)
            stream = stream_in_turns(0, count_to(1))
            await anext(stream)
            other = await workload.begin(ADA, is_costly=True)
            part = asyncio.create_task(anext(stream, None))
            await settle()
            part.cancel()
            await settle()
            work.end()
            other.end()
            assert workload.count == 0

        run_scenario(scenario)


async def count_to(last: int) -> AsyncIterator[int]:
    for number in range(1, last + 1):
        yield number
