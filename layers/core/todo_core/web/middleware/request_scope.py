"""The outermost middleware. It handles request ids, paths behind a gateway, common headers, HEAD and observers."""

import re
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_core.deadlines import begin_request
from todo_core.web.caching import find_cache_policy
from todo_core.web.problems import make_problem_response
from todo_core.web.request_heads import HeadChecks
from todo_core.web.requests import IS_HEAD, WAITED_SECONDS, AnsweredRequest
from todo_core.web.security_headers import HTTPS_ONLY, SECURITY_HEADERS

_CLIENT_CLOSED_REQUEST: Final = 499
"""The status that nginx logs for a request without a response, whose client has gone away."""
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}", re.ASCII)


class RequestScope:
    """Sets the id and the path of each request, adds the common headers and reports the request to the observers.

    `add_response_headers` of the request's state, if set, is awaited for further headers when the response starts.

    Refuses a request with a head that is too large or names an unknown host. Routes see a HEAD request as a GET
    request, and the body of its response is dropped.
    """

    def __init__(self, app: ASGIApp, checks: HeadChecks) -> None:
        self.app = app
        self._find_fault = checks.find_fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = monotonic()
        begin_request(started, _find_invocation_seconds(scope))
        method = scope["method"]
        if method == "HEAD":
            # Changes a copy of the scope, because the server still needs to know that the method is HEAD.
            scope, send = {**scope, "method": "GET"}, _drop_body(send)
        headers = _prepare(scope)
        if method == "HEAD":
            scope["state"][IS_HEAD] = True
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in headers if pair[0] not in present),
                    *scope["state"].get("rate_limit_headers", ()),
                ]
                if "add_response_headers" in scope["state"]:
                    message["headers"] += await scope["state"]["add_response_headers"]()
            elif body := message.get("body"):
                scope["state"]["sent_bytes"] = scope["state"].get("sent_bytes", 0) + len(body)
            await send(message)

        fault = self._find_fault(scope)
        app = self.app if fault is None else make_problem_response(fault, scope["state"]["request_id"])
        try:
            await app(scope, receive, send_with_headers)
        finally:
            worked = monotonic() - started - scope["state"].get(WAITED_SECONDS, 0)
            _notify_observers(scope, method, status or _CLIENT_CLOSED_REQUEST, max(worked, 0) * 1000)


def _find_invocation_seconds(scope: Scope) -> float | None:
    """Returns the seconds that the request's Lambda invocation has left. None outside of Lambda."""
    context = scope.get("aws.context")
    return None if context is None else context.get_remaining_time_in_millis() / 1000


def _prepare(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Sets the request id and the path that routes see. Returns the headers to add to the response."""
    event = scope.get("aws.event")
    if event is not None:
        _set_stage(scope, event)
    _drop_trailing_slash(scope)
    request_id = choose_request_id(scope, event)
    scope.setdefault("state", {})["request_id"] = request_id
    cache_policy = find_cache_policy(scope["path"].removeprefix(scope["root_path"]))
    return [(b"x-request-id", request_id.encode()), *list_common_headers(cache_policy, scope["scheme"])]


def _set_stage(scope: Scope, event: Mapping[str, Any]) -> None:
    """Sets the root path to the API gateway's stage, if it is the first part of the path. `$default` never is."""
    stage = event.get("requestContext", {}).get("stage", "$default")
    if stage != "$default" and f"{scope['path']}/".startswith(f"/{stage}/"):
        scope["root_path"] = f"/{stage}"


def _drop_trailing_slash(scope: Scope) -> None:
    """Removes a trailing slash from the path. A redirect instead would lose the gateway's stage and the cookie."""
    path = scope["path"]
    if path.endswith("/") and path.strip("/") != scope["root_path"].strip("/"):
        scope["path"] = path[:-1]


def choose_request_id(scope: Scope, event: Mapping[str, Any] | None = None) -> str:
    """Returns the request id: the client's X-Request-ID, else the gateway's, else a new one.

    The client's is used only if it has at most 128 characters, all of them safe in a log.
    """
    for name, value in scope["headers"]:
        if name == b"x-request-id" and (from_client := _REQUEST_ID.fullmatch(value.decode("latin-1"))):
            return from_client[0]
    if event is not None and (from_gateway := event.get("requestContext", {}).get("requestId")):
        return str(from_gateway)
    return str(uuid4())


def list_common_headers(cache_policy: bytes | None, scheme: str) -> list[tuple[bytes, bytes]]:
    """Returns the headers of every response, apart from the request id."""
    headers = list(SECURITY_HEADERS)
    if cache_policy is not None:
        headers.append((b"cache-control", cache_policy))
    if scheme == "https":
        headers.append(HTTPS_ONLY)
    return headers


def _drop_body(send: Send) -> Send:
    """Returns a `send` that sends an empty body instead of the response's body, as HEAD requires."""

    async def send_without_body(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
        elif not message.get("more_body", False):
            await send({"type": "http.response.body"})

    return send_without_body


def _notify_observers(scope: Scope, method: str, status: int, milliseconds: float) -> None:
    state = scope["state"]
    request = AnsweredRequest(
        request_id=state["request_id"],
        method=method,
        route=getattr(scope.get("route"), "path_format", None),
        status=status,
        milliseconds=milliseconds,
        user_id=state.get("user_id"),
        counts=state.get("counts", {}),
        problem=state.get("problem"),
        refusal=state.get("refusal"),
    )
    for observe in scope["app"].state.observers:
        observe(request)
