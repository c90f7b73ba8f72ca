"""Memory of one process of the service, as it ships, while clients try to fill it. Works on Linux only.

Each stage prints the resident memory after it and the peak within it:

- exports: 8 exports at once, twice, of an account with a todo of 16,384 four-byte characters and 550 changes
- unread: 8 such exports that their clients do not read
- connections: 1,000 connections with unfinished requests
- tokens: 100,000 distinct spellings of a session token
- lists: 10,000 lists with random filters, sort orders and limits
- fuzz: 100,000 random requests to all routes

`STAGES=exports,fuzz` runs only some of them, `SHARE=0.1` a tenth of the requests. Exits with 1 when a peak exceeds
160 MB, or when an answer is a 5xx other than 503. A run takes about five minutes.
"""

import os
import random
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from types import FrameType
from typing import Final, get_args
from urllib.parse import urlencode

import httpx2
from client import HOST
from fuzz import Fuzzer, load_operations
from hostile import API, Account, Memory, add_long_todo, add_todos, read_memory, reset_peak, shipped_service, sign_up
from servers import Server, postgres

from todo_core.todos.filters import ListSort

_MAX_MEGABYTES: Final = 160
_EXPORTS: Final = 8
_CHANGES: Final = 550
_CONNECTIONS: Final = 1_000
_UNREAD_SECONDS: Final = 3.0
_TOKENS: Final = 100_000
_LISTS: Final = 10_000
_FUZZ: Final = 100_000
_CLIENTS: Final = 4
_PIPELINED: Final = 20
_FIRST_SERVER_ERROR: Final = 500
_UNAVAILABLE: Final = 503

_HEAD: Final = f"Host: {HOST}\r\nContent-Type: application/json\r\n"
_UNFINISHED: Final = (
    # A head whose last line has no end.
    f"GET {API}/todos HTTP/1.1\r\n{_HEAD}X-Filler: {'a' * 8_000}",
    # A body that lacks one byte of the length that its head states.
    f"POST {API}/auth/login HTTP/1.1\r\n{_HEAD}Content-Length: 60001\r\n\r\n{' ' * 60_000}",
)


@dataclass(frozen=True)
class Target:
    """The attacked server, with an account of large rows, one of ordinary rows, and an empty one."""

    server: Server
    large: Account
    ordinary: Account
    fuzzed: Account
    share: float
    """The part of the requests that is sent."""

    def count(self, number: int) -> int:
        return max(int(number * self.share), 1)


type Statuses = Counter[int]


def export_all(target: Target) -> Statuses:
    def export(number: int) -> int:
        headers = target.large.headers | {"Accept-Encoding": "gzip" if number % 2 else "identity"}
        with httpx2.stream("GET", f"{target.server.url}{API}/auth/me/export", headers=headers, timeout=120) as answer:
            size = sum(map(len, answer.iter_raw()))
            if size < _CHANGES:
                raise RuntimeError(f"The export has only {size} bytes")
            return answer.status_code

    with ThreadPoolExecutor(_EXPORTS) as pool:
        return Counter(pool.map(export, range(2 * _EXPORTS)))


def export_without_reading(target: Target) -> Statuses:
    request = f"GET {API}/auth/me/export HTTP/1.1\r\n{_HEAD}Authorization: Bearer {target.large.token}\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(_EXPORTS):
            stack.enter_context(_connect(target.server)).sendall(request.encode())
        time.sleep(_UNREAD_SECONDS)
    return Counter()


def open_connections(target: Target) -> Statuses:
    with ExitStack() as stack:
        for number in range(target.count(_CONNECTIONS)):
            connection = stack.enter_context(_connect(target.server))
            connection.sendall(_UNFINISHED[number % len(_UNFINISHED)].encode())
        time.sleep(_UNREAD_SECONDS)
    return Counter()


def spell_tokens(target: Target) -> Statuses:
    header, claims, signature = target.ordinary.token.split(".")

    def spell(number: int) -> bytes:
        # Decoders of Base64 skip characters that it does not have.
        token = f"{header}.{claims}.{'!' * (number % 50)}{signature[:20]}{number:!>20}{signature[20:]}"
        return f"GET {API}/auth/me HTTP/1.1\r\n{_HEAD}Authorization: Bearer {token}\r\n\r\n".encode()

    return _in_parallel(target, target.count(_TOKENS), lambda number, _: spell(number))


def read_lists(target: Target) -> Statuses:
    def list_todos(_: int, choose: random.Random) -> bytes:
        values: Mapping[str, Sequence[str]] = {
            "completed": ("true", "false"),
            "priority": ("high", "none"),
            "tag": ("home", "errands"),
            "q": ("milk", "bread numb"),
            "project_id": ("none",),
            "parent_id": ("none",),
            "due_before": ("2040-01-01", "2040-01-01T00:00:00Z"),
            "due_after": ("2020-01-01",),
            "overdue": ("true", "false"),
            "trashed": ("true", "false"),
            "sort": get_args(ListSort),
            "limit": ("1", "50", "200"),
        }
        query = {name: choose.choice(options) for name, options in values.items() if choose.randrange(2)}
        token = choose.choice((target.large, target.ordinary)).token
        path = f"{API}/todos?{urlencode(query)}"
        return f"GET {path} HTTP/1.1\r\n{_HEAD}Authorization: Bearer {token}\r\n\r\n".encode()

    return _in_parallel(target, target.count(_LISTS), list_todos)


def fuzz(target: Target) -> Statuses:
    operations = load_operations(target.server)
    share = target.count(_FUZZ) // _CLIENTS
    with ThreadPoolExecutor(_CLIENTS) as pool:
        fuzzers = [Fuzzer(target.server, operations, target.fuzzed.token, seed) for seed in range(_CLIENTS)]
        return sum(pool.map(lambda each: each.run(share), fuzzers), Counter())


STAGES: Final[Mapping[str, Callable[[Target], Statuses]]] = {
    "exports": export_all,
    "unread": export_without_reading,
    "connections": open_connections,
    "tokens": spell_tokens,
    "lists": read_lists,
    "fuzz": fuzz,
}


def _in_parallel(target: Target, count: int, make_request: Callable[[int, random.Random], bytes]) -> Statuses:
    """Sends requests on several connections. Returns how often each status was answered."""

    def send(client: int) -> Statuses:
        choose, statuses = random.Random(client), Counter[int]()  # noqa: S311 - repeatable
        numbers = range(client, count, _CLIENTS)
        for first in range(0, len(numbers), _PIPELINED):
            requests = [make_request(number, choose) for number in numbers[first : first + _PIPELINED]]
            statuses += _exchange(target.server, requests)
        return statuses

    with ThreadPoolExecutor(_CLIENTS) as pool:
        return sum(pool.map(send, range(_CLIENTS)), Counter())


def _exchange(server: Server, requests: Sequence[bytes]) -> Statuses:
    """Sends requests one after the other, without waiting for answers between them, on a new connection."""
    *others, last = requests
    statuses: Statuses = Counter()
    with _connect(server) as connection, connection.makefile("rb") as answers:
        connection.sendall(b"".join(others) + last.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        while line := answers.readline():
            length = 0
            while (header := answers.readline().lower()) not in {b"\r\n", b""}:
                if header.startswith(b"content-length:"):
                    length = int(header.partition(b":")[2])
            answers.read(length)
            statuses[int(line.split()[1])] += 1
    return statuses


def _connect(server: Server) -> socket.socket:
    return socket.create_connection((HOST, server.port), timeout=60)


def measure(stages: Sequence[str], share: float) -> bool:
    """Prints a row for each stage. Returns True if the memory stays within the bound and no answer is a 5xx."""
    has_passed = True
    with postgres() as url, shipped_service(url, "memory") as (server, database_url):
        _print_row("start", read_memory(server), 0, Counter())
        target = Target(server, sign_up(server), sign_up(server), sign_up(server), share)
        add_long_todo(database_url, target.large, _CHANGES)
        add_todos(database_url, target.ordinary, 2_000)
        for name in stages:
            reset_peak(server)
            started = time.monotonic()
            statuses = STAGES[name](target)
            memory = read_memory(server)
            _print_row(name, memory, time.monotonic() - started, statuses)
            faults = sum(count for status, count in statuses.items() if status >= _FIRST_SERVER_ERROR)
            has_passed &= memory.peak <= _MAX_MEGABYTES and faults == statuses[_UNAVAILABLE]
    print(f"\nAt most {_MAX_MEGABYTES} MB, and no 5xx but 503: {'passed' if has_passed else 'FAILED'}")
    return has_passed


def _print_row(name: str, memory: Memory, seconds: float, statuses: Statuses) -> None:
    answers = ", ".join(f"{count:,} x {status}" for status, count in sorted(statuses.items()))
    print(f"{name:12}{memory.now:7.1f} MB, peak{memory.peak:7.1f} MB{seconds:8.1f} s  {answers}", flush=True)


def main() -> None:
    # Like Ctrl-C, so that all servers are stopped.
    signal.signal(signal.SIGTERM, _interrupt)
    stages = os.environ.get("STAGES", ",".join(STAGES)).split(",")
    if unknown := set(stages) - STAGES.keys():
        sys.exit(f"STAGES has the unknown {', '.join(sorted(unknown))}. Known: {', '.join(STAGES)}.")
    try:
        has_passed = measure(stages, float(os.environ.get("SHARE", "1")))
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    sys.exit(0 if has_passed else 1)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
