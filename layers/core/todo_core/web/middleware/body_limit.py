"""The middleware that limits the size of request bodies."""

from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_core.web.problems import ContentTooLarge, RequestIncomplete, make_problem_response

_MAX_LENGTH_DIGITS: Final = 18
"""Python refuses to convert thousands of digits to a number."""


class BodyLimit:
    """Answers 413 to a request body over `max_bytes`, by its Content-Length and by the bytes received.

    Answers 408 to a body that the HTTP protocol gave up because it was not complete in time.

    FastAPI's own limit for an app would answer outside the CORS middleware. Pages of other origins could not read that
    answer.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and (len(length) > _MAX_LENGTH_DIGITS or int(length) > self._max_bytes):
            await make_problem_response(ContentTooLarge(), scope["state"]["request_id"])(scope, receive, send)
            return
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            if "is_late" in scope["state"]:
                raise HTTPException(RequestIncomplete.status)
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                # FastAPI replaces other exceptions that are raised while it reads a body. It passes on HTTPException,
                # so the client gets the status 413.
                raise HTTPException(ContentTooLarge.status)
            return message

        await self.app(scope, receive_limited, send)
