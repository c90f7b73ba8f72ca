"""Live changes of one process as it ships: delays, memory and connections of streams, and the cost of polls.

- poll: CPU time of a list that the client has already (304), beside that of the list
- delay: time from a write to the change at ten streams. One process listens, another one asks once a second.
- streams: memory, connections to the database, and CPU time of 500 streams that wait

Exits with 1 when a poll costs more than half of a list. The p99 of the delays may be 1 s (listening) and 3 s (asking).
The streams may take 2 connections and 60 MB. `CHANGES=100` measures fewer than 1,000 delays.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import quantiles
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx2
from client import HOST, Connection, request_bytes
from hostile import API, Account, add_todos, read_memory, sign_up
from live_streams import Stream, open_streams
from servers import Server, fetch_backends, postgres
from spread import Spread, ratios
from subjects import shipped

_CHANGES: Final = int(os.environ.get("CHANGES", "1000"))
_ASKED_CHANGES: Final = max(_CHANGES // 10, 10)
"""Fewer, because each takes half a second in the mean."""
_STREAMS: Final = 500
_STREAMS_PER_USER: Final = 10
_ROUNDS: Final = 15
_REQUESTS: Final = 250
_WATCHED_SECONDS: Final = 30.0
_MAX_POLL_SHARE: Final = 0.5
_MAX_SECONDS: Final = {"listening": 1.0, "asking": 3.0}
_MAX_CONNECTIONS: Final = 2
_MAX_MEGABYTES: Final = 60


def main() -> None:
    with postgres() as url:
        with _serving(url, "listening") as server:
            passed = [_compare_polls(server, url), _measure_delays(server, "listening", _CHANGES)]
        # The service does not listen through a pooler.
        with _serving(url, "asking", DATABASE_URL=f"{_url_of(url, 'asking')}&pgbouncer=true") as server:
            passed.append(_measure_delays(server, "asking", _ASKED_CHANGES))
        with _serving(url, "streams", DATABASE_POOL_SIZE="1") as server:
            passed.append(_measure_streams(server, url))
    sys.exit(0 if all(passed) else 1)


@contextmanager
def _serving(url: str, name: str, **settings: str) -> Iterator[Server]:
    without_limit = str(10**6)
    limits = dict.fromkeys(("REQUESTS_PER_MINUTE", "REQUESTS_IN_FLIGHT", "REQUESTS_AT_ONCE"), without_limit)
    with shipped(url, name, **limits, BCRYPT_ROUNDS="4", LOG_LEVEL="ERROR", **settings) as server:
        yield server


def _url_of(server_url: str, name: str) -> str:
    """Returns the URL of a database on the server, with a query."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def _compare_polls(server: Server, url: str) -> bool:
    """Prints the CPU time of lists and of polls. Returns True if a poll takes at most half of a list."""
    account = sign_up(server)
    add_todos(_url_of(url, "listening"), account, 50)
    # The ETag depends on the host.
    etag = httpx2.get(f"{server.url}{API}/todos", headers={**account.headers, "Host": HOST}).headers["etag"]
    head = request_bytes("GET", f"{API}/todos", headers={"Cookie": f"session_token={account.token}"}).removesuffix(
        b"\r\n\r\n"
    )
    requests = {"list": head + b"\r\n\r\n", "poll": head + f"\r\nIf-None-Match: {etag}\r\n\r\n".encode()}
    costs: dict[str, list[float]] = {name: [] for name in requests}
    for _ in range(_ROUNDS):
        for name, request in requests.items():
            costs[name].append(_microseconds(server, request))
    share = ratios(costs["poll"], costs["list"])
    for name, values in costs.items():
        print(f"CPU time of a {name} of 50 todos: {Spread.of(values).text(0)} µs")
    print(f"share of a poll: {share.text(2)}, at most {_MAX_POLL_SHARE}", flush=True)
    return share.median <= _MAX_POLL_SHARE


def _microseconds(server: Server, request: bytes) -> float:
    with Connection(server.port) as connection:
        for _ in range(20):
            connection.exchange(request)
        before = server.cpu_seconds()
        for _ in range(_REQUESTS):
            connection.exchange(request)
        return (server.cpu_seconds() - before) / _REQUESTS * 1e6


def _measure_delays(server: Server, name: str, number: int) -> bool:
    """Prints the delays of changes. Returns True if their p99 is small enough."""
    account = sign_up(server)
    delays = asyncio.run(_collect_delays(server, account, number))
    p50, p99 = (quantiles(delays, n=100)[percent - 1] for percent in (50, 99))
    print(
        f"delay of {number} changes, {name}: p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, "
        f"longest {max(delays) * 1000:.1f} ms, at most {_MAX_SECONDS[name]:.0f} s",
        flush=True,
    )
    return p99 <= _MAX_SECONDS[name]


async def _collect_delays(server: Server, account: Account, number: int) -> Sequence[float]:
    """Returns the seconds from the begin of each write until all ten streams of the user have its change."""
    streams = await open_streams(server.url, [account.headers] * _STREAMS_PER_USER)
    delays = []
    async with httpx2.AsyncClient(base_url=server.url, headers=account.headers) as client:
        for title in range(number):
            began = time.monotonic()
            writing = asyncio.create_task(client.post(f"{API}/todos", json={"title": str(title)}))
            await asyncio.gather(*(stream.read_change() for stream in streams))
            delays.append(time.monotonic() - began)
            (await writing).raise_for_status()
    await _close(streams)
    return delays


def _measure_streams(server: Server, url: str) -> bool:
    """Prints the cost of waiting streams. Returns True if they take few connections and little memory."""
    tokens = [sign_up(server).headers for _ in range(_STREAMS // _STREAMS_PER_USER + 1)]
    connections, megabytes, cpu_share = asyncio.run(_watch_streams(server, url, tokens))
    print(
        f"{_STREAMS} streams: {connections} connections, at most {_MAX_CONNECTIONS}; {megabytes:.1f} MB, at most "
        f"{_MAX_MEGABYTES}; {cpu_share:.1%} of a processor while they wait",
        flush=True,
    )
    return connections <= _MAX_CONNECTIONS and megabytes <= _MAX_MEGABYTES


async def _watch_streams(server: Server, url: str, tokens: Sequence[dict[str, str]]) -> tuple[int, float, float]:
    first, *others = tokens
    await _close(await open_streams(server.url, [first] * _STREAMS_PER_USER))
    before = read_memory(server).now
    streams = await open_streams(server.url, [headers for headers in others for _ in range(_STREAMS_PER_USER)])
    used = server.cpu_seconds()
    await asyncio.sleep(_WATCHED_SECONDS)
    cpu_share = (server.cpu_seconds() - used) / _WATCHED_SECONDS
    backends = await asyncio.to_thread(fetch_backends, url, "streams")
    megabytes = read_memory(server).now - before
    await _close(streams)
    return len(backends), megabytes, cpu_share


async def _close(streams: Sequence[Stream]) -> None:
    for stream in streams:
        await stream.close()


if __name__ == "__main__":
    main()
