"""Clients of streams of changes that need little time and memory, so that hundreds of them fit beside a server."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Self
from urllib.parse import urlsplit

CHANGES: Final = "/api/v1/todos/changes"
_HEAD_END: Final = b"\r\n\r\n"
_MAX_LINE_BYTES: Final = 1024 * 1024


class Stream:
    """One stream on a connection of its own. `last_seq` is the id of the last event."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.last_seq = 0
        self.retry: int | None = None

    @classmethod
    async def open(cls, url: str, headers: Mapping[str, str], *, since: int = 0) -> Self:
        """Opens a stream of the service at `url`. Raises ConnectionError unless the status is 200."""
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=_MAX_LINE_BYTES)
        lines = [
            f"GET {CHANGES}?since={since} HTTP/1.1",
            f"Host: {address.netloc}",
            "Accept: text/event-stream",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        writer.write("\r\n".join(lines).encode() + _HEAD_END)
        head = await reader.readuntil(_HEAD_END)
        if not head.startswith(b"HTTP/1.1 200"):
            writer.close()
            raise ConnectionError(head.decode())
        stream = cls(reader, writer)
        stream.last_seq = since
        return stream

    async def read_change(self) -> dict[str, Any]:
        """Returns the next change. Raises EOFError at the end of the stream, and ConnectionError when it breaks."""
        while line := await self._reader.readline():
            if line.endswith(b"\r\n"):
                continue  # the length of a chunk, or its end
            name, _, value = line.rstrip(b"\n").partition(b": ")
            if name == b"id":
                self.last_seq = int(value)
            elif name == b"retry":
                self.retry = int(value)
            elif name == b"data":
                change: dict[str, Any] = json.loads(value)
                return change
        raise EOFError

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


async def open_streams(url: str, tokens: Sequence[Mapping[str, str]], *, at_once: int = 20) -> list[Stream]:
    """Opens one stream for each token, a few at a time."""
    places = asyncio.Semaphore(at_once)

    async def open_one(headers: Mapping[str, str]) -> Stream:
        async with places:
            return await Stream.open(url, headers)

    return list(await asyncio.gather(*(open_one(headers) for headers in tokens)))
