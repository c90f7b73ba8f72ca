"""Responses of server-sent events."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import anyio
from fastapi import Response
from starlette.types import Receive, Scope, Send

EVENT_STREAM: Final = "text/event-stream"

ABORT: Final = "abort"
"""The key of a function in the state of a request: it closes the connection, and drops the bytes not yet sent.

The server sets it. Without it, the rest of the response waits for the client.
"""

SEND_TIMEOUT_SECONDS: Final = 20.0
"""Time limit to send one chunk. A client that accepts nothing for so long is cut off."""

type Write = Callable[[bytes], Awaitable[None]]


class EventStream(Response):
    """A response that runs `work`, which writes chunks of events and returns the code of the error that ended it.

    A client that disconnects cancels the work. So does a client that reads too slowly: nothing is buffered for it
    beyond one chunk and the connection's buffer of 64 KB.
    """

    media_type = EVENT_STREAM

    def __init__(
        self,
        work: Callable[[Write], Awaitable[str | None]],
        headers: Mapping[str, str],
        *,
        send_seconds: float = SEND_TIMEOUT_SECONDS,
    ) -> None:
        # Without X-Accel-Buffering, proxies such as nginx buffer the events, so the client gets them late.
        super().__init__(headers={**headers, "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._work = work
        self._send_seconds = send_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        is_slow = False

        async with anyio.create_task_group() as group:

            async def write(chunk: bytes) -> None:
                nonlocal is_slow
                with anyio.move_on_after(self._send_seconds) as timeout:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                if timeout.cancelled_caught:
                    is_slow = True
                    group.cancel_scope.cancel()

            group.start_soon(_cancel_on_disconnect, receive, group.cancel_scope)
            scope["state"]["problem"] = await self._work(write)
            group.cancel_scope.cancel()
        if is_slow and ABORT in scope["state"]:
            scope["state"][ABORT]()
            await _wait_for_disconnect(receive)
        else:
            await send({"type": "http.response.body", "body": b""})


async def _cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    await _wait_for_disconnect(receive)
    scope.cancel()


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
