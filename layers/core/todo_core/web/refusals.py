"""Refusals: answers of limits to requests that no route sees. They must not delay the requests that are served.

A client that repeats refused requests at once gets at most a hundred refusals a second. In an iteration of the event
loop only a few requests are refused. The next request on a connection arrives only after the answer to the last one. So
clients that ignore Retry-After slow themselves down.
"""

import asyncio
from collections import Counter, deque
from time import monotonic
from typing import Final

from starlette.types import Receive, Scope, Send

from todo_core.clients import Client, current_client
from todo_core.errors import ServiceError
from todo_core.logs import log
from todo_core.web.problems import make_problem_response

_MAX_PER_ITERATION: Final = 8
_CLIENT_INTERVAL_SECONDS: Final = 0.01
_MAX_DELAY_SECONDS: Final = 1.0
_MAX_CLIENTS: Final = 10_000
_LOG_INTERVAL_SECONDS: Final = 1.0

_counts: Final = Counter[str]()
"""The refusals since the last line in the log, by the code of the error."""


class Refusals:
    """Answers requests with errors, some in each iteration of the event loop. The others wait for the next ones."""

    def __init__(self) -> None:
        self._next_by_client: dict[Client | None, float] = {}
        self._left = _MAX_PER_ITERATION
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def refuse(self, error: ServiceError, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with the error, and marks the request as refused."""
        await self._wait_for_client()
        await self._wait_for_place()
        scope["state"]["refusal"] = error.code
        await make_problem_response(error, scope["state"]["request_id"])(scope, receive, send)

    async def _wait_for_client(self) -> None:
        """Waits until the client may be refused again, for at most a second."""
        now, client = monotonic(), current_client.get()
        if len(self._next_by_client) >= _MAX_CLIENTS:
            self._next_by_client.clear()
        next_at = max(self._next_by_client.get(client, 0), now)
        self._next_by_client[client] = min(next_at + _CLIENT_INTERVAL_SECONDS, now + _MAX_DELAY_SECONDS)
        if next_at > now:
            await asyncio.sleep(next_at - now)

    async def _wait_for_place(self) -> None:
        """Waits for an iteration of the event loop in which a request may still be refused."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # No refusal in this iteration yet.
            self._loop = loop
            loop.call_soon(self._begin_iteration)
        if self._left and not self._waiting:
            self._left -= 1
            return
        waiter = loop.create_future()
        self._waiting.append(waiter)
        await waiter

    def _begin_iteration(self) -> None:
        self._left = _MAX_PER_ITERATION
        while self._left and self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                self._left -= 1
        if self._loop is not None and self._left < _MAX_PER_ITERATION:
            self._loop.call_soon(self._begin_iteration)
        else:
            self._loop = None


def log_refusal(code: str) -> None:
    """Counts a refusal. The log gets one line for all refusals of a second."""
    if not _counts:
        asyncio.get_running_loop().call_later(_LOG_INTERVAL_SECONDS, _log_counts)
    _counts[code] += 1


def _log_counts() -> None:
    log.warning("%d requests refused", _counts.total(), extra={"refusals": dict(_counts)})
    _counts.clear()
