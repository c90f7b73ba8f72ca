"""The first and the last step of a request: its id, its path behind a gateway, common headers, and its observers."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from time import monotonic
from typing import Any, Final
from uuid import uuid4

from starlette.types import Scope

from todo_core.deadlines import begin_request
from todo_core.web.caching import find_cache_policy
from todo_core.web.paths import find_path_below_root
from todo_core.web.requests import WAITED_SECONDS, AnsweredRequest
from todo_core.web.security_headers import HTTPS_ONLY, SECURITY_HEADERS

_CLIENT_CLOSED_REQUEST: Final = 499
"""The status that nginx logs for a request without a response, whose client has gone away."""
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}", re.ASCII)


def begin(scope: Scope, started: float) -> list[tuple[bytes, bytes]]:
    """Begins a request at a time of the monotonic clock: sets its deadline, its id and the path that routes see.

    Returns the headers of its response that the response itself may replace.
    """
    begin_request(started, _find_invocation_seconds(scope))
    event = scope.get("aws.event")
    if event is not None:
        _set_stage(scope, event)
    _drop_trailing_slash(scope)
    request_id = choose_request_id(scope, event)
    scope.setdefault("state", {})["request_id"] = request_id
    cache_policy = find_cache_policy(find_path_below_root(scope))
    return [(b"x-request-id", request_id.encode()), *list_common_headers(cache_policy, scope["scheme"])]


def end(scope: Scope, method: str, status: int, started: float) -> None:
    """Reports a request to the observers. Its status is 0 if the client has gone away before the response."""
    state = scope["state"]
    worked = monotonic() - started - state.get(WAITED_SECONDS, 0)
    request = AnsweredRequest(
        request_id=state["request_id"],
        method=method,
        route=getattr(scope.get("route"), "path_format", None),
        status=status or _CLIENT_CLOSED_REQUEST,
        milliseconds=max(worked, 0) * 1000,
        user_id=state.get("user_id"),
        counts=state.get("counts", {}),
        problem=state.get("problem"),
        refusal=state.get("refusal"),
    )
    for observe in scope["app"].state.observers:
        observe(request)


def _find_invocation_seconds(scope: Scope) -> float | None:
    """Returns the seconds that the request's Lambda invocation has left. None outside of Lambda."""
    context = scope.get("aws.context")
    return None if context is None else context.get_remaining_time_in_millis() / 1000


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


@cache
def list_common_headers(cache_policy: bytes | None, scheme: str) -> Sequence[tuple[bytes, bytes]]:
    """Returns the headers of every response, apart from the request id."""
    headers = list(SECURITY_HEADERS)
    if cache_policy is not None:
        headers.append((b"cache-control", cache_policy))
    if scheme == "https":
        headers.append(HTTPS_ONLY)
    return tuple(headers)
