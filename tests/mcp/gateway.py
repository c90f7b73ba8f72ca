"""A gateway that can send each request to a new process of the service, which ends with the response."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, Self

import httpx2

from functions.groups import find_group
from tests import engine, serving
from tests.deploy.artifacts import Build
from tests.emulator import emulator
from tests.listening import QuietHandler
from tests.room import ROOM_SECONDS
from tests.service import Service
from tests.serving import LambdaEvent

_HOP_HEADERS: Final = {"accept-encoding", "connection", "content-length", "host", "keep-alive", "transfer-encoding"}
_SPARES: Final = 2

type StartProcess = Callable[[], AbstractContextManager[httpx2.Client]]
"""Runs a new process until the end of the block, and gives a client that sends requests to it."""


class Processes(Protocol):
    """Processes of the service, one of which answers a request."""

    def take(self) -> AbstractContextManager[httpx2.Client]: ...


@dataclass
class OneProcess:
    """A process that answers all requests."""

    client: httpx2.Client

    def take(self) -> AbstractContextManager[httpx2.Client]:
        return nullcontext(self.client)


@dataclass
class FreshProcesses:
    """Gives each request its own process. The next ones start while a request is answered. `served` counts requests."""

    start: StartProcess
    served: int = 0
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_SPARES))
    _spares: list[Future[tuple[ExitStack, httpx2.Client]]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._spares = [self._pool.submit(self._start) for _ in range(_SPARES)]
        return self

    def __exit__(self, *_: object) -> None:
        for spare in self._spares:
            spare.result()[0].close()
        self._pool.shutdown()

    def _start(self) -> tuple[ExitStack, httpx2.Client]:
        stack = ExitStack()
        return stack, stack.enter_context(self.start())

    @contextmanager
    def take(self) -> Iterator[httpx2.Client]:
        """Gives a process that has served no request. It ends with the block."""
        self._spares.append(self._pool.submit(self._start))
        self.served += 1
        stack, client = self._spares.pop(0).result()
        with stack:
            yield client


class GatewayHandler(QuietHandler):
    """HTTP handler of the gateway. `added` are headers that it adds to each request."""

    processes: Processes
    added: Mapping[str, str] = {}

    def _pass_on(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name: value.strip() for name, value in self.headers.items() if name.lower() not in _HOP_HEADERS}
        headers |= {"Host": self.headers["host"], "Accept-Encoding": "identity", **self.added}
        with (
            self.processes.take() as client,
            client.stream(self.command, self.path, headers=headers, content=content) as answer,
        ):
            self.send_response(answer.status_code)
            for name, value in answer.headers.multi_items():
                if name.lower() not in _HOP_HEADERS:
                    self.send_header(name, value)
            self.end_headers()
            for part in answer.iter_raw():
                self.wfile.write(part)

    do_GET = do_POST = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815 - the base class calls these names


def start_process(settings: Mapping[str, str], folder: Path) -> StartProcess:
    @contextmanager
    def start() -> Iterator[httpx2.Client]:
        service = Service(settings, folder / "service.log")
        service.start()
        try:
            with httpx2.Client(base_url=service.url, timeout=ROOM_SECONDS) as client:
                yield client
        finally:
            service.kill()

    return start


def start_function(settings: Mapping[str, str], build: Build, runtime: Path) -> StartProcess:
    """Starts the function of `/mcp`, which is the only one that a client of MCP calls with a token."""
    artifact = build.functions[find_group("/mcp").function_name]

    @contextmanager
    def start() -> Iterator[httpx2.Client]:
        with emulator(artifact, runtime, settings) as function:

            def invoke(_group: str, event: LambdaEvent) -> dict[str, Any]:
                response = function.invoke(event)
                assert isinstance(response, dict)
                return response

            transport = _Streamed(invoke, scheme="http")
            with httpx2.Client(transport=transport, base_url="http://localhost") as client:
                yield client

    return start


class _Streamed(serving.Functions):
    """Transport whose responses can be passed on in parts, as those of a process."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        whole = super().handle_request(request)
        return httpx2.Response(whole.status_code, headers=whole.headers, stream=httpx2.ByteStream(whole.content))


def start_container(settings: Mapping[str, str], image: str) -> StartProcess:
    @contextmanager
    def start() -> Iterator[httpx2.Client]:
        with engine.container(image, settings) as container, closing(container.client()) as client:
            serving.wait_until(lambda: _is_healthy(client))
            yield client

    return start


def _is_healthy(client: httpx2.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx2.HTTPError:
        return False
