"""Relay to a database for containers, which cannot reach 127.0.0.1 or a Unix socket, and for stalls of the network."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import anyio
from anyio.abc import SocketAttribute, SocketStream, TaskStatus
from anyio.from_thread import start_blocking_portal

_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


@dataclass
class Gate:
    """Stops all traffic of a relay while it is closed, like a network that loses packets. Any thread may set it."""

    is_open: bool = True

    async def wait(self) -> None:
        while not self.is_open:  # noqa: ASYNC110 - another thread opens it
            await anyio.sleep(0.01)


@contextmanager
def relayed(database_url: str, *, host: str, gate: Gate | None = None) -> Iterator[str]:
    """Runs a relay to the database until the end of the block. Yields the relay's URL, with `host` as its host name."""
    with start_blocking_portal() as portal:
        listening, port = portal.start_task(_listen, database_url, gate or Gate())
        parts = urlsplit(database_url)
        credentials, at, _ = parts.netloc.rpartition("@")
        try:
            yield parts._replace(netloc=f"{credentials}{at}{host}:{port}", query="").geturl()
        finally:
            listening.cancel()


async def _listen(database_url: str, gate: Gate, *, task_status: TaskStatus[int]) -> None:
    async def serve(client: SocketStream) -> None:
        with suppress(*_BROKEN):
            async with client:
                await gate.wait()
                async with await _connect(database_url) as server, anyio.create_task_group() as both_ways:
                    both_ways.start_soon(_pass_on, client, server, gate)
                    both_ways.start_soon(_pass_on, server, client, gate)

    # Listens on all addresses, because the address of the container engine's bridge is not known.
    async with await anyio.create_tcp_listener(local_host="0.0.0.0") as listener:  # noqa: S104
        task_status.started(listener.extra(SocketAttribute.local_port))  # noqa: S610 - not Django
        await listener.serve(serve)


async def _connect(database_url: str) -> SocketStream:
    parts = urlsplit(database_url)
    folder = parse_qs(parts.query).get("host")
    if folder:
        return await anyio.connect_unix(f"{folder[0]}/.s.PGSQL.{parts.port or 5432}")
    return await anyio.connect_tcp(parts.hostname or "localhost", parts.port or 5432)


async def _pass_on(source: SocketStream, sink: SocketStream, gate: Gate) -> None:
    try:
        async for data in source:
            await gate.wait()
            await sink.send(data)
        await gate.wait()
        await sink.send_eof()
    except _BROKEN:
        # The other side must notice a reset too. A server that was killed resets its connections.
        await sink.aclose()
