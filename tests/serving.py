"""Surfaces (ways of serving) with httpx2 clients: the app in this process, uvicorn on a port, the Lambda handlers."""

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
from starlette.routing import BaseRoute

from functions import groups
from functions.chat.routes import close_assistant
from tests.certificates import Certificate
from tests.room import ROOM_SECONDS
from tests.service_client import ServiceClient
from todo_core.web.lazy_routes import LazyRoutes
from todo_core.web.resources import get_resources

HTTP_PROTOCOL: Final = "functions.http_protocol:BoundedProtocol"

_networks = count(1)

ANY_CERTIFICATE: Final = httpx2.create_ssl_context(verify=False)
"""TLS settings that accept every certificate. Clients share them: creating them is slower than most requests."""

type LambdaEvent = dict[str, Any]


class Surface(Protocol):
    """Way of serving the whole service."""

    @property
    def name(self) -> str: ...

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        """Returns a client with its own cookies. The service sees this scheme and IP address (default: a new one)."""
        ...


def new_address() -> str:
    """Returns an IPv6 address in an unused /64 network, so that no earlier client counts for its rate limits."""
    return f"2001:db8:{next(_networks):x}:{os.getpid() % 65536:x}::1"


@dataclass(frozen=True)
class InProcess:
    """Surface that calls the ASGI app in this process, on an event loop in another thread."""

    app: FastAPI
    portal: BlockingPortal
    name: str = "app"

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False, client=(address or new_address(), 40000))
        return ServiceClient(transport=_Bridge(transport, self.portal), base_url=f"{scheme}://testserver")


class _Bridge(httpx2.BaseTransport):
    """Synchronous transport for tests without an event loop: runs an asynchronous transport on the portal's loop."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, portal: BlockingPortal) -> None:
        self._transport = transport
        self._portal = portal

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        async def send() -> httpx2.Response:
            response = await self._transport.handle_async_request(request)
            # Reads the body still compressed, because the synchronous response decompresses it again.
            body = b"".join([part async for part in response.aiter_raw()])
            return httpx2.Response(response.status_code, headers=response.headers, content=body, request=request)

        return self._portal.call(send)


@contextmanager
def in_process(app: FastAPI) -> Iterator[InProcess]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        yield InProcess(app, portal)


@dataclass(frozen=True)
class OnPort:
    """Surface of a uvicorn process, which trusts the `X-Forwarded` headers of clients on this machine."""

    url: str
    process: subprocess.Popen[bytes]
    name: str = "uvicorn"

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        return ServiceClient(
            base_url=self.url, headers=forwarded_headers(scheme, address), timeout=ROOM_SECONDS, verify=ANY_CERTIFICATE
        )


def forwarded_headers(scheme: str, address: str | None = None) -> dict[str, str]:
    """Returns the `X-Forwarded` headers that a proxy adds for a client's scheme and IP address (default: new)."""
    return {"X-Forwarded-For": address or new_address(), "X-Forwarded-Proto": scheme}


@contextmanager
def on_port(
    environment: Mapping[str, str],
    *,
    command: tuple[str, ...] = (),
    folder: str | None = None,
    certificate: Certificate | None = None,
) -> Iterator[OnPort]:
    """Runs a server until the end of the block: `command`, or uvicorn by default. Yields it when /health succeeds."""
    port = free_port()
    tls = ("--ssl-certfile", str(certificate.chain), "--ssl-keyfile", str(certificate.key)) if certificate else ()
    # The output goes to a file: nothing reads during the run, and a full pipe would block the server.
    output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed after the process ends
    process = subprocess.Popen(
        command
        or (sys.executable, "-m", "uvicorn", "functions.main:app", "--port", str(port), "--log-level", "warning", *tls),
        env={**os.environ, "UVICORN_HTTP": HTTP_PROTOCOL, **environment, "PORT": str(port)},
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
        process.wait(timeout=ROOM_SECONDS)
        output.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_healthy(
    url: str, process: subprocess.Popen[str] | subprocess.Popen[bytes], *, seconds: float = ROOM_SECONDS
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
    raise TimeoutError(f"No server responds at {url}.")


def wait_until(holds: Callable[[], bool], *, seconds: float = ROOM_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"The condition is still false after {seconds} seconds."
        time.sleep(0.01)


@dataclass(frozen=True)
class LambdaContext:
    """Substitute for the context object that the Lambda runtime passes to a handler."""

    aws_request_id: str
    function_name: str = "todo"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:todo"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


class Functions(httpx2.BaseTransport):
    """Transport that sends each request to the Lambda function of its route group, as an event of an HTTP API.

    `invoke` calls the function of a route group with an event. `address` is the client's IP address.
    """

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
        return _parse_response(self._invoke(group.name, event), request)


# One thread imports and calls the handlers: Mangum's constructor creates an event loop for its own thread only.
_lambda_thread = ThreadPoolExecutor(1, thread_name_prefix="lambda")


def app_of(group: str) -> FastAPI:
    """Returns the app of a route group's function. Imports it in the thread that calls its handler."""
    app: FastAPI = _lambda_thread.submit(lambda: import_module(f"functions.{group}.app").app).result()
    return app


def list_routes(app: FastAPI) -> list[BaseRoute]:
    """Returns the routes of an app, with those that it builds at the first request for them."""
    return [each for route in app.routes for each in (route.routes if isinstance(route, LazyRoutes) else [route])]


def invoke(group: str, event: LambdaEvent) -> dict[str, Any]:
    """Calls the handler of a route group's function. All calls share a thread, as in a Lambda process."""

    def run() -> dict[str, Any]:
        handler: Callable[[LambdaEvent, LambdaContext], dict[str, Any]] = import_module(
            f"functions.{group}.app"
        ).handler
        return handler(event, LambdaContext(aws_request_id=str(uuid4())))

    return _lambda_thread.submit(run).result()


def close_functions() -> None:
    """Closes the databases and assistants of all Lambda functions, on the event loop that opened them."""

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
    """Converts a request to an event of API Gateway's HTTP API, payload format 2.0."""
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


def _parse_response(result: Mapping[str, Any], request: httpx2.Request) -> httpx2.Response:
    headers = [*result.get("headers", {}).items(), *(("set-cookie", cookie) for cookie in result.get("cookies", []))]
    body = result.get("body", "")
    content = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
    return httpx2.Response(result["statusCode"], headers=headers, content=content, request=request)


@dataclass(frozen=True)
class OnLambda:
    """Surface that calls the functions' Lambda handlers in this process, with events of API Gateway."""

    stage: str = "$default"
    name: str = "lambda"

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        transport = Functions(invoke, stage=self.stage, scheme=scheme, address=address or new_address())
        prefix = "" if self.stage == "$default" else f"/{self.stage}"
        return ServiceClient(transport=transport, base_url=f"{scheme}://api.example.com{prefix}")
