"""The count of requests on which a process works: shares of clients, pauses and the end."""

from todo_core.clients import Client
from todo_core.workload import Work, Workload, current_work, stop_counting, waiting

ADA, BOB, EVE = (Client("user", name) for name in ("ada", "bob", "eve"))


def begin(workload: Workload, client: Client) -> Work:
    work = workload.begin(client)
    assert work is not None
    return work


class TestShares:
    def test_one_client_gets_at_most_half_of_the_places(self) -> None:
        workload = Workload(100)

        assert sum(workload.begin(ADA) is not None for _ in range(100)) == 50

    def test_a_client_gets_a_tenth_when_half_of_the_places_are_taken(self) -> None:
        workload = Workload(100)
        for _ in range(50):
            begin(workload, ADA)

        assert sum(workload.begin(BOB) is not None for _ in range(100)) == 10

    def test_a_client_without_a_request_gets_a_place_beyond_all_places_up_to_a_quarter(self) -> None:
        workload = Workload(8)

        assert sum(workload.begin(Client("user", str(number))) is not None for number in range(20)) == 10

    def test_a_limit_of_one_request_admits_one(self) -> None:
        workload = Workload(1)
        work = begin(workload, ADA)
        assert workload.begin(BOB) is None
        work.end()

        assert workload.begin(BOB) is not None


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
