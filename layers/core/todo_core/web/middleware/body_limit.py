"""The middleware that limits request bodies: the size of each, and of all that a process holds in memory."""

import json
from collections import Counter
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_core.clients import Owner, find_owner
from todo_core.deadlines import NotCounted
from todo_core.errors import RateLimited, TooBusy
from todo_core.web.problems import ContentTooLarge, MalformedBody, RequestIncomplete, make_problem_response

_MAX_LENGTH_DIGITS: Final = 18
"""Python refuses to convert thousands of digits to a number."""
_BODIES_PER_USER: Final = 4
_BODIES_PER_NETWORK: Final = 1
_BODIES_AT_ONCE: Final = 16
"""The most bodies of the largest size that the process holds, for all clients together."""
_ENCODING_BYTES: Final = 4
"""The bytes by which `json` recognizes UTF-16 and UTF-32."""


class BodyLimit:
    """Answers 413 to a request body over `max_bytes`, by its Content-Length and by the bytes received.

    Answers 408 to a body that was not complete in time, and 400 to JSON in UTF-16 or UTF-32. Answers 429 when the
    bodies of one client are too large together, and 503 when those of all are.

    FastAPI's own limit for an app would answer outside the CORS middleware. Pages of other origins could not read that
    answer.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self._max_bytes = max_bytes
        self._held = Counter[Owner | None]()
        self._held_by_all = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and (len(length) > _MAX_LENGTH_DIGITS or int(length) > self._max_bytes):
            await make_problem_response(ContentTooLarge(), scope["state"]["request_id"])(scope, receive, send)
            return
        owner, received, start = find_owner(), 0, b""
        bodies = _BODIES_PER_NETWORK if isinstance(owner, str) else _BODIES_PER_USER

        async def receive_limited() -> Message:
            # FastAPI replaces other exceptions that are raised while it reads a body. It passes on HTTPException, so
            # the client gets the status.
            nonlocal received, start
            with NotCounted():
                message = await receive()
            body: bytes = message.get("body", b"")
            if "is_late" in scope["state"]:
                raise HTTPException(RequestIncomplete.status)
            if body:
                if len(start) < _ENCODING_BYTES:
                    start += body[:_ENCODING_BYTES]
                    if not json.detect_encoding(start).startswith("utf-8"):
                        raise HTTPException(MalformedBody.status)
                received += len(body)
                self._hold(owner, len(body), bodies * self._max_bytes)
                if received > self._max_bytes:
                    raise HTTPException(ContentTooLarge.status)
            return message

        try:
            await self.app(scope, receive_limited, send)
        finally:
            if received:
                self._release(owner, received)

    def _hold(self, owner: Owner | None, size: int, max_bytes: int) -> None:
        """Counts bytes of a body until its request ends. Raises HTTPException when the owner or all have too many."""
        self._held[owner] += size
        self._held_by_all += size
        if self._held[owner] > max_bytes:
            raise HTTPException(RateLimited.status)
        if self._held_by_all > _BODIES_AT_ONCE * self._max_bytes:
            raise HTTPException(TooBusy.status)

    def _release(self, owner: Owner | None, size: int) -> None:
        self._held[owner] -= size
        self._held_by_all -= size
        if self._held[owner] <= 0:
            del self._held[owner]
