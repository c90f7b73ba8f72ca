"""Time and memory of an export of 100,000 todos with their change log, beside a client that asks for /health.

At the end the account is closed. The service, PostgreSQL and the clients share the machine. Works on Linux only.

Exits with 1 when an export takes 10 seconds or the memory of the process grows by 64 MB. So it does when the closing
takes 3 seconds.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

import httpx2
from client import Connection, request_bytes
from hostile import API, PASSWORD, Account, add_todos, read_memory, reset_peak, shipped_service, sign_up
from servers import Server, postgres

_TODOS: Final = 100_000
_MAX_SECONDS: Final = 10.0
_MAX_MEGABYTES: Final = 64.0
_MAX_CLOSING_SECONDS: Final = 3.0
_CODINGS: Final = ("identity", "gzip")
_RUNS: Final = 3


def main() -> None:
    with postgres() as url, shipped_service(url, "exports") as (server, database_url):
        account, small = sign_up(server), sign_up(server)
        add_todos(database_url, account, _TODOS)
        _export(server, small, "identity")  # imports what an export needs
        has_passed = True
        print(f"Export of {_TODOS:,} todos; the longest wait of a client that asks for /health meanwhile\n")
        for coding in _CODINGS * _RUNS:
            memory = read_memory(server).now
            reset_peak(server)
            with _asking_for_health(server) as waits:
                started = time.monotonic()
                size = _export(server, account, coding)
                seconds = time.monotonic() - started
            growth = read_memory(server).peak - memory
            print(
                f"{coding:9}{size / 1e6:8.1f} MB sent{seconds:7.2f} s{growth:7.1f} MB of memory"
                f"{max(waits) * 1000:7.1f} ms",
                flush=True,
            )
            has_passed &= seconds < _MAX_SECONDS and growth < _MAX_MEGABYTES
        closing_seconds = _close(server, account)
        print(f"\nThe account was closed in {closing_seconds:.2f} s")
        has_passed &= closing_seconds < _MAX_CLOSING_SECONDS
    verdict = "passed" if has_passed else "FAILED"
    limits = f"{_MAX_SECONDS:.0f} s and {_MAX_MEGABYTES:.0f} MB; closing in less than {_MAX_CLOSING_SECONDS:.0f} s"
    print(f"\nLess than {limits}: {verdict}")
    sys.exit(0 if has_passed else 1)


def _export(server: Server, account: Account, coding: str) -> int:
    """Reads an export. Returns the bytes that were sent."""
    headers = account.headers | {"Accept-Encoding": coding}
    with httpx2.stream("GET", f"{server.url}{API}/auth/me/export", headers=headers, timeout=60) as response:
        response.raise_for_status()
        return sum(map(len, response.iter_raw()))


def _close(server: Server, account: Account) -> float:
    """Closes the account. Returns the seconds that it took."""
    started = time.monotonic()
    closed = httpx2.post(
        f"{server.url}{API}/auth/close-account", json={"password": PASSWORD}, headers=account.headers, timeout=60
    )
    closed.raise_for_status()
    return time.monotonic() - started


@contextmanager
def _asking_for_health(server: Server) -> Iterator[list[float]]:
    """Sends requests one after the other during the block. Yields the list of the seconds that each took."""
    waits: list[float] = []
    is_over = Event()

    def ask() -> None:
        request = request_bytes("GET", "/health")
        with Connection(server.port) as connection:
            while not is_over.is_set():
                started = time.monotonic()
                connection.exchange(request)
                waits.append(time.monotonic() - started)
                time.sleep(0.002)

    thread = Thread(target=ask)
    thread.start()
    try:
        yield waits
    finally:
        is_over.set()
        thread.join()


if __name__ == "__main__":
    main()
