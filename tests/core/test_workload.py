"""The count of requests on which a process works: shares of clients, pauses and the end."""

import pytest

from todo_core import workload as workload_module
from todo_core.clients import Client
from todo_core.workload import Work, Workload, current_work, stop_counting, waiting

ADA, BOB, EVE = (Client("user", name) for name in ("ada", "bob", "eve"))


def begin(workload: Workload, client: Client) -> Work:
    work = workload.begin(client)
    assert work is not None
    return work


def count_admitted(workload: Workload, *clients: Client) -> int:
    return sum(workload.begin(client) is not None for client in clients)


def many() -> list[Client]:
    return [Client("user", str(number)) for number in range(500)]


@pytest.fixture
def in_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload_module, "_PATIENCE_SECONDS", 0)


@pytest.fixture
def in_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload_module, "_PATIENCE_SECONDS", 1e9)


@pytest.mark.usefixtures("in_burst")
class TestBursts:
    def test_one_client_gets_at_most_half_of_the_places(self) -> None:
        assert count_admitted(Workload(100), *[ADA] * 100) == 50

    def test_a_client_gets_a_tenth_when_half_of_the_places_are_taken(self) -> None:
        workload = Workload(100)
        count_admitted(workload, *[ADA] * 50)

        assert count_admitted(workload, *[BOB] * 100) == 10

    def test_clients_without_a_request_get_places_beyond_all_up_to_a_quarter(self) -> None:
        assert count_admitted(Workload(100), *many()) == 125

    def test_a_limit_of_one_request_admits_one(self) -> None:
        workload = Workload(1)
        work = begin(workload, ADA)
        assert workload.begin(BOB) is None
        work.end()

        assert workload.begin(BOB) is not None


@pytest.mark.usefixtures("in_overload")
class TestOverload:
    def test_a_sixth_of_the_places_remain(self) -> None:
        assert count_admitted(Workload(96), *many()) == 16 + 4

    def test_a_burst_may_take_all_places_again_when_half_of_the_rest_is_free(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workload = Workload(96)
        works = [begin(workload, client) for client in many()[:20]]
        for work in works[:12]:
            work.end()
        monkeypatch.setattr(workload_module, "_PATIENCE_SECONDS", 1e9)

        assert count_admitted(workload, *many()) == 96 + 24 - 8


class TestPauses:
    def test_a_request_that_waits_for_another_service_does_not_count(self) -> None:
        workload = Workload(10)
        current_work.set(begin(workload, ADA))
        with waiting(), waiting():
            assert workload.count == 0
        assert workload.count == 1

    def test_waiting_without_a_request_has_no_effect(self) -> None:
        current_work.set(None)
        with waiting():
            stop_counting()

    def test_a_stream_does_not_count(self) -> None:
        workload = Workload(10)
        work = begin(workload, ADA)
        current_work.set(work)
        stop_counting()
        assert workload.count == 0
        with waiting():
            work.end()
        assert workload.count == 0

    def test_a_task_that_waits_longer_than_its_request_does_not_count_at_the_end(self) -> None:
        workload = Workload(10)
        work = begin(workload, EVE)
        work.pause()
        work.end()
        work.resume()

        assert workload.count == 0
        assert workload.begin(EVE) is not None
