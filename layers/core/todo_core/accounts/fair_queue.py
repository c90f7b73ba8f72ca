"""A queue of requests that wait for one slot. The flood of one client delays this client, not others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from msgspec import Struct, field

from todo_core.accounts.errors import TooManyAttempts
from todo_core.deadlines import NotCounted
from todo_core.errors import TooBusy
from todo_core.workload import waiting

_RETRY_SECONDS: Final = 5
_MAX_CLIENTS_REMEMBERED: Final = 1024


class _Request(Struct, eq=False):
    clients: tuple[str, ...]
    lap: int
    """The lap in which the request is served. Each client has one request per lap."""
    given: asyncio.Future[None] = field(default_factory=asyncio.Future)


class FairQueue:
    """Gives the slot to one request at a time, lap by lap. Each lap has one request of each client.

    This is start-time fair queuing. A request may count for several clients, such as its account and its address.
    """

    def __init__(self, max_waiting: int) -> None:
        self.max_waiting = max_waiting
        self._waiting: list[_Request] = []
        self._is_taken = False
        self._lap = 0
        self._next_laps: dict[str, int] = {}

    @property
    def waiting(self) -> int:
        """The number of requests that wait for the slot. Any thread may read it."""
        return len(self._waiting)

    @asynccontextmanager
    async def slot(self, *clients: str) -> AsyncIterator[bool]:
        """Waits for the slot, and holds it during the block. Yields whether others had it meanwhile.

        Of a full queue, the newest request of the client with the most requests is refused. Raises TooManyAttempts for
        a client with several requests, and TooBusy when each client has one.
        """
        request = self._enter(clients)
        has_waited = self._is_taken
        if has_waited:
            await self._wait(request)
        self._is_taken = True
        self._lap = max(self._lap, request.lap)
        try:
            yield has_waited
        finally:
            self._pass_on()

    def _enter(self, clients: tuple[str, ...]) -> _Request:
        if len(self._waiting) >= self.max_waiting:
            self._make_room(clients)
        if len(self._next_laps) > _MAX_CLIENTS_REMEMBERED:
            self._next_laps = {name: later for name, later in self._next_laps.items() if later > self._lap}
        # A request joins the next lap at the earliest: ever new clients must not keep the current one from ending.
        earliest = self._lap + 1
        request = _Request(clients, max(earliest, *(self._next_laps.get(client, 0) for client in clients)))
        self._next_laps |= dict.fromkeys(clients, request.lap + 1)
        return request

    def _make_room(self, clients: tuple[str, ...]) -> None:
        counts = Counter(client for request in self._waiting for client in request.clients)
        own = max(counts[client] for client in clients)
        greediest, most = counts.most_common(1)[0]
        if most <= own + 1:
            raise TooManyAttempts(retry_after=_RETRY_SECONDS) if own else TooBusy
        newest = next(request for request in reversed(self._waiting) if greediest in request.clients)
        self._leave(newest)
        if not newest.given.done():
            newest.given.set_exception(TooManyAttempts(retry_after=_RETRY_SECONDS))

    async def _wait(self, request: _Request) -> None:
        self._waiting.append(request)
        try:
            with waiting(), NotCounted():
                await request.given
        except asyncio.CancelledError:
            if request in self._waiting:
                self._leave(request)
            elif request.given.done() and not request.given.cancelled() and not request.given.exception():
                # The slot was given in the same cycle of the event loop.
                self._pass_on()
            raise

    def _leave(self, request: _Request) -> None:
        """Removes a request that was not served. Its clients get its lap back."""
        self._waiting.remove(request)
        for client in request.clients:
            if client in self._next_laps:
                self._next_laps[client] -= 1

    def _pass_on(self) -> None:
        self._is_taken = False
        candidates = [request for request in self._waiting if not request.given.done()]
        if candidates:
            # min() returns the first of several, which has waited longest.
            chosen = min(candidates, key=lambda request: request.lap)
            self._waiting.remove(chosen)
            self._is_taken = True
            chosen.given.set_result(None)
