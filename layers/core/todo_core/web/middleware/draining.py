"""Draining: a process answers requests for some seconds after a SIGTERM, so that no request is lost."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

DRAIN: Final = "drain"
"""The name of the object in the state of the lifespan, where the HTTP protocol finds it."""


class Drain:
    """Delays the stop of a process after a SIGTERM by some seconds, in which all requests are answered.

    A load balancer still sends requests for some seconds after the signal. Clients may send the next request on an
    open connection while the server closes it. So each answer then has `Connection: close`, and streams end.
    """

    def __init__(self, seconds: float) -> None:
        self.has_begun = False
        self._seconds = seconds

    @contextmanager
    def on_sigterm(self, end_streams: Callable[[], None]) -> Iterator[None]:
        """Delays the process's SIGTERM handler by the given seconds, for signals that arrive during the block.

        The signal calls `end_streams` at once, so that their clients connect to another process. Does nothing for
        0 seconds or outside the main thread.
        """
        if not self._seconds or threading.current_thread() is not threading.main_thread():
            yield  # Python sets signal handlers only in the main thread
            return
        loop = asyncio.get_running_loop()
        stop = signal.getsignal(signal.SIGTERM)

        def begin(number: int, _frame: FrameType | None) -> None:
            self.has_begun = True
            # Restores the original handler, so that a second SIGTERM stops the process at once.
            signal.signal(number, stop)
            loop.call_soon_threadsafe(end_streams)
            loop.call_soon_threadsafe(loop.call_later, self._seconds, signal.raise_signal, number)

        signal.signal(signal.SIGTERM, begin)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, stop)


class ConnectionClosing:
    """Adds `Connection: close` to responses after the SIGTERM, so that clients connect again, to another process."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self.app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._drain.has_begun or scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await self.app(scope, receive, send_and_close)
