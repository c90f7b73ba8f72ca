"""The middleware for requests from pages of other origins: CORS, and protection against cross-site request forgery."""

from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

from todo_core.errors import CrossOrigin, ServiceError
from todo_core.web.identity import find_bearer_token
from todo_core.web.problems import PreflightRefused, make_problem_response
from todo_core.web.static_files import is_static_file

_SAFE_METHODS: Final = {"GET", "HEAD", "OPTIONS"}
EXPOSED_HEADERS: Final = (
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Session-Token",
    "X-Change-Seq",
    "X-Request-ID",
)
"""The headers of responses that pages of other origins may read."""


class CrossOriginPolicy(CORSMiddleware):
    """Adds CORS headers. Answers 403 to forged requests: changes from pages of origins that are not allowed.

    The rule is that of Go's http.CrossOriginProtection: Sec-Fetch-Site decides. For browsers that do not send it,
    Origin is compared with Host. Requests with neither header pass, because they probably do not come from a
    browser. Requests with a bearer token pass, because their cookie is ignored.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._find_refusal(scope["method"], Headers(scope=scope)) if scope["type"] == "http" else None
        if refusal is None:
            # Only the page of this service loads its files. The headers would be a third of a small file.
            handle = self.app if _is_read_of_file(scope) else super().__call__
            await handle(scope, receive, send)
            return
        response = make_problem_response(refusal, scope["state"]["request_id"])
        response.headers["Vary"] = "Origin"
        await response(scope, receive, send)

    def _find_refusal(self, method: str, headers: Headers) -> ServiceError | None:
        if method == "OPTIONS":
            return self._find_preflight_refusal(headers)
        return CrossOrigin() if method not in _SAFE_METHODS and self._is_forgery(headers) else None

    def _find_preflight_refusal(self, headers: Headers) -> ServiceError | None:
        """Returns the error for a CORS preflight that Starlette would refuse, or None.

        It is answered as a problem document; Starlette would answer with plain text.
        """
        origin, method = headers.get("origin"), headers.get("access-control-request-method")
        if origin is None or method is None or self.preflight_response(headers).status_code == HTTPStatus.OK:
            return None
        if not self.is_allowed_origin(origin):
            return CrossOrigin()
        if method not in self.allow_methods:
            return PreflightRefused.of("method", method, ", ".join(self.allow_methods))
        requested = map(str.strip, headers.get("access-control-request-headers", "").split(","))
        unknown = next((name for name in requested if name and name.lower() not in self.allow_headers), None)
        if unknown is None:
            return PreflightRefused()
        return PreflightRefused.of("header", unknown, self.preflight_headers["Access-Control-Allow-Headers"])

    def _is_forgery(self, headers: Headers) -> bool:
        """Returns True for a request without a bearer token from a page of another origin that is not allowed."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if site in {"same-origin", "none"} or (origin is None and site is None):
            return False
        if find_bearer_token(headers) is not None or (origin is not None and self.is_allowed_origin(origin)):
            return False
        return origin is None or site is not None or origin.partition("://")[2] != headers.get("host")


def _is_read_of_file(scope: Scope) -> bool:
    is_read = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
    return is_read and is_static_file(scope["path"].removeprefix(scope["root_path"]))
