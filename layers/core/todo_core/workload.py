"""The requests on which a process works at the moment, counted so that it can refuse further ones.

A request does not count while it waits for its client or for other work of its client. Nor does it count while it waits
for another service, such as a language model. It then delays no other request.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Final

from todo_core.clients import Client
from todo_core.errors import RateLimited, TooBusy

_MAX_PER_CLIENT: Final = 4
_MAX_WAIT_SECONDS: Final = 10.0
_PATIENCE_SECONDS: Final = 0.5
"""The longest time in which many requests count as a burst. After it, they count as an overload."""
_OVERLOAD_PART: Final = 6


class Workload:
    """Counts requests, in all and by client. Works on four requests of a client at a time; the others wait for them.

    A burst may take all places. In an overload, a sixth of them remain: more would only wait for each other. A client
    without a request may take a place beyond them, up to a quarter more.
    """

    def __init__(self, places: int) -> None:
        self._burst_places = places
        self._overload_places = max(places // _OVERLOAD_PART, 1)
        self._calm_at = 0.0
        self._count = 0
        self._by_client: dict[Client, int] = {}
        self._waiting: dict[Client, deque[asyncio.Future[None]]] = {}

    @property
    def count(self) -> int:
        """The number of requests on which the process works."""
        return self._count

    async def begin(self, client: Client) -> "Work":
        """Counts a new request, until its `end` is called. Waits for earlier requests of the client.

        Raises TooBusy when the process works on too many requests. Raises RateLimited after 10 seconds.
        """
        own = self._by_client.get(client, 0)
        places = self._find_places()
        if self._count >= places + (0 if own else places // 4):
            raise TooBusy(retry_after=1)
        if own < _MAX_PER_CLIENT:
            self.add(client)
        else:
            await self._wait(client)
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
        if client in self._waiting and own < _MAX_PER_CLIENT:
            self._admit_next(client)

    async def _wait(self, client: Client) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(waiter)
        try:
            async with asyncio.timeout(_MAX_WAIT_SECONDS):
                await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # The request was admitted at the moment of the timeout or of the task's cancellation.
                self.remove(client)
            else:
                self._forget(client, waiter)
            if isinstance(error, TimeoutError):
                raise RateLimited("Your other requests take long; send fewer at a time.") from None
            raise

    def _admit_next(self, client: Client) -> None:
        waiters = self._waiting[client]
        while waiters:
            waiter = waiters.popleft()
            if not waiter.done():
                self.add(client)
                waiter.set_result(None)
                break
        if not waiters:
            del self._waiting[client]

    def _forget(self, client: Client, waiter: asyncio.Future[None]) -> None:
        waiters = self._waiting.get(client)
        if waiters is not None and waiter in waiters:
            waiters.remove(waiter)
            if not waiters:
                del self._waiting[client]

    def _find_places(self) -> int:
        """Returns the places of a burst, or those of an overload: for some time, their half was always taken."""
        if self._count <= self._overload_places // 2:
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
