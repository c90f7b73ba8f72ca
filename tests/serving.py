"""The ways of serving, each as an httpx2 client: the app in process, uvicorn on a port, the Lambda handlers."""

import asyncio
import base64
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from typing import Any, Final, Protocol
from uuid import uuid4

import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from functions import groups
from functions.chat.routes import close_assistant
from tests.certificates import Certificate
from todo_core.web.resources import get_resources

_networks = count(1)

ANY_CERTIFICATE: Final = httpx2.create_ssl_context(verify=False)
"""One for all clients: to make it takes longer than most requests."""

type LambdaEvent = dict[str, Any]


class Surface(Protocol):
    """One way of serving the whole service."""

    @property
    def name(self) -> str: ...

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        """A client with cookies of its own, which comes by `scheme` from `address` (a new one by default)."""
        ...


def new_address() -> str:
    """An address that nobody has come from before: limits per address count its network."""
    return f"2001:db8:{next(_networks):x}:{os.getpid() % 65536:x}::1"


@dataclass(frozen=True)
class InProcess:
    """The ASGI app itself, on an event loop in a thread of its own."""

    app: FastAPI
    portal: BlockingPortal
    name: str = "app"

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False, client=(address or new_address(), 40000))
        return httpx2.Client(transport=_Bridge(transport, self.portal), base_url=f"{scheme}://testserver")


class _Bridge(httpx2.BaseTransport):
    """A synchronous transport over an asynchronous one."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, portal: BlockingPortal) -> None:
        self._transport = transport
        self._portal = portal

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        async def send() -> httpx2.Response:
            response = await self._transport.handle_async_request(request)
            # As it was sent: read, it would be unzipped, and then once more.
            body = b"".join([part async for part in response.aiter_raw()])
            return httpx2.Response(response.status_code, headers=response.headers, content=body, request=request)

        return self._portal.call(send)


@contextmanager
def in_process(app: FastAPI) -> Iterator[InProcess]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        yield InProcess(app, portal)


@dataclass(frozen=True)
class OnPort:
    """A uvicorn process on a port of this machine, which trusts what this machine says of the client."""

    url: str
    process: subprocess.Popen[bytes]
    name: str = "uvicorn"

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, headers=forwarded(scheme, address), timeout=30, verify=ANY_CERTIFICATE)


def forwarded(scheme: str, address: str | None = None) -> dict[str, str]:
    """What a proxy says of a client that comes by `scheme` from `address` (a new one by default)."""
    return {"X-Forwarded-For": address or new_address(), "X-Forwarded-Proto": scheme}


@contextmanager
def on_port(
    environment: Mapping[str, str],
    *,
    command: tuple[str, ...] = (),
    folder: str | None = None,
    certificate: Certificate | None = None,
) -> Iterator[OnPort]:
    """Runs `command` (uvicorn with the whole service by default) until it answers, and stops it in the end."""
    port = free_port()
    tls = ("--ssl-certfile", str(certificate.chain), "--ssl-keyfile", str(certificate.key)) if certificate else ()
    # A file, because a pipe that nobody reads would stop the server once it is full.
    output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - it closes with the process
    process = subprocess.Popen(
        command
        or (sys.executable, "-m", "uvicorn", "functions.main:app", "--port", str(port), "--log-level", "warning", *tls),
        env={**os.environ, **environment, "PORT": str(port)},
        cwd=folder,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    try:
        url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        wait_until_healthy(url, process)
        yield OnPort(url, process)
    except RuntimeError as error:
        output.seek(0)
        raise RuntimeError(f"{error}:\n{output.read()}") from None
    finally:
        process.terminate()
        process.wait(timeout=20)
        output.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_healthy(
    url: str, process: subprocess.Popen[str] | subprocess.Popen[bytes], *, seconds: float = 60
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode}")
        try:
            httpx2.get(f"{url}/health", timeout=1, verify=ANY_CERTIFICATE).raise_for_status()
        except httpx2.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"Nothing answers at {url}")


def wait_until(holds: Callable[[], bool], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "It takes too long."
        time.sleep(0.01)


@dataclass(frozen=True)
class LambdaContext:
    """What the Lambda runtime hands to a handler beside the event."""

    aws_request_id: str
    function_name: str = "todo"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:todo"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


class Functions(httpx2.BaseTransport):
    """Feeds each function with API Gateway HTTP API events, by what invokes the function of a group."""

    def __init__(
        self,
        invoke: Callable[[str, LambdaEvent], dict[str, Any]],
        *,
        stage: str = "$default",
        scheme: str = "https",
        address: str = "203.0.113.1",
    ) -> None:
        self._invoke, self._stage, self._scheme, self._address = invoke, stage, scheme, address

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        event = gateway_event(request, stage=self._stage, scheme=self._scheme, address=self._address)
        group = groups.find_group(request.url.path.removeprefix(f"/{self._stage}"))
        answer = self._invoke(group.name, event)
        return _response(answer, request)


# Mangum keeps to the event loop of the thread in which it was made, as a Lambda process has but one.
_lambda_thread = ThreadPoolExecutor(1, thread_name_prefix="lambda")


def app_of(group: str) -> FastAPI:
    """The app of a function, imported where its handler will be called."""
    app: FastAPI = _lambda_thread.submit(lambda: import_module(f"functions.{group}.app").app).result()
    return app


def invoke(group: str, event: LambdaEvent) -> dict[str, Any]:
    """One invocation of a function's handler, in one thread as in one Lambda process."""

    def run() -> dict[str, Any]:
        handler: Callable[[LambdaEvent, LambdaContext], dict[str, Any]] = import_module(
            f"functions.{group}.app"
        ).handler
        return handler(event, LambdaContext(aws_request_id=str(uuid4())))

    return _lambda_thread.submit(run).result()


def close_functions() -> None:
    """Closes what the handlers have opened, on the loop on which they opened it."""

    def run() -> None:
        loop = asyncio.get_event_loop()
        for group in groups.GROUPS:
            app = import_module(f"functions.{group.name}.app").app
            loop.run_until_complete(close_assistant(app))
            loop.run_until_complete(get_resources(app).database.close())
        loop.close()

    _lambda_thread.submit(run).result()


def gateway_event(
    request: httpx2.Request, *, stage: str = "$default", scheme: str = "https", address: str = "203.0.113.1"
) -> LambdaEvent:
    """The request as API Gateway's HTTP API hands it to a Lambda function, payload format 2.0."""
    headers: dict[str, str] = {"x-forwarded-for": address, "x-forwarded-port": "443", "x-forwarded-proto": scheme}
    for name, value in request.headers.multi_items():
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    cookies = [cookie.strip() for cookie in headers.pop("cookie", "").split(";") if cookie.strip()]
    body = request.read()
    is_text = "json" in headers.get("content-type", "") and _is_utf8(body)
    path = request.url.raw_path.decode().partition("?")[0]
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.url.query.decode(),
        "cookies": cookies,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": headers["host"],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": address,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": f"gateway-{uuid4()}",
            "routeKey": "$default",
            "stage": stage,
            "timeEpoch": int(time.time() * 1000),
        },
        "body": body.decode() if is_text else base64.b64encode(body).decode(),
        "isBase64Encoded": not is_text,
    }


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _response(answer: Mapping[str, Any], request: httpx2.Request) -> httpx2.Response:
    headers = [*answer.get("headers", {}).items(), *(("set-cookie", cookie) for cookie in answer.get("cookies", []))]
    body = answer.get("body", "")
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    return httpx2.Response(answer["statusCode"], headers=headers, content=content, request=request)


@dataclass(frozen=True)
class OnLambda:
    """The functions' Mangum handlers, each with the events that are routed to it."""

    stage: str = "$default"
    name: str = "lambda"

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        transport = Functions(invoke, stage=self.stage, scheme=scheme, address=address or new_address())
        prefix = "" if self.stage == "$default" else f"/{self.stage}"
        return httpx2.Client(transport=transport, base_url=f"{scheme}://api.example.com{prefix}")
