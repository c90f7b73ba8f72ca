"""Receivers of webhooks: HTTP servers with a log of all requests, whose answers a test chooses."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import msgspec

from tests.listening import QuietHandler, listening


@dataclass(frozen=True)
class Received:
    """A request that a receiver got. `at` is in seconds of a monotonic clock."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    answered: int

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = msgspec.json.decode(self.body)
        return content

    @property
    def title(self) -> str:
        return str(self.content["data"]["todo"]["title"])


def answer_200(_body: bytes) -> int:
    return 200


@dataclass
class Receiver:
    """A receiver. `answer` returns the status for a body, and may wait. `headers` are sent with each answer."""

    answer: Callable[[bytes], int] = answer_200
    headers: dict[str, str] = field(default_factory=dict)
    log: list[Received] = field(default_factory=list)
    url: str = ""
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def taken(self) -> list[Received]:
        """The requests that were answered with success, in the order of their arrival."""
        return [received for received in self.log if received.answered == 200]

    def wait_for(self, count: int, *, seconds: float = 30) -> None:
        """Waits until the receiver has taken this number of messages."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.taken) >= count, seconds), self.log

    def note(self, received: Received) -> None:
        with self._arrived:
            self.log.append(received)
            self._arrived.notify_all()


@contextmanager
def receiver(answer: Callable[[bytes], int] = answer_200) -> Iterator[Receiver]:
    """Runs a receiver on 127.0.0.1 until the end of the block."""
    subject = Receiver(answer)

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802 - the base class calls it so
            body = self.rfile.read(int(self.headers["content-length"]))
            at, status = monotonic(), subject.answer(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            # Noted before the answer, so that a test that sees the answer sees the request too.
            subject.note(Received(self.path, headers, body, at, status))
            try:
                self.send_response(status)
                for name, value in {"Content-Length": "0", **subject.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
            except OSError:
                return

    with listening(Handler) as url:
        subject.url = f"{url}/hook"
        yield subject
