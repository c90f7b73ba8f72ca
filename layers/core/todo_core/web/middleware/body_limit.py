"""The middleware that limits the size of request bodies."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_core.web.problems import ContentTooLarge, make_problem_response


class BodyLimit:
    """Answers 413 to a body over `max_bytes`, by its Content-Length or, without one, by the bytes received.

    FastAPI's own limit answers outside the CORS middleware, where pages of other origins cannot read the answer.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length) > self._max_bytes:
            await make_problem_response(ContentTooLarge(), scope["state"]["request_id"])(scope, receive, send)
            return
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                # The only kind of exception that FastAPI does not replace while it reads a body.
                raise HTTPException(ContentTooLarge.status)
            return message

        await self.app(scope, receive_limited, send)
