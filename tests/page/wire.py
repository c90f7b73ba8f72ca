"""A network between the browser and the service that tests cut, also between a request and its answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from anyio.from_thread import BlockingPortal, start_blocking_portal

_CHUNK_BYTES = 65_536

type Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Wire:
    """Relay to the service at `target`. Its methods may be called from any thread."""

    target: str
    port: int = 0
    lost: int = 0
    is_cut: bool = False
    _begins: tuple[bytes, ...] = ()
    _losses: int = 0
    _portal: BlockingPortal | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def cut(self) -> None:
        """Breaks all connections, and refuses new ones until `mend`."""
        self.is_cut = True
        assert self._portal is not None
        self._portal.call(self._abort)

    def mend(self) -> None:
        self.is_cut = False

    def lose_answers(self, count: int, *begins: str) -> None:
        """Passes the next requests that begin so to the service, and breaks the connection at the answer.

        A request begins with its method and path, such as `POST /api/v1/todos`.
        """
        self._begins, self._losses = tuple(begin.encode() for begin in begins), count

    async def _abort(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def listen(self, portal: BlockingPortal) -> asyncio.Server:
        self._portal = portal
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        parts = urlsplit(self.target)
        from_server, to_server = await asyncio.open_connection("127.0.0.1", parts.port)
        loses = asyncio.Event()
        self._open |= {writer, to_server}
        try:
            with suppress(OSError, ExceptionGroup):
                async with asyncio.TaskGroup() as both_ways:
                    both_ways.create_task(self._pass_requests((reader, to_server), loses))
                    both_ways.create_task(self._pass_answers((from_server, writer), loses))
        finally:
            self._open -= {writer, to_server}
            for side in (writer, to_server):
                side.transport.abort()

    async def _pass_requests(self, streams: Streams, loses: asyncio.Event) -> None:
        reader, writer = streams
        while data := await reader.read(_CHUNK_BYTES):
            if self._losses and data.startswith(self._begins):
                self._losses -= 1
                loses.set()
            writer.write(data)
        writer.close()

    async def _pass_answers(self, streams: Streams, loses: asyncio.Event) -> None:
        reader, writer = streams
        while data := await reader.read(_CHUNK_BYTES):
            if loses.is_set():
                self.lost += 1
                writer.transport.abort()
                return
            writer.write(data)
            await writer.drain()
        writer.close()


@contextmanager
def wired(target: str) -> Iterator[Wire]:
    """Runs a relay to the service until the end of the block."""
    with start_blocking_portal() as portal:
        wire = Wire(target)
        server = portal.call(wire.listen, portal)
        try:
            yield wire
        finally:
            wire.cut()
            portal.call(server.close)
