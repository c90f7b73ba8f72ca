"""The requests on which a process works at the moment, counted so that it can refuse further ones.

A request does not count while it waits for its client or for other work of its client. Nor does it count while it waits
for another service, such as a language model. It then delays no other request.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Final

from todo_core.clients import Client

_PATIENCE_SECONDS: Final = 0.5
"""The longest time in which many requests count as a burst. After it, they count as an overload."""
_OVERLOAD_PART: Final = 6
_SHARE_PART: Final = 10


class Workload:
    """Counts requests, in all and by client.

    A burst may take all places. In an overload, a sixth of them remain: more would only wait for each other.

    When half of the places are taken, a client may have a tenth of them. A client without a request may take a place
    beyond them, up to a quarter more.
    """

    def __init__(self, places: int) -> None:
        self._burst_places = places
        self._overload_places = max(places // _OVERLOAD_PART, 1)
        self._calm_at = 0.0
        self._count = 0
        self._by_client: dict[Client, int] = {}

    @property
    def count(self) -> int:
        """The number of requests on which the process works."""
        return self._count

    def begin(self, client: Client) -> "Work | None":
        """Counts a new request, until its `end` is called. Returns None if the request must be refused."""
        count, own = self._count, self._by_client.get(client, 0)
        places = self._find_places(count)
        is_crowded = count >= (places + 1) // 2
        if count >= places + (0 if own else places // 4) or (is_crowded and own >= max(places // _SHARE_PART, 1)):
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

    def _find_places(self, count: int) -> int:
        """Returns the places of a burst, or those of an overload: for some time, their half was always taken."""
        if count <= self._overload_places // 2:
            self._calm_at = monotonic()
            return self._burst_places
        is_burst = monotonic() - self._calm_at < _PATIENCE_SECONDS
        return self._burst_places if is_burst else self._overload_places


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
