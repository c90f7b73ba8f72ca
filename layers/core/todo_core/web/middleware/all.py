"""What happens around every request, as plain ASGI: a BaseHTTPMiddleware would cost more than the routes do."""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_core.errors import CrossOrigin, ServiceError
from todo_core.logs import log, place_of
from todo_core.web.identity import bearer_token
from todo_core.web.problems import ContentTooLarge, InternalError, PreflightRefused, problem_response
from todo_core.web.requests import AnsweredRequest

_API: Final = "/api/v1/"
_SANE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}", re.ASCII)
_PROBES: Final = {"/health", "/health/ready"}
_SAFE_METHODS: Final = {"GET", "HEAD", "OPTIONS"}
_CACHE_POLICIES: Final = (
    *((f"{_API}{kept}", b"private, no-cache") for kept in ("todos", "projects", "tags")),
    (_API, b"no-store"),
)


class RequestScope:
    """Outermost: gives a request its id, its place behind a gateway, its observers and the headers of every response.

    To everything inside a HEAD is a GET, whose body is left away on the way out.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = perf_counter()
        method = scope["method"]
        if method == "HEAD":
            # A copy: the server goes on to know what it was asked.
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        event = scope.get("aws.event")
        if event is not None:
            _leave_stage(scope, event)
        _drop_trailing_slash(scope)
        request_id = _request_id(scope, event)
        scope.setdefault("state", {})["request_id"] = request_id
        headers = _response_headers(scope, request_id)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                known = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in headers if pair[0] not in known),
                ]
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            state = scope["state"]
            answered = AnsweredRequest(
                request_id=request_id,
                method=method,
                route=getattr(scope.get("route"), "path_format", None),
                status=status,
                milliseconds=(perf_counter() - started) * 1000,
                user_id=state.get("user_id"),
                counts=state.get("counts", {}),
            )
            for observe in scope["app"].state.observers:
                observe(answered)


class ResponseCutOff(Exception):
    """A fault of ours after the response had begun."""


class UnexpectedErrors:
    """Turns a fault of ours into a 500 inside of CORS, so that a browser may read it too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch_start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watch_start)
        except Exception as error:  # noqa: BLE001 - whatever it is, a client gets an answer
            request_id = scope["state"]["request_id"]
            log.error("Unexpected error", extra={"request_id": request_id, "error": place_of(error)})
            if started:
                # Ends the connection, so that the client sees a response that was cut off. The server logs what
                # comes up here, so it must not be the error, whose message may quote anything.
                raise ResponseCutOff from None
            await problem_response(InternalError(), request_id)(scope, receive, send)


class BodyLimit:
    """Refuses bodies beyond a size, by their announced length or as they come in.

    FastAPI's own limit answers outside of all middleware, where a page of another origin may not read it.
    """

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self.app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length) > self._most_bytes:
            await problem_response(ContentTooLarge(), scope["state"]["request_id"])(scope, receive, send)
            return
        received = 0

        async def count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most_bytes:
                # Of all exceptions, FastAPI lets only this kind out of the reading of a body.
                raise HTTPException(ContentTooLarge.status)
            return message

        await self.app(scope, count, send)


class CrossOriginPolicy(CORSMiddleware):
    """CORS, and the refusal of changes that a page of a foreign site tries to make with the user's cookie.

    The rule is that of Go's http.CrossOriginProtection: what the browser says in Sec-Fetch-Site counts, and for
    older browsers Origin against Host. Neither header, or a bearer token, means that no browser added a cookie of
    its own accord.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope["method"], Headers(scope=scope)) if scope["type"] == "http" else None
        if refusal is None:
            await super().__call__(scope, receive, send)
            return
        response = problem_response(refusal, scope["state"]["request_id"])
        response.headers["Vary"] = "Origin"
        await response(scope, receive, send)

    def _refusal(self, method: str, headers: Headers) -> ServiceError | None:
        if method == "OPTIONS":
            return self._refusal_of_preflight(headers)
        return CrossOrigin() if method not in _SAFE_METHODS and self._is_foreign(headers) else None

    def _refusal_of_preflight(self, headers: Headers) -> ServiceError | None:
        origin, method = headers.get("origin"), headers.get("access-control-request-method")
        if origin is None or method is None or self.preflight_response(headers).status_code == HTTPStatus.OK:
            return None
        if not self.is_allowed_origin(origin):
            return CrossOrigin()
        if method not in self.allow_methods:
            return PreflightRefused.of("method", method, ", ".join(self.allow_methods))
        asked = map(str.strip, headers.get("access-control-request-headers", "").split(","))
        unknown = next((name for name in asked if name and name.lower() not in self.allow_headers), None)
        if unknown is None:
            return PreflightRefused()
        return PreflightRefused.of("header", unknown, self.preflight_headers["Access-Control-Allow-Headers"])

    def _is_foreign(self, headers: Headers) -> bool:
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if site in {"same-origin", "none"} or (origin is None and site is None):
            return False
        if bearer_token(headers) is not None or (origin is not None and self.is_allowed_origin(origin)):
            return False
        return origin is None or site is not None or origin.partition("://")[2] != headers.get("host")


def _without_body(send: Send) -> Send:
    async def send_all_but_body(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
        elif not message.get("more_body", False):
            await send({"type": "http.response.body"})

    return send_all_but_body


def _leave_stage(scope: Scope, event: Mapping[str, Any]) -> None:
    """Behind a stage other than $default the gateway's paths begin with its name, which no route knows."""
    stage = event.get("requestContext", {}).get("stage", "$default")
    if stage != "$default" and f"{scope['path']}/".startswith(f"/{stage}/"):
        scope["root_path"] = f"/{stage}"


def _drop_trailing_slash(scope: Scope) -> None:
    """Answers with and without the slash directly: a redirect would lose the stage and the cookie."""
    path = scope["path"]
    if path.endswith("/") and path.strip("/") != scope["root_path"].strip("/"):
        scope["path"] = path[:-1]


def _request_id(scope: Scope, event: Mapping[str, Any] | None) -> str:
    clients = Headers(scope=scope).get("x-request-id", "")
    if _SANE_REQUEST_ID.fullmatch(clients):
        return clients
    if event is not None and (gateways := event.get("requestContext", {}).get("requestId")):
        return str(gateways)
    return str(uuid4())


def _response_headers(scope: Scope, request_id: str) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"x-request-id", request_id.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]
    path = scope["path"].removeprefix(scope["root_path"])
    for prefix, policy in _CACHE_POLICIES:
        if path.startswith(prefix):
            headers.append((b"cache-control", policy))
            break
    if scope["scheme"] == "https":
        headers.append((b"strict-transport-security", b"max-age=31536000"))
    return headers


def log_request(request: AnsweredRequest) -> None:
    # What asks every few seconds would fill the log with good news.
    is_probe = request.route in _PROBES and request.status == HTTPStatus.OK
    log.log(
        logging.DEBUG if is_probe else logging.INFO,
        "%s %s %d %.1f ms",
        request.method,
        request.route or "(no route)",
        request.status,
        request.milliseconds,
        extra={
            "request_id": request.request_id,
            "method": request.method,
            "route": request.route,
            "status": request.status,
            "milliseconds": round(request.milliseconds, 1),
            "user_id": request.user_id,
        },
    )
