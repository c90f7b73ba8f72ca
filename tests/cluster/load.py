"""Load test whose clients send requests continuously without retries, so a user would see each recorded failure."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

from tests.accounts import CHAT, TODOS

_PAUSE_SECONDS: Final = 0.05
_TIMEOUT_SECONDS: Final = 90
"""Exceeds the slowest response of a cluster that starts pods on few cores, so slow responses are no failures."""
_KEEP_ALIVE_CLIENTS: Final = 4
_RECONNECTING_CLIENTS: Final = 4
_CHATTING_CLIENTS: Final = 2


@dataclass
class Phase:
    """Named period of the load test, with statistics of the requests that were sent in it. Times are in seconds."""

    name: str
    seconds: float = 0
    requests: int = 0
    slowest: float = 0
    failures: list[str] = field(default_factory=list)


class Load:
    """Load test, which runs the clients and records their requests and failures by phase."""

    def __init__(self) -> None:
        self.phases: list[Phase] = []
        self._started = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def running(self, url: str, authorizations: list[dict[str, str]]) -> Iterator[None]:
        """Runs the clients until the end of the `with` block. They send no request before the first phase starts.

        Each client has its own account, so `authorizations` contains CLIENTS authorization headers.
        """
        tasks = [self._work, self._work_with_reconnects, self._chat]
        shares = [_KEEP_ALIVE_CLIENTS, _RECONNECTING_CLIENTS, _CHATTING_CLIENTS]
        targets = [task for task, share in zip(tasks, shares, strict=True) for _ in range(share)]
        clients = [_Client(urlsplit(url).netloc, headers) for headers in authorizations]
        threads = [
            threading.Thread(target=target, args=(client,)) for target, client in zip(targets, clients, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            self._started.set()
            for thread, client in zip(threads, clients, strict=True):
                thread.join()
                client.close()

    @contextmanager
    def phase(self, name: str) -> Iterator[Phase]:
        phase, started = Phase(name), time.monotonic()
        self.phases.append(phase)
        self._started.set()
        yield phase
        phase.seconds = time.monotonic() - started

    def summary(self) -> str:
        """Returns a table with one line for each phase and the total, followed by one line for each failure."""
        lines = [f"{'phase':<16}{'seconds':>8}{'requests':>10}{'slowest':>10}{'failures':>10}"]
        lines += [
            f"{phase.name:<16}{phase.seconds:>8.1f}{phase.requests:>10}{phase.slowest:>9.2f}s{len(phase.failures):>10}"
            for phase in [*self.phases, self._total()]
        ]
        return "\n".join([*lines, *self.failures])

    def _total(self) -> Phase:
        phases = self.phases
        return Phase(
            "total",
            sum(phase.seconds for phase in phases),
            sum(phase.requests for phase in phases),
            max(phase.slowest for phase in phases),
            [failure for phase in phases for failure in phase.failures],
        )

    @property
    def failures(self) -> list[str]:
        return [f"{phase.name}: {failure}" for phase in self.phases for failure in phase.failures]

    def _work(self, client: "_Client") -> None:
        """Creates, reads, changes and deletes todos until the load test ends. Reuses its connection if possible."""
        while self._is_running():
            created = self._send(client, "POST", TODOS, {"title": "Buy milk"})
            self._send(client, "GET", f"{TODOS}?limit=5")
            if created:
                path = f"{TODOS}/{json.loads(created)['id']}"
                self._send(client, "PATCH", path, {"completed": True})
                self._send(client, "GET", path)
                self._send(client, "DELETE", path)

    def _work_with_reconnects(self, client: "_Client") -> None:
        """Creates, reads, changes and deletes todos until the load test ends, each request on a new connection."""
        client.keeps_connections = False
        self._work(client)

    def _chat(self, client: "_Client") -> None:
        """Sends chat messages until the load test ends, because the resulting assistant turns take seconds."""
        while self._is_running():
            self._send(client, "POST", CHAT, {"message": "How are you?"})

    def _is_running(self) -> bool:
        self._started.wait()
        return not self._stopped.is_set()

    def _send(self, client: "_Client", method: str, path: str, body: object = None) -> bytes | None:
        """Sends a request and records it in the current phase. Returns the response body, or None after a failure."""
        phase, started = self.phases[-1], time.monotonic()
        content, failure = client.send(method, path, body)
        seconds = time.monotonic() - started
        with self._lock:
            phase.requests += 1
            phase.slowest = max(phase.slowest, seconds)
            if failure:
                phase.failures.append(f"{method} {path} after {seconds:.1f}s: {failure}")
        time.sleep(_PAUSE_SECONDS)
        return None if failure else content


CLIENTS: Final = _KEEP_ALIVE_CLIENTS + _RECONNECTING_CLIENTS + _CHATTING_CLIENTS


class _Client:
    """HTTP client that never repeats a failed request."""

    def __init__(self, host: str, headers: Mapping[str, str]) -> None:
        self.keeps_connections = True
        self._headers = {"Content-Type": "application/json", **headers}
        self._connection = HTTPConnection(host, timeout=_TIMEOUT_SECONDS)

    def send(self, method: str, path: str, body: object) -> tuple[bytes, str | None]:
        """Sends a request. Returns the response body and an error message, which is None after a 2xx status."""
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body), self._headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            return b"", f"{type(error).__name__}: {error}"
        if not self.keeps_connections:
            self._connection.close()
        is_success = response.status in range(200, 300)
        return content, None if is_success else f"{response.status} {content.decode(errors='replace')}"

    def close(self) -> None:
        self._connection.close()
