"""Proxy between the service and PostgreSQL that counts round trips."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from anyio.from_thread import start_blocking_portal

from todo_core.database import postgres_url

type Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class CountingProxy:
    """Proxy that listens at `url`. It counts the service's Sync and Query messages, each of which ends a round trip."""

    server_url: str
    url: str = ""
    round_trips: int = 0

    def count_round_trips(self, action: Callable[[], Any]) -> int:
        """Runs an action and returns the number of its round trips to PostgreSQL."""
        before = self.round_trips
        action()
        return self.round_trips - before

    async def listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        parts = urlsplit(postgres_url.parse(self.server_url).dsn)
        account = parts.netloc.rpartition("@")[0]
        self.url = f"postgresql://{account}@127.0.0.1:{port}{parts.path}?sslmode=disable"
        return server

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await self._connect()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._count(reader, to_server))
                group.create_task(_copy(from_server, writer))
        finally:
            to_server.close()
            writer.close()

    async def _connect(self) -> Streams:
        parts = urlsplit(postgres_url.parse(self.server_url).dsn)
        host, port = dict(parse_qsl(parts.query)).get("host", parts.hostname or "localhost"), parts.port or 5432
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relays messages of the service to PostgreSQL and counts the messages that end a round trip.

        A message is a type byte, a length that includes itself, and a body. Only the first one has no type byte.
        """
        with suppress(asyncio.IncompleteReadError):
            message_type = b""
            while True:
                length = await reader.readexactly(4)
                writer.write(message_type + length + await reader.readexactly(int.from_bytes(length) - 4))
                self.round_trips += message_type in {b"S", b"Q"}
                message_type = await reader.readexactly(1)
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@contextmanager
def running[Proxy: CountingProxy](proxy: Proxy) -> Iterator[Proxy]:
    """Runs a proxy until the end of the block."""
    with start_blocking_portal() as portal:
        server = portal.call(proxy.listen)
        yield proxy
        portal.call(server.close)
