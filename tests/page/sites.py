"""The service with its page, on a port of localhost: a container, its process, or Lambda functions behind a gateway."""

import base64
import os
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx2

from functions import groups
from tests import engine, serving
from tests.accounts import Account, sign_up
from tests.deploy.artifacts import Build
from tests.emulator import Emulator, emulator
from tests.listening import QuietHandler, listening
from tests.mail_server import MailServer
from tests.mailbox import Mailbox
from tests.relay import relayed
from tests.room import ROOM_SECONDS
from tests.service import Service

_HOP_HEADERS: Final = {"connection", "content-length", "transfer-encoding"}
_FUNCTIONS_AT_ONCE: Final = {"TodosFunction": 4}
"""Processes of a function, one if it is not here. Each long poll occupies one, as it does on Lambda."""


@dataclass(frozen=True)
class Site:
    """A running service. `name` is its way of serving."""

    name: str
    url: str
    mailbox: Mailbox
    streams: bool

    @contextmanager
    def account(self, **profile: str) -> Iterator[Account]:
        """Creates an account by the API. Its client is another device of the same user."""
        with httpx2.Client(base_url=self.url, timeout=ROOM_SECONDS) as client:
            yield sign_up(client, **profile)


def _deliver(settings: Mapping[str, str]) -> Callable[[], object]:
    """Returns a function that delivers the outbox once, as EventBridge lets the function do on Lambda."""
    command = [sys.executable, "-m", "functions.deliver"]
    return lambda: subprocess.run(command, env={**os.environ, **settings}, check=True, capture_output=True)


def _serve_at(url: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Returns the settings of a service at this URL: in production, if they name no environment."""
    return {"ENVIRONMENT": "production", **settings, "PUBLIC_URL": url, "OUTBOX_SECONDS": "1"}


@contextmanager
def in_image(
    image: str, settings: Mapping[str, str], mails: MailServer, *, options: Sequence[str] = ()
) -> Iterator[Site]:
    """Runs a container of the image, with more options of Docker. Anybody on this machine reaches it by localhost."""
    port = serving.free_port()
    url = f"http://localhost:{port}"
    with relayed(settings["DATABASE_URL"], host=engine.HOST) as database:
        own = _serve_at(url, engine.settings_for_containers(settings, database))
        published = f"--publish=127.0.0.1:{port}:{engine.API}"
        with engine.container(image, own, options=(*engine.HARDENED, published, *options)) as running:
            running.wait_until_healthy()
            yield Site("container", url, Mailbox(mails, lambda: None), streams=True)


@contextmanager
def in_process(settings: Mapping[str, str], mails: MailServer, folder: Path) -> Iterator[Site]:
    """Runs `python -m functions`, as the container does."""
    port = serving.free_port()
    url = f"http://localhost:{port}"
    service = Service(_serve_at(url, settings), folder / "service.log", port)
    service.start()
    try:
        yield Site("uvicorn", url, Mailbox(mails, lambda: None), streams=True)
    finally:
        service.kill()


@contextmanager
def on_functions(settings: Mapping[str, str], mails: MailServer, build: Build, runtime: Path) -> Iterator[Site]:
    """Runs the built functions in Lambda's emulator, behind a gateway that turns requests into events."""

    class Handler(_GatewayHandler):
        functions: Functions

    with listening(Handler) as address, ExitStack() as stack:
        url = address.replace("127.0.0.1", "localhost")
        own = {**settings, "PUBLIC_URL": url}
        Handler.functions = Functions(build, runtime, own, stack)
        yield Site("emulator", url, Mailbox(mails, _deliver(own)), streams=False)


class Functions:
    """The functions of all route groups. An invocation takes a process that is free, or waits for one."""

    def __init__(self, build: Build, runtime: Path, settings: Mapping[str, str], stack: ExitStack) -> None:
        self._free: dict[str, queue.Queue[Emulator]] = {}
        for name in {group.function_name for group in groups.GROUPS}:
            self._free[name] = queue.Queue()
            for _ in range(_FUNCTIONS_AT_ONCE.get(name, 1)):
                process = emulator(build.functions[name], runtime, settings)
                self._free[name].put(stack.enter_context(process))

    def answer(self, request: httpx2.Request) -> dict[str, Any]:
        """Invokes the function of the request's route group. Returns its response in the gateway's format."""
        free = self._free[groups.find_group(request.url.path).function_name]
        process = free.get(timeout=ROOM_SECONDS)
        try:
            response = process.invoke(serving.gateway_event(request, scheme="http", address="203.0.113.1"))
        finally:
            free.put(process)
        assert isinstance(response, dict)
        return response if "statusCode" in response else {"statusCode": HTTPStatus.INTERNAL_SERVER_ERROR, "body": ""}


class _GatewayHandler(QuietHandler):
    """HTTP handler in the place of API Gateway."""

    protocol_version = "HTTP/1.1"
    functions: Functions

    def _pass_on(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", "0")))
        url = f"http://{self.headers['host']}{self.path}"
        request = httpx2.Request(self.command, url, headers=list(self.headers.items()), content=content)
        result = self.functions.answer(request)
        body = result.get("body") or ""
        answer = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
        self.send_response(result["statusCode"])
        for name, value in result.get("headers", {}).items():
            if name.lower() not in _HOP_HEADERS:
                self.send_header(name, value)
        for cookie in result.get("cookies", []):
            self.send_header("set-cookie", cookie)
        if result["statusCode"] not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            self.send_header("content-length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815 - the base class calls these names
