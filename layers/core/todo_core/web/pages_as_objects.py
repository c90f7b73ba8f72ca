"""Pages of lists as objects, whose body has what the headers tell: for clients that cannot read headers.

`Accept: application/json; profile=page` selects them. The body is made of the list and its headers after the route has
answered. So routes know nothing of it, and the usual answer costs one look at the header Accept.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, get_origin
from urllib.parse import parse_qs, urlsplit

import msgspec
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_MEDIA_TYPE: Final = "application/json; profile=page"
AS_PAGE: Final = "as_page"
"""The key in the state of a request that is answered with an object. The ETag of a list depends on it."""
CHANGE_SEQ: Final = "X-Change-Seq"
_LIST_MEDIA_TYPE: Final = "application/json"
_VARY: Final = (b"vary", b"Accept")
# Compiled on first use, because each cold start would pay for it.
_RANGE: Final = (
    r"\s*(?P<type>application/json|application/\*|\*/\*)\s*(?P<page>;\s*profile\s*=\s*(?:page|\"page\")\s*)?"
    r"(?:;\s*q\s*=\s*(?P<quality>0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?"
)
_NEXT: Final = r'<([^>]*)>; rel="next"'


def offer_pages(route: BaseRoute) -> BaseRoute:
    """Lets a route that answers with a list answer with an object too. Returns the route; other routes stay as is."""
    if (
        isinstance(route, APIRoute)
        and get_origin(route.response_model) is list
        and not isinstance(route.app, _ListAnswers)
    ):
        route.app = _ListAnswers(route.app, route.openapi_extra or {})
    return route


class _ListAnswers:
    """The app of a route that answers with a list or with an object, as the request asks."""

    def __init__(self, app: ASGIApp, described: Mapping[str, list[Mapping[str, object]]]) -> None:
        self._app = app
        self._has_cursor = any(parameter["name"] == "cursor" for parameter in described.get("parameters", ()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if accepts_page(scope):
            scope["state"][AS_PAGE] = True
            await self._app(scope, receive, _PageAnswer(send, has_cursor=self._has_cursor).send)
            return

        async def send_list(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _VARY]
            await send(message)

        await self._app(scope, receive, send_list)


def accepts_page(scope: Scope) -> bool:
    """Returns True if the request names the media type of pages, and does not prefer another form of JSON."""
    for name, value in scope["headers"]:
        if name == b"accept" and b"profile" in value.lower():
            return _prefers_page(Headers(scope=scope).getlist("accept"))
    return False


def _prefers_page(accept: Sequence[str]) -> bool:
    qualities: dict[str, float] = {}
    for item in ",".join(accept).split(","):
        if match := re.fullmatch(_RANGE, item, re.ASCII | re.IGNORECASE):
            kind = PAGE_MEDIA_TYPE if match["page"] else match["type"].lower()
            qualities[kind] = float(match["quality"] or 1)
    page = qualities.pop(PAGE_MEDIA_TYPE, 0)
    others = (qualities[kind] for kind in (_LIST_MEDIA_TYPE, "application/*", "*/*") if kind in qualities)
    return page > 0 and page >= next(others, 0)


class _PageAnswer:
    """Sends the response of a list as an object. A response of another kind is passed on, such as a problem."""

    def __init__(self, send: Send, *, has_cursor: bool) -> None:
        self._send = send
        self._has_cursor = has_cursor
        self._list: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], _VARY]
            if message["status"] == 200 and Headers(raw=message["headers"]).get("content-type") == _LIST_MEDIA_TYPE:  # noqa: PLR2004
                self._list = message
                return
        elif self._list is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_page(self._list)
            return
        await self._send(message)

    async def _send_page(self, start: Message) -> None:
        headers = MutableHeaders(raw=start["headers"])
        content = b'{"items":%b,%b' % (self._body, msgspec.json.encode(self._describe_page(headers))[1:])
        headers["Content-Type"], headers["Content-Length"] = PAGE_MEDIA_TYPE, str(len(content))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": content})

    def _describe_page(self, headers: Headers) -> dict[str, str | int | None]:
        """Returns the fields of the page besides its items."""
        link = re.fullmatch(_NEXT, headers.get("link", ""))
        fields: dict[str, str | int | None] = {"next": link and link[1]}
        if self._has_cursor:
            fields["next_cursor"] = parse_qs(urlsplit(link[1]).query)["cursor"][0] if link else None
        if CHANGE_SEQ in headers:
            fields["change_seq"] = int(headers[CHANGE_SEQ])
        return fields
