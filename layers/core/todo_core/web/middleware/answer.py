"""The answer to one request on its way to the client."""

from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Message, Scope, Send

type Header = tuple[bytes, bytes]

_CLOSED_BY_CLIENT: Final = "the handler is closed"
"""Part of uvloop's message about a write to a connection that the client has closed."""


class Answer:
    """Sends the response to a request, with the headers that the steps of the pipeline add.

    `status` is that of the response, or 0 before it has begun. `sent_bytes` are those of its body so far.
    """

    __slots__ = ("_common", "_further", "_is_bodiless", "_scope", "_send", "sent_bytes", "status")

    def __init__(self, scope: Scope, send: Send, common: Iterable[Header], *, is_bodiless: bool) -> None:
        """Prepares an answer with `common` headers, which a response replaces by its own of the same name.

        A bodiless answer, to a HEAD request, has the headers of the response and an empty body.
        """
        self._scope = scope
        self._send = send
        self._common = common
        self._further: list[Header] = []
        self._is_bodiless = is_bodiless
        self.status = 0
        self.sent_bytes = 0

    def add_headers(self, *headers: Header) -> None:
        """Adds headers to those of the response."""
        self._further += headers

    async def send(self, message: Message) -> None:
        """Sends a message of the response. Raises ClientDisconnect when the client has closed the connection."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = await self._complete(message["headers"])
        elif body := message.get("body"):
            self.sent_bytes += len(body)
        if self._is_bodiless and message["type"] == "http.response.body":
            if message.get("more_body", False):
                return
            message = {"type": "http.response.body"}
        try:
            await self._send(message)
        except RuntimeError as error:
            if _CLOSED_BY_CLIENT in str(error):
                raise ClientDisconnect from None
            raise

    async def _complete(self, headers: Iterable[Header]) -> list[Header]:
        """Returns the headers of a response with all others of the answer."""
        # FastAPI declares the media type of a response that has no body too.
        own = [pair for pair in headers if pair[0] != b"content-type" or self.status != HTTPStatus.NO_CONTENT]
        names = {name for name, _ in own}
        complete = [*own, *[pair for pair in self._common if pair[0] not in names], *self._further]
        add: Callable[[], Awaitable[list[Header]]] | None = self._scope["state"].get("add_response_headers")
        return complete if add is None else complete + await add()
