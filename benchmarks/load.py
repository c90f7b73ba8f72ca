"""Load of many connections from a separate process: statuses and latencies of the responses."""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from time import perf_counter
from typing import Final, cast

import uvloop
from client import CHUNKED, HEAD_END, HOST, LAST_CHUNK, LENGTH

_processes: Final = get_context("spawn")
_CONNECT_SECONDS: Final = 1.0
_PROBE_SECONDS: Final = 0.01


@dataclass(frozen=True)
class Load:
    """Requests that connections repeat in turn: `per_second` in all, or each as soon as the last one is answered."""

    name: str
    requests: Sequence[bytes]
    connections: int
    per_second: float | None = None


@dataclass
class Results:
    """Number of responses of each status, and the milliseconds of each response, by whether it was a success."""

    statuses: Counter[int] = field(default_factory=Counter)
    served: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    """Milliseconds by which timers of the load fired late. So much its own process may add to a latency."""

    def clear(self) -> None:
        self.lateness.clear()
        self.statuses.clear()
        self.served.clear()
        self.refused.clear()

    def add(self, status: int, milliseconds: float) -> None:
        self.statuses[status] += 1
        (self.served if status < 300 else self.refused).append(milliseconds)  # noqa: PLR2004 - success


class _Client(asyncio.Protocol):
    """One connection. Connects again when the server closes it."""

    def __init__(self, port: int, requests: Iterator[bytes], interval: float | None, results: Results) -> None:
        self._port, self._requests, self._interval, self._results = port, requests, interval, results
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._started = self._due = 0.0
        self._is_waiting = self._has_started = False
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._buffer.clear()
        if self._has_started:
            self._send_when_due()

    def start(self, delay: float) -> None:
        """Begins to send requests after some seconds."""
        self._has_started = True
        self._due = perf_counter() + delay
        self._send_when_due()

    def connection_lost(self, _error: Exception | None) -> None:
        if self._is_waiting:
            self._results.add(0, (perf_counter() - self._started) * 1000)
            self._is_waiting = False
        self._transport = None
        self._loop.create_task(self.connect())

    async def connect(self) -> None:
        try:
            await self._loop.create_connection(lambda: self, HOST, self._port)
        except OSError:
            self._results.add(0, 0)
            self._loop.call_later(0.1, lambda: self._loop.create_task(self.connect()))

    def _send_when_due(self) -> None:
        now = perf_counter()
        if self._interval is None or now >= self._due:
            self._send()
        else:
            self._loop.call_later(self._due - now, self._send)

    def _send(self) -> None:
        if self._transport is not None and not self._is_waiting:
            self._started, self._is_waiting = perf_counter(), True
            self._due = max(self._due, self._started - 1) + (self._interval or 0)
            self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(HEAD_END)
        if head_end < 0 or not self._is_complete(head_end + len(HEAD_END)):
            return
        status = int(self._buffer[9:12])
        closes = b"connection: close" in self._buffer[:head_end].lower()
        self._buffer.clear()
        self._is_waiting = False
        self._results.add(status, (perf_counter() - self._started) * 1000)
        if not closes:
            self._send_when_due()

    def _is_complete(self, body: int) -> bool:
        if CHUNKED.search(self._buffer, 0, body):
            return self._buffer.endswith(LAST_CHUNK)
        length = LENGTH.search(self._buffer, 0, body)
        return len(self._buffer) >= body + (int(length[1]) if length else 0)


@contextmanager
def under(port: int, loads: Sequence[Load], *, warm_up_seconds: float = 1) -> Iterator[dict[str, Results]]:
    """Puts the server under the loads during the block. Yields the results by name, which are there after the block.

    The load begins `warm_up_seconds` before the block, and the results of this time do not count.
    """
    ours, theirs = _processes.Pipe()
    process = _processes.Process(target=_run, args=(port, loads, warm_up_seconds, theirs), daemon=True)
    process.start()
    theirs.close()
    results: dict[str, Results] = {}
    try:
        ours.recv()
        yield results
        ours.send("stop")
        results |= ours.recv()
    except EOFError:
        raise RuntimeError("The process of the load has failed.") from None
    finally:
        process.terminate()
        process.join()


def _run(port: int, loads: Sequence[Load], warm_up_seconds: float, parent: Pipe) -> None:
    # Ctrl-C reaches this process too, but its parent stops it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    uvloop.run(_send_all(port, loads, warm_up_seconds, parent))


async def _send_all(port: int, loads: Sequence[Load], warm_up_seconds: float, parent: Pipe) -> None:
    results = {load.name: Results() for load in loads}
    clients = []
    for load in loads:
        interval = load.connections / load.per_second if load.per_second else None
        for number in range(load.connections):
            requests = cycle(
                [*load.requests[number % len(load.requests) :], *load.requests[: number % len(load.requests)]]
            )
            client = _Client(port, requests, interval, results[load.name])
            await client.connect()
            clients.append((client, (interval or 0) * number / load.connections))
    # The server accepts connections one by one. So they are all open before the first request.
    await asyncio.sleep(_CONNECT_SECONDS)
    for client, delay in clients:
        client.start(delay)
    probe = asyncio.create_task(_measure_lateness(list(results.values())))
    await asyncio.sleep(warm_up_seconds)
    for each in results.values():
        each.clear()
    parent.send("started")
    await asyncio.get_running_loop().run_in_executor(None, parent.recv)
    probe.cancel()
    parent.send(results)


async def _measure_lateness(results: Sequence[Results]) -> None:
    """Measures in all results by how much a timer fires late, until it is cancelled."""
    while True:
        due = perf_counter() + _PROBE_SECONDS
        await asyncio.sleep(_PROBE_SECONDS)
        late = (perf_counter() - due) * 1000
        for each in results:
            each.lateness.append(late)
