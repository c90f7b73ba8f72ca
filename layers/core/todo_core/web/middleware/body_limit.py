"""The step that limits request bodies: the size of each, and of all that a process holds in memory."""

import json
from collections import Counter
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from todo_core.clients import Owner, find_owner
from todo_core.deadlines import NotCounted
from todo_core.errors import RateLimited, TooBusy
from todo_core.web.problems import ContentTooLarge, MalformedBody, RequestIncomplete
from todo_core.workload import current_work

_MAX_LENGTH_DIGITS: Final = 18
"""Python refuses to convert thousands of digits to a number."""
_BODIES_PER_USER: Final = 4
_BODIES_PER_NETWORK: Final = 1
_BODIES_AT_ONCE: Final = 16
"""The most bodies of the largest size that the process holds, for all clients together."""
_ENCODING_BYTES: Final = 4
"""The bytes by which `json` recognizes UTF-16 and UTF-32."""


class BodyLimit:
    """Refuses a request body over `max_bytes` with 413, by its Content-Length and by the bytes received.

    Refuses a body that was not complete in time with 408, and JSON in UTF-16 or UTF-32 with 400. Refuses with 429 when
    the bodies of one client are too large together. Refuses with 503 when those of all are.

    FastAPI's own limit for an app would answer without the headers of CORS. Pages of other origins could not read that
    answer.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes: Final = max_bytes
        self._held = Counter[Owner | None]()
        self._held_by_all = 0

    def is_too_long(self, scope: Scope) -> bool:
        """Returns True if the Content-Length of the request is over the limit."""
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit():
                return len(value) > _MAX_LENGTH_DIGITS or int(value) > self.max_bytes
        return False

    def open(self, scope: Scope, receive: Receive) -> "Body":
        """Returns the body of a request, which must be closed at the end of the request."""
        return Body(self, scope, receive)

    def hold(self, owner: Owner | None, size: int) -> None:
        """Counts bytes of a body until its request ends. Raises HTTPException when the owner or all have too many."""
        self._held[owner] += size
        self._held_by_all += size
        bodies = _BODIES_PER_NETWORK if isinstance(owner, str) else _BODIES_PER_USER
        if self._held[owner] > bodies * self.max_bytes:
            raise HTTPException(RateLimited.status)
        if self._held_by_all > _BODIES_AT_ONCE * self.max_bytes:
            raise HTTPException(TooBusy.status)

    def release(self, owner: Owner | None, size: int) -> None:
        self._held[owner] -= size
        self._held_by_all -= size
        if self._held[owner] <= 0:
            del self._held[owner]


class Body:
    """The body of one request. While it is read, the request counts neither as work nor for its deadline."""

    __slots__ = ("_is_complete", "_limit", "_owner", "_receive", "_received", "_scope", "_start")

    def __init__(self, limit: BodyLimit, scope: Scope, receive: Receive) -> None:
        self._limit = limit
        self._scope = scope
        self._receive = receive
        self._owner = find_owner()
        self._received = 0
        self._start = b""
        self._is_complete = False

    async def receive(self) -> Message:
        """Returns the next part of the body, and then waits for the end of the connection.

        Raises HTTPException for a body that is refused. FastAPI replaces other exceptions that are raised while it
        reads a body; it passes on HTTPException, so the client gets the status.
        """
        message = await self._receive_rest() if self._is_complete else await self._receive_part()
        if "is_late" in self._scope["state"]:
            raise HTTPException(RequestIncomplete.status)
        if body := message.get("body", b""):
            self._check(body)
        return message

    def close(self) -> None:
        if self._received:
            self._limit.release(self._owner, self._received)

    async def _receive_rest(self) -> Message:
        with NotCounted():
            return await self._receive()

    async def _receive_part(self) -> Message:
        work = current_work.get()
        if work is not None:
            work.pause()
        try:
            message = await self._receive_rest()
        finally:
            if work is not None:
                work.resume()
        self._is_complete = not message.get("more_body", False)
        return message

    def _check(self, part: bytes) -> None:
        if len(self._start) < _ENCODING_BYTES:
            self._start += part[:_ENCODING_BYTES]
            if not json.detect_encoding(self._start).startswith("utf-8"):
                raise HTTPException(MalformedBody.status)
        self._received += len(part)
        self._limit.hold(self._owner, len(part))
        if self._received > self._limit.max_bytes:
            raise HTTPException(ContentTooLarge.status)
