"""Refusals: answers of limits to requests that no route sees. They must not delay the requests that are served.

A client that repeats refused requests at once gets at most a hundred refusals a second. In an iteration of the event
loop only a few requests are refused. The next request on a connection arrives only after the answer to the last one. So
clients that ignore Retry-After slow themselves down.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Final

from starlette.types import Receive, Scope, Send

from todo_core.clients import Client, current_client
from todo_core.errors import ServiceError
from todo_core.logs import log
from todo_core.web.problems import make_problem_response

_MAX_COST_PER_ITERATION: Final = 32
"""The cost of an early refusal is 1. It takes about 0.1 ms."""
_COST_IN_TASK: Final = 8
"""The cost of a refusal by the middleware, in a task."""
_CLIENT_INTERVAL_SECONDS: Final = 0.01
_MAX_DELAY_SECONDS: Final = 1.0
_MAX_CLIENTS: Final = 10_000
_LOG_INTERVAL_SECONDS: Final = 1.0


class Refusals:
    """Answers requests with errors, some in each iteration of the event loop. The others wait for the next ones."""

    def __init__(self) -> None:
        self._next_by_client: dict[Client | None, float] = {}
        self._left = _MAX_COST_PER_ITERATION
        self._waiting: deque[tuple[Callable[[], None], int]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def refuse(self, error: ServiceError, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with the error, and marks the request as refused."""
        await self._wait_for_client()
        turn = asyncio.get_running_loop().create_future()
        self.pace(partial(_end_wait, turn), cost=_COST_IN_TASK)
        await turn
        scope["state"]["refusal"] = error.code
        await make_problem_response(error, scope["state"]["request_id"])(scope, receive, send)

    def pace(self, answer: Callable[[], None], *, cost: int = 1) -> None:
        """Calls `answer` now, or in a later iteration of the event loop if this one has had its refusals."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # No refusal in this iteration yet.
            self._loop = loop
            loop.call_soon(self._begin_iteration)
        if self._left > 0 and not self._waiting:
            self._left -= cost
            answer()
        else:
            self._waiting.append((answer, cost))

    async def _wait_for_client(self) -> None:
        """Waits until the client may be refused again, for at most a second."""
        now, client = monotonic(), current_client.get()
        if len(self._next_by_client) >= _MAX_CLIENTS:
            self._next_by_client.clear()
        next_at = max(self._next_by_client.get(client, 0), now)
        self._next_by_client[client] = min(next_at + _CLIENT_INTERVAL_SECONDS, now + _MAX_DELAY_SECONDS)
        if next_at > now:
            await asyncio.sleep(next_at - now)

    def _begin_iteration(self) -> None:
        self._left = _MAX_COST_PER_ITERATION
        while self._left > 0 and self._waiting:
            answer, cost = self._waiting.popleft()
            self._left -= cost
            answer()
        if self._loop is not None and self._left < _MAX_COST_PER_ITERATION:
            self._loop.call_soon(self._begin_iteration)
        else:
            self._loop = None


def _end_wait(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)


class RefusalLog:
    """Counts refusals by the code of their error. The log gets one line for all refusals of a second."""

    def __init__(self) -> None:
        self._counts = Counter[str]()
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, code: str) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # The timer of an event loop that has ended never fires.
            self._loop = loop
            loop.call_later(_LOG_INTERVAL_SECONDS, self._write)
        self._counts[code] += 1

    def _write(self) -> None:
        log.warning("%d requests refused", self._counts.total(), extra={"refusals": dict(self._counts)})
        self._counts.clear()
        self._loop = None
