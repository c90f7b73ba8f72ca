"""Answered requests: the record of a request that observers get, and the observer that logs each request."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct
from starlette.types import Scope

from todo_core import logs
from todo_core.web.paths import find_path_below_root
from todo_core.web.refusals import RefusalLog
from todo_core.web.static_files import is_static_file

type Count = Literal["ChatTurns", "ChatTokens", "ToolCalls"]
"""The names of the counts that a route may report for a request. They become CloudWatch metrics."""

IS_HEAD: Final = "is_head"
"""The key in the state of a HEAD request, which routes see as a GET request. A stream ends at once then."""
WAITED_SECONDS: Final = "waited_seconds"
"""The key in the state of a request that has waited for changes. Its value is the time, which is no time of work."""

PROBES: Final = {"/health", "/health/ready"}
"""The paths of the health checks, which have no limits."""


class AnsweredRequest(Struct, frozen=True):
    """The facts about a request that has been answered.

    `milliseconds` is the time to the end of the response, without the time in which the request waited for changes.
    `route` is the path template of its route, or None if no route matched. `counts` has the counts that it reported.
    `problem` is the code of the error that answers it, or None. `refusal` is the same for an error of a limit only.
    """

    request_id: str
    method: str
    route: str | None
    status: int
    milliseconds: float
    user_id: UUID | None
    counts: Mapping[Count, int]
    problem: str | None = None
    refusal: str | None = None


type Observer = Callable[[AnsweredRequest], None]

_refusals: Final = RefusalLog()


def is_probe(scope: Scope) -> bool:
    """Returns True for a health check."""
    return find_path_below_root(scope) in PROBES


def log_request(request: AnsweredRequest) -> None:
    if request.refusal is not None:
        _refusals.add(request.refusal)
        return
    # Only at DEBUG, if they succeed: health checks arrive every few seconds, static files by the dozen. They would hide
    # other lines.
    is_frequent = request.route is not None and (request.route in PROBES or is_static_file(request.route))
    milliseconds = round(request.milliseconds, 1)
    logs.write(
        logging.DEBUG if is_frequent and request.status == HTTPStatus.OK else logging.INFO,
        f"{request.method} {request.route or '(no route)'} {request.status} {milliseconds} ms",
        {
            "request_id": request.request_id,
            "method": request.method,
            "route": request.route,
            "status": request.status,
            "milliseconds": milliseconds,
            "problem": request.problem,
            "user_id": request.user_id,
        },
    )
