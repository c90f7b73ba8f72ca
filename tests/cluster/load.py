"""Clients that ask without a pause for long, and never ask twice: what fails is counted as a user would meet it."""

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

_PAUSE: Final = 0.05
_PATIENCE: Final = 90
"""More than anything takes on a cluster that starts pods on few cores. In seconds, as all times here."""
_KEPT_OPEN: Final = 4
_OPENED_EACH_TIME: Final = 4
_TALKING: Final = 2


@dataclass
class Phase:
    """A stretch of the load. A request belongs to the phase in which it was sent."""

    name: str
    seconds: float = 0
    requests: int = 0
    slowest: float = 0
    failures: list[str] = field(default_factory=list)


class Load:
    """The phases, and whoever asks meanwhile."""

    def __init__(self) -> None:
        self.phases: list[Phase] = []
        self._begun = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def running(self, url: str, authorizations: list[dict[str, str]]) -> Iterator[None]:
        """Each client has an account of its own: there must be CLIENTS of them. They begin with the first phase."""
        works = [self._work, self._work_anew, self._talk]
        shares = [_KEPT_OPEN, _OPENED_EACH_TIME, _TALKING]
        targets = [work for work, share in zip(works, shares, strict=True) for _ in range(share)]
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
            self._begun.set()
            for thread, client in zip(threads, clients, strict=True):
                thread.join()
                client.close()

    @contextmanager
    def phase(self, name: str) -> Iterator[Phase]:
        phase, started = Phase(name), time.monotonic()
        self.phases.append(phase)
        self._begun.set()
        yield phase
        phase.seconds = time.monotonic() - started

    def summary(self) -> str:
        """A table of the phases, and what failed."""
        lines = [f"{'phase':<16}{'seconds':>8}{'requests':>10}{'slowest':>10}{'failures':>10}"]
        lines += [
            f"{one.name:<16}{one.seconds:>8.1f}{one.requests:>10}{one.slowest:>9.2f}s{len(one.failures):>10}"
            for one in [*self.phases, self._together()]
        ]
        return "\n".join([*lines, *self.failures])

    def _together(self) -> Phase:
        phases = self.phases
        return Phase(
            "together",
            sum(one.seconds for one in phases),
            sum(one.requests for one in phases),
            max(one.slowest for one in phases),
            [failure for one in phases for failure in one.failures],
        )

    @property
    def failures(self) -> list[str]:
        return [f"{one.name}: {failure}" for one in self.phases for failure in one.failures]

    def _work(self, client: "_Client") -> None:
        """Reads and writes on one connection, for as long as the server keeps it."""
        while self._goes_on():
            created = self._ask(client, "POST", TODOS, {"title": "Buy milk"})
            self._ask(client, "GET", f"{TODOS}?limit=5")
            if created:
                path = f"{TODOS}/{json.loads(created)['id']}"
                self._ask(client, "PATCH", path, {"completed": True})
                self._ask(client, "GET", path)
                self._ask(client, "DELETE", path)

    def _work_anew(self, client: "_Client") -> None:
        """The same with a connection for each request."""
        client.keeps_connections = False
        self._work(client)

    def _talk(self, client: "_Client") -> None:
        """Turns of the assistant, which take seconds."""
        while self._goes_on():
            self._ask(client, "POST", CHAT, {"message": "How are you?"})

    def _goes_on(self) -> bool:
        self._begun.wait()
        return not self._stopped.is_set()

    def _ask(self, client: "_Client", method: str, path: str, body: object = None) -> bytes | None:
        """The answer, or None when the request failed."""
        phase, started = self.phases[-1], time.monotonic()
        answer, failure = client.ask(method, path, body)
        seconds = time.monotonic() - started
        with self._lock:
            phase.requests += 1
            phase.slowest = max(phase.slowest, seconds)
            if failure:
                phase.failures.append(f"{method} {path} after {seconds:.1f}s: {failure}")
        time.sleep(_PAUSE)
        return None if failure else answer


CLIENTS: Final = _KEPT_OPEN + _OPENED_EACH_TIME + _TALKING


class _Client:
    """The plainest there is: it sends a request on its connection, and never again."""

    def __init__(self, place: str, headers: Mapping[str, str]) -> None:
        self.keeps_connections = True
        self._headers = {"Content-Type": "application/json", **headers}
        self._connection = HTTPConnection(place, timeout=_PATIENCE)

    def ask(self, method: str, path: str, body: object) -> tuple[bytes, str | None]:
        """The answer, and what was wrong with it."""
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body), self._headers)
            response = self._connection.getresponse()
            answer = response.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            return b"", f"{type(error).__name__}: {error}"
        if not self.keeps_connections:
            self._connection.close()
        is_good = response.status in range(200, 300)
        return answer, None if is_good else f"{response.status} {answer.decode(errors='replace')}"

    def close(self) -> None:
        self._connection.close()
