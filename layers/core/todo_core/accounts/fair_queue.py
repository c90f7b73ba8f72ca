"""A queue in which requests of different clients take turns: the flood of one client delays itself, not others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from todo_core.accounts.errors import TooManyAttempts
from todo_core.errors import TooBusy
from todo_core.workload import waiting

_RETRY_SECONDS: Final = 5
_MAX_CLIENTS_REMEMBERED: Final = 1024


@dataclass(eq=False, slots=True)
class _Request:
    clients: tuple[str, ...]
    round: int
    """The round in which the request is served. Each client has one request per round."""
    granted: asyncio.Future[None] = field(default_factory=asyncio.Future)


class FairQueue:
    """Grants one turn at a time, round by round: each round has one request of each client (start-time fair queuing).

    A request may count for several clients, such as its account and its address.
    """

    def __init__(self, max_waiting: int) -> None:
        self.max_waiting = max_waiting
        self._waiting: list[_Request] = []
        self._is_taken = False
        self._round = 0
        self._next_rounds: dict[str, int] = {}

    @asynccontextmanager
    async def turn(self, *clients: str) -> AsyncIterator[bool]:
        """Waits for a turn, which lasts for the block. Yields whether others had a turn meanwhile.

        Of a full queue, the newest request of the client with the most requests is refused. Raises TooManyAttempts for
        a client with several requests, and TooBusy when each client has one.
        """
        request = self._enter(clients)
        has_waited = self._is_taken
        if has_waited:
            await self._wait(request)
        self._is_taken = True
        self._round = max(self._round, request.round)
        try:
            yield has_waited
        finally:
            self._pass_on()

    def _enter(self, clients: tuple[str, ...]) -> _Request:
        if len(self._waiting) >= self.max_waiting:
            self._make_room(clients)
        if len(self._next_rounds) > _MAX_CLIENTS_REMEMBERED:
            self._next_rounds = {name: later for name, later in self._next_rounds.items() if later > self._round}
        # A request joins the next round at the earliest: ever new clients must not keep the current one from ending.
        earliest = self._round + 1
        request = _Request(clients, max(earliest, *(self._next_rounds.get(client, 0) for client in clients)))
        self._next_rounds |= dict.fromkeys(clients, request.round + 1)
        return request

    def _make_room(self, clients: tuple[str, ...]) -> None:
        counts = Counter(client for request in self._waiting for client in request.clients)
        own = max(counts[client] for client in clients)
        greediest, most = counts.most_common(1)[0]
        if most <= own + 1:
            raise TooManyAttempts(retry_after=_RETRY_SECONDS) if own else TooBusy
        newest = next(request for request in reversed(self._waiting) if greediest in request.clients)
        self._leave(newest)
        if not newest.granted.done():
            newest.granted.set_exception(TooManyAttempts(retry_after=_RETRY_SECONDS))

    async def _wait(self, request: _Request) -> None:
        self._waiting.append(request)
        try:
            with waiting():
                await request.granted
        except asyncio.CancelledError:
            if request in self._waiting:
                self._leave(request)
            elif request.granted.done() and not request.granted.cancelled() and not request.granted.exception():
                # The turn was granted in the same cycle of the event loop.
                self._pass_on()
            raise

    def _leave(self, request: _Request) -> None:
        """Removes a request that was not served. Its clients get its round back."""
        self._waiting.remove(request)
        for client in request.clients:
            if client in self._next_rounds:
                self._next_rounds[client] -= 1

    def _pass_on(self) -> None:
        self._is_taken = False
        waiting = [request for request in self._waiting if not request.granted.done()]
        if waiting:
            # min() returns the first of several, which has waited longest.
            chosen = min(waiting, key=lambda request: request.round)
            self._waiting.remove(chosen)
            self._is_taken = True
            chosen.granted.set_result(None)
