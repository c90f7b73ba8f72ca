"""Refusals before a request becomes a task: while the process is full, the server answers 503 without the app.

They take a fraction of the time of a refusal by the middleware. So a process that gets ten times the requests that it
can serve still has time to serve some.
"""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from starlette.types import Scope

from todo_core.errors import TooBusy
from todo_core.web.caching import find_cache_policy
from todo_core.web.middleware.cross_origin import CrossOriginPolicy, find_origin
from todo_core.web.middleware.request_scope import choose_request_id, list_common_headers
from todo_core.web.paths import find_path_below_root
from todo_core.web.problems import make_problem_response
from todo_core.web.refusals import Refusals
from todo_core.web.requests import AnsweredRequest, Observer, is_probe
from todo_core.workload import Workload

EARLY_REFUSALS: Final = "early_refusals"
"""The name of the object in the state of the lifespan, where the HTTP protocol finds it."""

_ERROR: Final = TooBusy(retry_after=1)
_STATUS_LINE: Final = b"HTTP/1.1 503 Service Unavailable\r\n"
_ID_IN_BODY: Final = "<request_id>"
_ANY_ORIGIN: Final = ""
_MAX_HEADS: Final = 64


class EarlyRefusals:
    """Answers 503 to requests while no client would get a place. Health checks and preflights pass.

    The answer is that of the middleware, without the headers of the rate limit: the client is not known yet.
    """

    def __init__(
        self,
        workload: Workload,
        refusals: Refusals,
        origins: CrossOriginPolicy,
        observers: Sequence[Observer],
    ) -> None:
        self.pace: Final = refusals.pace
        self._workload = workload
        self._admitted = 0
        self._origins = origins
        self._observers = observers
        response = make_problem_response(_ERROR, _ID_IN_BODY)
        self._headers = [pair for pair in response.raw_headers if pair[0] != b"content-length"]
        self._body_parts = bytes(response.body).split(_ID_IN_BODY.encode())
        self._find_head = lru_cache(_MAX_HEADS)(self._format_head)

    def admits(self, scope: Scope) -> bool:
        """Returns True if the request may become a task, which the middleware may still refuse."""
        if scope["method"] == "OPTIONS" or is_probe(scope):
            return True
        if self._admitted >= self._workload.count_free_places():
            return False
        if not self._admitted:
            asyncio.get_running_loop().call_soon(self._forget_admitted)
        self._admitted += 1
        return True

    def _forget_admitted(self) -> None:
        """Runs in the event loop before the tasks of the requests, which then take their places."""
        self._admitted = 0

    def make_response(self, scope: Scope, server_headers: Sequence[tuple[bytes, bytes]], *, closes: bool) -> bytes:
        """Returns the response to a request as bytes, with the server's own headers. Reports it to the observers."""
        origin = find_origin(scope)
        if origin is not None and not self._origins.allows(origin):
            # All origins that are not allowed share one head, so that they do not fill the cache.
            origin = _ANY_ORIGIN
        request_id = choose_request_id(scope)
        body = request_id.encode().join(self._body_parts)
        cache_policy = find_cache_policy(find_path_below_root(scope))
        head = self._find_head(origin, cache_policy, scope["scheme"], closes=closes)
        self._report(scope["method"], request_id)
        return b"%s%scontent-length: %d\r\nx-request-id: %s\r\n\r\n%s" % (
            head,
            b"".join([b"%s: %s\r\n" % header for header in server_headers]),
            len(body),
            request_id.encode(),
            b"" if scope["method"] == "HEAD" else body,
        )

    def _format_head(self, origin: str | None, cache_policy: bytes | None, scheme: str, *, closes: bool) -> bytes:
        """Returns the lines of the head that do not depend on the request's id."""
        common = list_common_headers(cache_policy, scheme)
        headers = [*self._headers, *common, *self._origins.find_headers(origin)]
        if closes:
            headers.append((b"connection", b"close"))
        return _STATUS_LINE + b"".join(b"%s: %s\r\n" % header for header in headers)

    def _report(self, method: str, request_id: str) -> None:
        request = AnsweredRequest(
            request_id=request_id,
            method=method,
            route=None,
            status=_ERROR.status,
            milliseconds=0,
            user_id=None,
            counts={},
            problem=_ERROR.code,
            refusal=_ERROR.code,
        )
        for observe in self._observers:
            observe(request)
