"""A stop that loses no request, for a process behind a load balancer."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Drain:
    """Puts off the stop that a SIGTERM asks for: meanwhile everything is answered, and each answer ends its connection.

    A load balancer sends requests for some moments after a process was told to stop, and clients hold connections on
    which the next request may come at any time, also in the moment in which the server closes them.
    """

    def __init__(self, seconds: float) -> None:
        self.begun = False
        self._seconds = seconds

    @contextmanager
    def on_sigterm(self) -> Iterator[None]:
        """Takes the place of the handler that there is, until the end of the block."""
        if not self._seconds or threading.current_thread() is not threading.main_thread():
            yield  # signals come to the main thread only
            return
        loop = asyncio.get_running_loop()
        stop = signal.getsignal(signal.SIGTERM)

        def begin(number: int, _frame: FrameType | None) -> None:
            self.begun = True
            # A second one does not wait.
            signal.signal(number, stop)
            loop.call_soon_threadsafe(loop.call_later, self._seconds, signal.raise_signal, number)

        signal.signal(signal.SIGTERM, begin)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, stop)


class LastAnswers:
    """Outermost: while draining, tells each client to come back by another connection."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self.app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._drain.begun or scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await self.app(scope, receive, send_last)
