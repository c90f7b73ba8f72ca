"""The requests on which a process works at the moment, counted so that it can refuse further ones.

A request does not count while it waits for its client or for another service, such as a language model: it then uses
neither the processor nor the database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from todo_core.clients import Client

_CROWDED_SHARE: Final = 10
"""The part of all places, one in ten, that a client may have when half of them are taken."""


class Workload:
    """Counts requests, in all and by client. A client has at most half of the places, and a tenth when half are taken.

    A client without a request gets a place even if all are taken, up to a quarter more.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._crowded = (places + 1) // 2
        self._share = max(places // _CROWDED_SHARE, 1)
        self._most = places + places // 4
        self._count = 0
        self._by_client: dict[Client, int] = {}

    @property
    def count(self) -> int:
        """The number of requests on which the process works."""
        return self._count

    def begin(self, client: Client) -> "Work | None":
        """Counts a new request, until its `end` is called. Returns None if the request must be refused."""
        count, own = self._count, self._by_client.get(client, 0)
        if (count >= self._crowded and own >= self._share) or count >= (self._places if own else self._most):
            return None
        self.add(client)
        return Work(self, client)

    def add(self, client: Client) -> None:
        self._count += 1
        self._by_client[client] = self._by_client.get(client, 0) + 1

    def remove(self, client: Client) -> None:
        self._count -= 1
        own = self._by_client[client] - 1
        if own:
            self._by_client[client] = own
        else:
            del self._by_client[client]


class Work:
    """One request on which the process works. Several of its tasks may pause it at the same time."""

    __slots__ = ("_client", "_has_ended", "_is_counted", "_pauses", "_workload")

    def __init__(self, workload: Workload, client: Client) -> None:
        self._workload = workload
        self._client = client
        self._pauses = 0
        self._is_counted = True
        self._has_ended = False

    def pause(self) -> None:
        self._pauses += 1
        self._count()

    def resume(self) -> None:
        self._pauses -= 1
        self._count()

    def end(self) -> None:
        self._has_ended = True
        self._count()

    def _count(self) -> None:
        counts = not self._pauses and not self._has_ended
        if counts and not self._is_counted:
            self._workload.add(self._client)
        elif self._is_counted and not counts:
            self._workload.remove(self._client)
        self._is_counted = counts


current_work: Final[ContextVar[Work | None]] = ContextVar("current_work", default=None)
"""The work of the current task's request. None outside requests."""


@contextmanager
def waiting() -> Iterator[None]:
    """Marks a block that waits for another service: during the block, the current request counts as no work."""
    work = current_work.get()
    if work is None:
        yield
        return
    work.pause()
    try:
        yield
    finally:
        work.resume()


def stop_counting() -> None:
    """Marks the rest of the current request as no work. For streams, which wait for their reader most of the time."""
    work = current_work.get()
    if work is not None:
        work.end()
