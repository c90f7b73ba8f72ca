"""The HTTP protocol of the server: uvicorn's, with limits for requests that are large, slow or never complete.

`python -m functions` uses it. On Lambda, the API gateway has limits of its own.
"""

import asyncio
import resource
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any, Final, cast, override
from uuid import uuid4
from weakref import WeakSet

from starlette.types import Scope
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from todo_core.errors import ServiceError
from todo_core.live.live_changes import LIVE_CHANGES, LiveChanges
from todo_core.web.early_refusals import EARLY_REFUSALS, EarlyRefusals
from todo_core.web.event_stream import ABORT
from todo_core.web.middleware.draining import DRAIN, Drain
from todo_core.web.problems import make_problem_response
from todo_core.web.request_heads import MAX_HEAD_BYTES, MAX_HEADERS, HeadersTooLarge, MalformedRequest
from todo_core.web.security_headers import HTTPS_ONLY, SECURITY_HEADERS

_PIECE_BYTES: Final = 8 * 1024
_SWEEP_SECONDS: Final = 0.5
_LINGER_SECONDS: Final = 2.0
"""Time in which a refused client may read the answer. Closed at once, a busy sender would see a reset connection."""

_MAX_CONNECTIONS: Final = 2000

_swept: Final[WeakSet[ServerState]] = WeakSet()
"""The servers whose connections are checked twice a second."""


def find_max_connections() -> int:
    """Returns 2,000, or half of the files that the process may open if these are fewer: each connection is a file."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_CONNECTIONS if files == resource.RLIM_INFINITY else min(files // 2, _MAX_CONNECTIONS)


class BoundedProtocol(HttpToolsProtocol):
    """A connection that is closed when its request is not complete in time, or its client stops reading.

    `request_seconds` bounds the time from the first byte of a request to the last one. The first request of a
    connection has this time from the start of the connection. `write_seconds` bounds the time in which a client reads
    nothing of its response. Past `max_connections`, the connections are closed that wait longest for a request.
    """

    request_seconds: float = 30
    write_seconds: float = 30
    max_connections: int = find_max_connections()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.headers = []
        self._deadline: float | None = None
        self._has_progress = False
        self._unparsed_bytes = 0
        self._is_refused = False
        self._idle_since = 0.0
        self._unsent_bytes = 0
        self._unsent_since = 0.0
        self._early_refusals: EarlyRefusals | None = app_state.get(EARLY_REFUSALS)
        self._drain: Drain | None = app_state.get(DRAIN)
        self._live: LiveChanges | None = app_state.get(LIVE_CHANGES)

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn declares it
        super().connection_made(transport)
        self._expect_request()
        if self.server_state not in _swept:
            _swept.add(self.server_state)
            self.loop.call_later(_SWEEP_SECONDS, _sweep, self.server_state, self.loop)
        if len(self.connections) > self.max_connections:
            self._shed()

    @override
    def data_received(self, data: bytes) -> None:
        # In pieces: the parser keeps an incomplete header, which it copies with each piece that it gets.
        for start in range(0, len(data), _PIECE_BYTES):
            if self._is_refused:
                return
            self._feed(data[start : start + _PIECE_BYTES] if len(data) > _PIECE_BYTES else data)
        if self._find_open_cycle() is None:
            self._expect_request()  # also after blank lines between two requests

    def _feed(self, data: bytes) -> None:
        """Parses a piece. Refuses the request if its incomplete head, chunk header or trailer is too large."""
        self._has_progress = False
        super().data_received(data)
        self._unparsed_bytes = 0 if self._has_progress else self._unparsed_bytes + len(data)
        if self._unparsed_bytes > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._refuse(HeadersTooLarge())

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._has_progress = True
        self._expect_request()
        if self.client is not None:
            self.scope["state"]["peer"] = self.client[0]
        self.scope["state"][ABORT] = self.transport.abort

    @override
    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        # The app has the list of headers. Trailers go into another one: they must not become headers of the request.
        self.headers = []

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        refusals, scope = self._early_refusals, cast(Scope, cycle.scope)
        # Refused here, many pipelined requests would exceed the depth of recursion: each response starts the next one.
        if refusals is None or self.pipeline or refusals.admits(scope):
            if scope["method"] != "HEAD":  # its response has no body to wait for
                cycle.transport = cast(asyncio.Transport, _HeadWithBody(cycle, self.loop))
            super()._start_asgi_task(cycle, app)
        else:
            refusals.pace(partial(self._refuse_early, cycle, refusals.make_response))

    def _refuse_early(self, cycle: RequestResponseCycle, make_response: Callable[..., bytes]) -> None:
        """Answers a request without the app. Changes the cycle as the messages of the app would."""
        if cycle.disconnected:
            return
        if self._drain is not None and self._drain.has_begun:
            cycle.keep_alive = False
        self.transport.write(make_response(cycle.scope, self.server_state.default_headers, closes=not cycle.keep_alive))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._has_progress = True
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._deadline = None
        super().on_message_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        self._refuse(MalformedRequest())

    @override
    def _should_upgrade_to_ws(self) -> bool:
        return False

    @override
    def _unsupported_upgrade_warning(self) -> None:
        """Logs nothing: Java's client offers an upgrade to HTTP/2 with each request, and accepts to be ignored."""

    @override
    def shutdown(self) -> None:
        """Finishes the response when the server stops. A stream, which would last on, is told to end."""
        super().shutdown()
        if self._live is not None:
            self._live.end_watches()

    def check(self, now: float) -> None:
        """Ends the connection if its request is late, or if its client has read nothing for too long."""
        if self._deadline is not None and now >= self._deadline:
            self._give_up()
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent != self._unsent_bytes:
            self._unsent_bytes, self._unsent_since = unsent, now
        elif now - self._unsent_since >= self.write_seconds:
            self.transport.abort()

    @override
    def on_response_complete(self) -> None:
        self._idle_since = self.loop.time()
        super().on_response_complete()

    @property
    def waiting_since(self) -> float | None:
        """The time since which the server waits for a request or its rest. None while a request is answered."""
        if self._deadline is not None:
            return self._deadline - self.request_seconds
        return None if self._find_open_cycle() else self._idle_since

    def _find_open_cycle(self) -> RequestResponseCycle | None:
        """Returns the newest request and its response, or None if the response is complete."""
        cycle = cast(RequestResponseCycle | None, self.cycle)
        return None if cycle is None or cycle.response_complete else cycle

    def _expect_request(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.time() + self.request_seconds

    def _give_up(self) -> None:
        """Closes the connection, after the response if one is due. An incomplete body is answered with 408."""
        self._deadline = None
        cycle = self._find_open_cycle()
        if self._is_refused or cycle is None:
            self.transport.close()
            return
        cycle.keep_alive = False
        if cycle.more_body:
            cycle.scope["state"]["is_late"] = True
            cycle.more_body = False
            cycle.message_event.set()

    def _refuse(self, error: ServiceError) -> None:
        """Answers a request that could not be parsed, and closes the connection. Ignores further data."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        if cycle := self._find_open_cycle():
            if not cycle.more_body:
                cycle.keep_alive = False  # The refused request is the next one. The connection ends with the response.
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started or self.pipeline:
                self.transport.close()
                return
        self.transport.write(self._format_refusal(error))
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._deadline = self.loop.time() + _LINGER_SECONDS
        else:
            self.transport.close()

    def _format_refusal(self, error: ServiceError) -> bytes:
        request_id = str(uuid4())
        response = make_problem_response(error, request_id)
        headers = [
            *response.raw_headers,
            *SECURITY_HEADERS,
            *([HTTPS_ONLY] if self.scheme == "https" else []),
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        return b"%s%s\r\n%s" % (STATUS_LINE[error.status], lines, response.body)

    def _shed(self) -> None:
        """Closes a tenth of the waiting connections if there are too many, those first that wait longest."""
        connections = [other for other in _connections(self.server_state) if not other.transport.is_closing()]
        if len(connections) <= self.max_connections:
            return  # The server still counts connections that are closing.
        waiting = [(since, other) for other in connections if (since := other.waiting_since) is not None]
        waiting.sort(key=itemgetter(0))
        for _, other in waiting[: max(1, len(waiting) // 10)]:
            other.transport.abort()


class _HeadWithBody:
    """The transport of one response, which writes its head and the first part of its body at once.

    uvicorn writes them one after the other. The second write would take a tenth of the CPU time of a short request.
    """

    __slots__ = ("_cycle", "_head", "_is_begun", "_loop", "_transport")

    def __init__(self, cycle: RequestResponseCycle, loop: asyncio.AbstractEventLoop) -> None:
        self._cycle = cycle
        self._loop = loop
        self._transport: asyncio.Transport = cycle.transport
        self._head = b""
        self._is_begun = False

    def write(self, data: bytes) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, data))
        elif self._is_begun or not self._cycle.response_started:  # before the response, only "100 Continue"
            self._transport.write(data)
        else:
            self._is_begun, self._head = True, data
            # A stream may have its first part later. Its head does not wait for it.
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def _flush(self) -> None:
        if self._head:
            self._transport.write(self._head)
            self._head = b""


def _connections(server: ServerState) -> list[BoundedProtocol]:
    return [connection for connection in server.connections if isinstance(connection, BoundedProtocol)]


def _sweep(server: ServerState, loop: asyncio.AbstractEventLoop) -> None:
    """Checks all connections of a server, again and again while there are any."""
    now = loop.time()
    for connection in _connections(server):
        connection.check(now)
    if server.connections:
        loop.call_later(_SWEEP_SECONDS, _sweep, server, loop)
    else:
        _swept.discard(server)
