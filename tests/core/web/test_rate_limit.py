"""The usages of clients that the rate limit remembers: their number is bounded."""

from todo_core.clients import Client
from todo_core.web.middleware.rate_limit import Usages


def client(number: int) -> Client:
    return Client("network", str(number))


class TestUsages:
    def test_idle_clients_are_forgotten_first(self) -> None:
        usages = Usages(max_clients=10)
        active, waiting = usages.find(client(0), now=0), usages.find(client(1), now=0)
        active.full_at, waiting.in_flight = 100.0, 1
        for number in range(2, 1000):
            usages.find(client(number), now=50)

        assert len(usages) <= 10
        assert usages.find(client(0), now=50) is active
        assert usages.find(client(1), now=50) is waiting

    def test_their_number_is_bounded_even_if_all_are_active(self) -> None:
        usages = Usages(max_clients=10)
        for number in range(1000):
            usages.find(client(number), now=50).full_at = 100.0

        assert len(usages) <= 10
