"""The step for requests from pages of other origins: CORS, and protection against cross-site request forgery."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from todo_core.errors import CrossOrigin, ServiceError
from todo_core.web.identity import find_bearer_token
from todo_core.web.open_paths import OPEN_HEADERS, PREFLIGHT_HEADERS, is_open
from todo_core.web.paths import find_path_below_root
from todo_core.web.problems import PreflightRefused, make_problem_response

_SAFE_METHODS: Final = {"GET", "HEAD", "OPTIONS"}
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_PREFLIGHT_SECONDS: Final = 7200
"""The seconds for which browsers may cache the answer to a CORS preflight. Chromium allows no more."""
_REQUEST_HEADERS: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "MCP-Protocol-Version",
    "Mcp-Method",
    "Mcp-Name",
    "Mcp-Session-Id",
    "X-Request-ID",
    # Libraries add these for traces and for caches of their own. The service ignores them.
    "Cache-Control",
    "Prefer",
    "X-Requested-With",
    "baggage",
    "sentry-trace",
    "traceparent",
    "tracestate",
)
"""The headers that pages of other origins may send."""
EXPOSED_HEADERS: Final = (
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "Mcp-Session-Id",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Session-Token",
    "WWW-Authenticate",
    "X-Change-Seq",
    "X-Request-ID",
)
"""The headers of responses that pages of other origins may read."""

_VARY: Final = (b"vary", b"Origin")
_READABLE: Final = (
    (b"access-control-allow-credentials", b"true"),
    (b"access-control-expose-headers", ", ".join(EXPOSED_HEADERS).encode()),
    _VARY,
)


class CrossOriginPolicy:
    """CORS headers, and the refusal of forged requests: changes from pages of origins that are not allowed.

    The rule is that of Go's http.CrossOriginProtection: Sec-Fetch-Site decides. For browsers that do not send it,
    Origin is compared with Host. Requests with neither header pass, because they probably do not come from a
    browser. Requests with a bearer token pass, because their cookie is ignored.
    """

    def __init__(self, allowed_origins: Sequence[str], further_headers: Sequence[str]) -> None:
        """Makes the policy. Pages of other origins may send `further_headers` beside those that the service knows."""
        self._origins: Final = frozenset(allowed_origins)
        # Starlette's middleware only answers preflights. For other requests it would wrap the app, which costs more.
        self._preflights: Final = CORSMiddleware(
            _no_app,
            allow_origins=allowed_origins,
            allow_credentials=True,
            allow_methods=_METHODS,
            allow_headers=(*_REQUEST_HEADERS, *further_headers),
            max_age=_PREFLIGHT_SECONDS,
        )

    def allows(self, origin: str) -> bool:
        """Returns True if pages of this origin may read responses and send changes."""
        return origin in self._origins

    def list_headers(self, scope: Scope) -> Sequence[tuple[bytes, bytes]]:
        """Returns the headers that tell a browser whether the page that has sent a request may read the response."""
        return OPEN_HEADERS if is_open(find_path_below_root(scope)) else self.find_headers(find_origin(scope))

    def find_headers(self, origin: str | None) -> Sequence[tuple[bytes, bytes]]:
        """Returns these headers for a page of this origin, on paths that are not open to all."""
        if origin is None:
            return (_VARY,)
        if not self.allows(origin):
            return _READABLE
        return (*_READABLE, (b"access-control-allow-origin", origin.encode("latin-1")))

    def find_forgery(self, scope: Scope) -> ServiceError | None:
        """Returns the error of a forged request, or None."""
        if scope["method"] in _SAFE_METHODS or is_open(find_path_below_root(scope)):
            return None
        return CrossOrigin() if self._is_forgery(Headers(scope=scope)) else None

    def answer_preflight(self, scope: Scope) -> Response | None:
        """Returns the response to a preflight, or None for another request with the method OPTIONS."""
        headers = Headers(scope=scope)
        if "origin" not in headers or "access-control-request-method" not in headers:
            return None
        if is_open(find_path_below_root(scope)):
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=PREFLIGHT_HEADERS)
        refusal = self._find_preflight_refusal(headers)
        if refusal is None:
            return self._preflights.preflight_response(headers)
        response = make_problem_response(refusal, scope["state"]["request_id"])
        response.headers["Vary"] = "Origin"
        return response

    def _find_preflight_refusal(self, headers: Headers) -> ServiceError | None:
        """Returns the error for a CORS preflight that Starlette would refuse, or None.

        It is answered as a problem document; Starlette would answer with plain text.
        """
        origin, method, cors = headers["origin"], headers["access-control-request-method"], self._preflights
        if cors.preflight_response(headers).status_code == HTTPStatus.OK:
            return None
        if not cors.is_allowed_origin(origin):
            return CrossOrigin()
        if method not in _METHODS:
            return PreflightRefused.of("method", method, ", ".join(_METHODS))
        requested = map(str.strip, headers.get("access-control-request-headers", "").split(","))
        unknown = next((name for name in requested if name and name.lower() not in cors.allow_headers), None)
        if unknown is None:
            return PreflightRefused()
        return PreflightRefused.of("header", unknown, cors.preflight_headers["Access-Control-Allow-Headers"])

    def _is_forgery(self, headers: Headers) -> bool:
        """Returns True for a request without a bearer token from a page of another origin that is not allowed."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if site in {"same-origin", "none"} or (origin is None and site is None):
            return False
        if find_bearer_token(headers) is not None or (origin is not None and self.allows(origin)):
            return False
        return origin is None or site is not None or origin.partition("://")[2] != headers.get("host")


def find_origin(scope: Scope) -> str | None:
    """Returns the header Origin of a request."""
    for name, value in scope["headers"]:
        if name == b"origin":
            origin: str = value.decode("latin-1")
            return origin
    return None


async def _no_app(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Stands for the app of a middleware that only answers preflights."""
    raise NotImplementedError
