"""The requests on which a process works at the moment, counted so that it can refuse further ones.

A request does not count while it waits for its client or for other work of its client. Nor does it count while it waits
for another service, such as a language model. It then delays no other request.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from statistics import median
from time import monotonic
from typing import Final, NamedTuple

from todo_core.clients import Client
from todo_core.deadlines import limit_wait
from todo_core.errors import RateLimited, TooBusy

_SHARES_PER_CLIENT: Final = 4
_COSTLY_SHARES: Final = 3
"""The shares of a costly request. So a client has one costly request at a time, beside one that is not costly."""
_MAX_WAIT_SECONDS: Final = 10.0
_FEWEST_PLACES: Final = 3
"""The places of the worst overload: enough to work on one request while others wait for the database."""
_LEAST_RESERVE: Final = 2
_LEAST_SHARES: Final = 2
_INTERVAL_SECONDS: Final = 0.05
_MAX_DELAY_SECONDS: Final = 0.0015
"""The longest median delay that is no overload. A list of todos waits for the event loop about four times."""
_CALM_SECONDS: Final = 1.0


class Workload:
    """Counts requests, in all and by client. Works on four requests of a client at a time; the others wait their turn.

    A costly request counts as three of the four.

    A burst may take all places. While requests are delayed and half of the places are taken, the places decrease, to
    three at last: more requests would only wait for each other. Then a client gets two at a time. A client without a
    request may take a place beyond them: a quarter more, and at least two.
    """

    def __init__(self, places: int) -> None:
        self._most = places
        self._places = places
        self._delays: list[float] = []
        self._changed_at = 0.0
        self._count = 0
        self._shares: dict[Client, int] = {}
        self._waiting: dict[Client, deque[_Waiter]] = {}

    @property
    def count(self) -> int:
        """The number of requests on which the process works."""
        return self._count

    @property
    def free_places(self) -> int:
        """The number of further requests that would get a place if each had another client. Negative after a burst."""
        return self._places + self._reserve - self._count

    @property
    def _reserve(self) -> int:
        """The number of places beyond all others, for clients without a request."""
        return max(self._places // 4, min(_LEAST_RESERVE, self._most // 2))

    def note_delay(self, ready_at: float) -> None:
        """Notes that a request goes on now that was ready at an earlier time, by `monotonic`.

        The delay is the time in which the process worked on other requests, or had no database connection for it.
        """
        now = monotonic()
        self._delays.append(now - ready_at)
        if now - self._changed_at >= _INTERVAL_SECONDS:
            self._adapt(now)

    def _adapt(self, now: float) -> None:
        """Changes the number of places by the delays since the last change."""
        if now - self._changed_at > _CALM_SECONDS:
            self._places = self._most
        elif median(self._delays) <= _MAX_DELAY_SECONDS:
            self._places = min(self._places + max(self._places // 8, 1), self._most)
        elif self._count >= self._places // 2:
            # With fewer requests, something else delays them, such as another process.
            self._places = max(self._places * 3 // 4, min(_FEWEST_PLACES, self._most))
        self._delays.clear()
        self._changed_at = now

    async def begin(self, client: Client, *, is_costly: bool = False) -> "Work":
        """Counts a new request, until its `end` is called. Waits for earlier requests of the client.

        Raises TooBusy when the process works on too many requests. Raises RateLimited after 10 seconds, and at the end
        of the request.
        """
        if self._count >= self._places + (0 if client in self._shares else self._reserve):
            raise TooBusy(retry_after=1)
        shares = _COSTLY_SHARES if is_costly else 1
        if client not in self._waiting and self._has_room(client, shares):
            self.add(client, shares)
        else:
            await self._wait(client, shares)
        return Work(self, client, shares)

    def add(self, client: Client, shares: int) -> None:
        self._count += 1
        self._shares[client] = self._shares.get(client, 0) + shares

    def remove(self, client: Client, shares: int) -> None:
        self._count -= 1
        left = self._shares[client] - shares
        if left:
            self._shares[client] = left
        else:
            del self._shares[client]
        if client in self._waiting:
            self._admit_waiting(client)

    def _has_room(self, client: Client, shares: int) -> bool:
        """Returns True if the client may begin one more request. Its first one always may."""
        held = self._shares.get(client, 0)
        return not held or held + shares <= min(_SHARES_PER_CLIENT, max(self._places // 2, _LEAST_SHARES))

    async def _wait(self, client: Client, shares: int) -> None:
        waiter = _Waiter(asyncio.get_running_loop().create_future(), shares)
        self._waiting.setdefault(client, deque()).append(waiter)
        try:
            async with asyncio.timeout(limit_wait(_MAX_WAIT_SECONDS)):
                await waiter.turn
        except BaseException as error:
            if waiter.turn.done() and not waiter.turn.cancelled():
                # The request was admitted at the moment of the timeout or of the task's cancellation.
                self.remove(client, shares)
            else:
                self._forget(client, waiter)
            if isinstance(error, TimeoutError):
                raise RateLimited("Your other requests take long; send fewer at a time.") from None
            raise

    def _admit_waiting(self, client: Client) -> None:
        """Admits the requests that have waited longest, as far as there is room."""
        waiters = self._waiting[client]
        while waiters and (waiters[0].turn.done() or self._has_room(client, waiters[0].shares)):
            waiter = waiters.popleft()
            if not waiter.turn.done():
                self.add(client, waiter.shares)
                waiter.turn.set_result(None)
        if not waiters:
            del self._waiting[client]

    def _forget(self, client: Client, waiter: "_Waiter") -> None:
        waiters = self._waiting.get(client)
        if waiters is not None and waiter in waiters:
            waiters.remove(waiter)
            self._admit_waiting(client)


class _Waiter(NamedTuple):
    """A request that waits for others of its client. `turn` is done when it may begin."""

    turn: asyncio.Future[None]
    shares: int


class Work:
    """One request on which the process works. Several of its tasks may pause it at the same time."""

    __slots__ = ("_client", "_has_ended", "_is_counted", "_pauses", "_shares", "_workload")

    def __init__(self, workload: Workload, client: Client, shares: int) -> None:
        self._workload = workload
        self._client = client
        self._shares = shares
        self._pauses = 0
        self._is_counted = True
        self._has_ended = False

    def note_delay(self, ready_at: float) -> None:
        self._workload.note_delay(ready_at)

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
            self._workload.add(self._client, self._shares)
        elif self._is_counted and not counts:
            self._workload.remove(self._client, self._shares)
        self._is_counted = counts


current_work: Final[ContextVar[Work | None]] = ContextVar("current_work", default=None)
"""The work of the current task's request. None outside requests."""


def note_delay(ready_at: float) -> None:
    """Notes that other requests have delayed the current one since `ready_at`, by `monotonic`."""
    work = current_work.get()
    if work is not None:
        work.note_delay(ready_at)


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
