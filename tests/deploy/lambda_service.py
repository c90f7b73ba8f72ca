"""Fake API of AWS Lambda with one operation: the invocation of a function without waiting for it."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.listening import QuietHandler, listening

_PATH: Final = re.compile(r"/2015-03-31/functions/([\w-]+)/invocations")


@dataclass
class LambdaService:
    """Fake API that runs functions by name in threads, and the names of those that were invoked."""

    url: str = ""
    functions: dict[str, Callable[[], object]] = field(default_factory=dict)
    invoked: list[str] = field(default_factory=list)
    _running: list[threading.Thread] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that point a function's AWS client to this server, with fake credentials."""
        return {"AWS_ENDPOINT_URL_LAMBDA": self.url, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}

    def invoke(self, name: str) -> None:
        self.invoked.append(name)
        thread = threading.Thread(target=self.functions[name])
        self._running.append(thread)
        thread.start()

    def wait(self) -> None:
        """Waits for the end of all invocations."""
        for thread in self._running:
            thread.join()


@contextmanager
def lambda_service() -> Iterator[LambdaService]:
    service = LambdaService()

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802 - the base class calls it by this name
            self.rfile.read(int(self.headers["content-length"]))
            found = _PATH.fullmatch(self.path)
            assert found, self.path
            assert self.headers["X-Amz-Invocation-Type"] == "Event"
            service.invoke(found[1])
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with listening(Handler) as service.url:
        yield service
