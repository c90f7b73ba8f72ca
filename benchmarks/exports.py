"""Time of work with many todos: an import, a read of all changes, and an export with its memory. Works on Linux only.

20,000 todos are imported by batches of 100. Then 100,000 todos and their change log are read: page by page, and as an
export, beside a client that asks for /health. At the end the account is closed. The service, PostgreSQL and the clients
share the machine.

Exits with 1 if one of these bounds does not hold:
- 2,500 imported todos a second
- 3 seconds for all changes, and for the closing
- 4 seconds for the fastest export
- 64 MB by which the memory of the process grows during an export
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
_IMPORTED: Final = 20_000
_BATCH: Final = 100
_MIN_IMPORTED_PER_SECOND: Final = 2500.0
_MAX_CHANGES_SECONDS: Final = 3.0
_MAX_SECONDS: Final = 4.0
_MAX_MEGABYTES: Final = 64.0
_MAX_CLOSING_SECONDS: Final = 3.0
_CODINGS: Final = ("identity", "gzip")
_RUNS: Final = 3


def main() -> None:
    with postgres() as url, shipped_service(url, "exports") as (server, database_url):
        account, small = sign_up(server), sign_up(server)
        per_second = _import(server, small)
        print(f"{per_second:,.0f} todos a second imported by batches of {_BATCH}")
        add_todos(database_url, account, _TODOS)
        changes_seconds = _read_changes(server, account)
        print(f"{changes_seconds:.2f} s for the pages of {_TODOS:,} changes")
        has_passed = per_second >= _MIN_IMPORTED_PER_SECOND and changes_seconds < _MAX_CHANGES_SECONDS
        _export(server, small, "identity")  # imports what an export needs
        export_seconds: list[float] = []
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
            export_seconds.append(seconds)
            has_passed &= growth < _MAX_MEGABYTES
        closing_seconds = _close(server, account)
        print(f"\nThe account was closed in {closing_seconds:.2f} s")
        has_passed &= closing_seconds < _MAX_CLOSING_SECONDS and min(export_seconds) < _MAX_SECONDS
    print(
        f"\nThe bounds of the import, the changes, the export and the closing: {'passed' if has_passed else 'FAILED'}"
    )
    sys.exit(0 if has_passed else 1)


def _import(server: Server, account: Account) -> float:
    """Creates todos by batches, one after the other. Returns the number of todos a second."""
    operations = [
        {"op": "create", "todo": {"title": f"Buy milk {n}", "tags": ["home"], "due_at": "2030-01-31T17:00:00Z"}}
        for n in range(_BATCH)
    ]
    with httpx2.Client(base_url=server.url, headers=account.headers, timeout=60) as client:
        started = time.monotonic()
        for _ in range(_IMPORTED // _BATCH):
            client.post(f"{API}/todos/batch", json={"operations": operations}).raise_for_status()
        return _IMPORTED / (time.monotonic() - started)


def _read_changes(server: Server, account: Account) -> float:
    """Reads all changes in pages of the largest size. Returns the seconds that it took."""
    url: str | None = f"{API}/todos/changes?limit=200"
    with httpx2.Client(base_url=server.url, headers=account.headers, timeout=60) as client:
        started = time.monotonic()
        while url is not None:
            url = client.get(url).raise_for_status().links.get("next", {}).get("url")
        return time.monotonic() - started


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
