"""The requests on which a process works at the moment, counted so that it can refuse further ones.

A request does not count while it waits for its client or for other work of its client. Nor does it count while it waits
for another service, such as a language model. It then delays no other request.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Final, NamedTuple

from msgspec import Struct, field

from todo_core.clients import Client
from todo_core.deadlines import limit_wait
from todo_core.errors import RateLimited, TooBusy

_SHARES_PER_CLIENT: Final = 4
_COSTLY_SHARES: Final = 3
"""The shares of a costly request. So a client has one costly request at a time, beside one that is not costly."""
_MAX_WAIT_SECONDS: Final = 10.0
_PATIENCE_SECONDS: Final = 0.5
"""The longest time in which many requests count as a burst. After it, they count as an overload."""
_REST_SECONDS: Final = 0.02
"""An overload ends when half of its places are free for so long. They are free for a few milliseconds in between."""
_OVERLOAD_PART: Final = 6


class Workload:
    """Counts requests, in all and by client. Works on four requests of a client at a time; the others wait their turn.

    A costly request counts as three of the four.

    A burst may take all places. In an overload, a sixth of them remain: more would only wait for each other. A client
    without a request may take a place beyond them, up to a quarter more.
    """

    def __init__(self, places: int) -> None:
        self._burst_places = places
        self._overload_places = max(places // _OVERLOAD_PART, 1)
        self._calm_at = self._busy_at = 0.0
        self._count = 0
        self._shares: dict[Client, int] = {}
        self._waiting: dict[Client, _Line] = {}

    @property
    def count(self) -> int:
        """The number of requests on which the process works."""
        return self._count

    def count_free_places(self) -> int:
        """Returns how many further requests would get a place if each had another client. Negative after a burst."""
        return self._find_places(is_first=True) - self._count

    async def begin(self, client: Client, *, is_costly: bool = False) -> "Work":
        """Counts a new request, until its `end` is called. Waits for earlier requests of the client.

        Raises TooBusy when the process works on too many requests. Raises RateLimited after 10 seconds, and at the end
        of the request. But raises TooBusy if none of the client's requests ended meanwhile: they hang.
        """
        if self._count >= self._find_places(is_first=client not in self._shares):
            raise TooBusy(retry_after=1)
        shares = _COSTLY_SHARES if is_costly else 1
        await self.add_in_turn(client, shares, max_wait_seconds=limit_wait(_MAX_WAIT_SECONDS))
        return Work(self, client, shares)

    async def add_in_turn(self, client: Client, shares: int, *, max_wait_seconds: float | None = None) -> None:
        """Counts a request after earlier ones of the client. Raises as `begin` does, after `max_wait_seconds`."""
        if client not in self._waiting and self._has_room(client, shares):
            self.add(client, shares)
        else:
            await self._wait(client, shares, max_wait_seconds)

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
            self._waiting[client].ended += 1
            self._admit_waiting(client)

    def _has_room(self, client: Client, shares: int) -> bool:
        return self._shares.get(client, 0) + shares <= _SHARES_PER_CLIENT

    async def _wait(self, client: Client, shares: int, max_seconds: float | None) -> None:
        line = self._waiting.setdefault(client, _Line())
        waiter = _Waiter(asyncio.get_running_loop().create_future(), shares)
        line.waiters.append(waiter)
        ended_before = line.ended
        try:
            async with asyncio.timeout(max_seconds):
                await waiter.turn
        except BaseException as error:
            if waiter.turn.done() and not waiter.turn.cancelled():
                # The request was admitted at the moment of the timeout or of the task's cancellation.
                self.remove(client, shares)
            elif waiter in line.waiters:
                line.waiters.remove(waiter)
                self._admit_waiting(client)
            if isinstance(error, TimeoutError):
                raise _find_refusal(ended=line.ended - ended_before) from None
            raise

    def _admit_waiting(self, client: Client) -> None:
        """Admits the requests that have waited longest, as far as there is room."""
        waiters = self._waiting[client].waiters
        while waiters and (waiters[0].turn.done() or self._has_room(client, waiters[0].shares)):
            waiter = waiters.popleft()
            if not waiter.turn.done():
                self.add(client, waiter.shares)
                waiter.turn.set_result(None)
        if not waiters:
            del self._waiting[client]

    def _find_places(self, *, is_first: bool) -> int:
        """Returns the places for the client's first request or for a further one.

        An overload begins when half of its places were always taken for half a second.
        """
        now = monotonic()
        if self._count > self._overload_places // 2:
            self._busy_at = now
        elif now - self._busy_at >= _REST_SECONDS:
            self._calm_at = now
        places = self._burst_places if now - self._calm_at < _PATIENCE_SECONDS else self._overload_places
        return places + places // 4 if is_first else places


def _find_refusal(*, ended: int) -> RateLimited | TooBusy:
    """Returns the error after a wait in which this many requests of the client ended. Without any, they hang."""
    if ended:
        return RateLimited("Your other requests take long; send fewer at a time.")
    return TooBusy(retry_after=1)


class _Line(Struct):
    """The waiting requests of a client, the longest waiting first. `ended` counts others that ended meanwhile."""

    waiters: "deque[_Waiter]" = field(default_factory=deque)
    ended: int = 0


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

    def pause(self) -> None:
        self._pauses += 1
        self._count()

    def resume(self) -> None:
        self._pauses -= 1
        self._count()

    async def resume_in_turn(self) -> None:
        """Resumes the only pause, after earlier requests of the client."""
        await self._workload.add_in_turn(self._client, self._shares)
        self._is_counted = True
        self._pauses -= 1

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


@asynccontextmanager
async def waiting_in_turn() -> AsyncIterator[None]:
    """Marks a block like `waiting`. After the block, the request waits for earlier requests of its client."""
    work = current_work.get()
    if work is not None:
        work.pause()
    yield
    if work is not None:
        await work.resume_in_turn()


async def stream_in_turns[Part](first: Part, others: AsyncIterator[Part]) -> AsyncIterator[Part]:
    """Yields the parts of a response, of which the first is made already.

    The request counts while a part is made, but not while the client reads a part. Each part waits for the client's
    earlier requests. So several streams of a client together work as much as one.
    """
    work, part = current_work.get(), first
    while True:
        if work is not None:
            work.pause()
        yield part
        if work is not None:
            await work.resume_in_turn()
        try:
            part = await anext(others)
        except StopAsyncIteration:
            return


async def in_slices[Item](items: Sequence[Item], size: int) -> AsyncIterator[Sequence[Item]]:
    """Yields the items in slices of `size`. Lets other tasks of the process run between them."""
    for start in range(0, len(items), size):
        if start:
            await asyncio.sleep(0)
        yield items[start : start + size]
