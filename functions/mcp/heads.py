"""Checks of a request's headers, which say who sends it and what it holds."""

from base64 import b64decode
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request

from functions.mcp.seals import Seals, Session
from functions.mcp.wire import (
    CAPABILITIES_KEY,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    NEWEST,
    SUPPORTED,
    UNSUPPORTED_VERSION,
    VERSION_KEY,
    WITH_HANDSHAKE,
    Call,
    Peer,
    Reply,
    RpcError,
)
from todo_core.errors import CrossOrigin, ServiceError
from todo_core.web.public_url import PublicUrlNotConfigured, find_public_url
from todo_core.web.resources import get_resources

VERSION: Final = "mcp-protocol-version"
SESSION: Final = "mcp-session-id"
_METHOD: Final = "mcp-method"
_NAME: Final = "mcp-name"
_NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The parameter that the header `Mcp-Name` repeats, by method."""


class NotAcceptable(ServiceError):
    status = 406
    code = "not_acceptable"
    title = "Not acceptable"
    detail = "Send the header Accept: application/json, text/event-stream."


class SessionNotFound(ServiceError):
    status = 404
    code = "session_not_found"
    title = "Session not found"
    detail = "This service did not give out this Mcp-Session-Id for you; begin anew with initialize."


def check_origin(request: Request) -> None:
    """Checks the origin of a page: this service, or one of CORS_ORIGINS. Raises CrossOrigin for another.

    A bearer token alone is no proof here: a page that rebinds a name to this machine may know one. A service that does
    not know its URL takes no origin for its own.
    """
    origin = request.headers.get("origin")
    if origin is None or origin in get_resources(request).settings.allowed_origins:
        return
    with suppress(PublicUrlNotConfigured):
        own = urlsplit(find_public_url(request))
        if origin == f"{own.scheme}://{own.netloc}":
            return
    raise CrossOrigin


def check_accept(request: Request) -> None:
    """Checks that the client accepts JSON. Raises NotAcceptable."""
    accepted = {part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")}
    if not accepted & {"application/json", "application/*", "*/*"}:
        raise NotAcceptable


def accepts_events(request: Request) -> bool:
    return "text/event-stream" in request.headers.get("accept", "").lower()


def find_peer(request: Request, message: Call | Reply, user_id: str) -> Peer:
    """Returns the facts about the client, after a check of the headers. Raises RpcError and SessionNotFound."""
    version = request.headers.get(VERSION)
    has_envelope = isinstance(message, Call) and VERSION_KEY in message.meta
    if version in WITH_HANDSHAKE or (version is None and not has_envelope):
        return _find_session(request, message, user_id, version or WITH_HANDSHAKE[-1])
    if version not in SUPPORTED and version is not None and not has_envelope:
        raise _unsupported(version)
    if isinstance(message, Reply):
        raise RpcError(INVALID_PARAMS, "A client of this revision answers by repeating its request.")
    return Peer(NEWEST) if message.id is None else _check_envelope(request, message)


def _find_session(request: Request, message: Call | Reply, user_id: str, version: str) -> Peer:
    text = request.headers.get(SESSION)
    if text is None or (isinstance(message, Call) and message.method == "initialize"):
        return Peer(version)
    session = Seals(get_resources(request).settings.secret_keys).open(Session, text)
    if session is None or session.user_id != user_id:
        raise SessionNotFound
    return Peer(session.version, session.can_ask)


def _check_envelope(request: Request, call: Call) -> Peer:
    """Checks the envelope of a request and the headers that repeat it. Raises RpcError."""
    meta = call.meta
    if missing := [key for key in (VERSION_KEY, CAPABILITIES_KEY) if key not in meta]:
        raise RpcError(INVALID_PARAMS, f"params._meta lacks {', '.join(missing)}.")
    version, capabilities = meta[VERSION_KEY], meta[CAPABILITIES_KEY]
    expected = {VERSION: version, _METHOD: call.method}
    if call.method in _NAMED and _NAMED[call.method] in call.params:
        expected[_NAME] = call.params[_NAMED[call.method]]
    for name, value in expected.items():
        given = request.headers.getlist(name)
        if len(given) != 1 or _decode(given[0]) != value:
            raise RpcError(HEADER_MISMATCH, f"The header {name} must be there once, and say the same as the body.")
    if version != NEWEST:
        raise _unsupported(version)
    if not isinstance(capabilities, dict):
        raise RpcError(INVALID_PARAMS, f"{CAPABILITIES_KEY} must be an object.")
    return Peer(NEWEST, can_ask_by_form(capabilities))


def can_ask_by_form(capabilities: object) -> bool:
    """Returns True if the capabilities of a client say that it can ask its person by a form."""
    elicitation = capabilities.get("elicitation") if isinstance(capabilities, dict) else None
    # An empty object means forms, as before there were other kinds.
    return isinstance(elicitation, dict) and (not elicitation or isinstance(elicitation.get("form"), dict))


def _unsupported(version: object) -> RpcError:
    requested = version if isinstance(version, str) else repr(version)
    return RpcError(
        UNSUPPORTED_VERSION,
        "This service does not speak this revision of the protocol.",
        {"supported": list(SUPPORTED), "requested": requested[:100]},
    )


def _decode(value: str) -> str | None:
    """Returns the value of a header, which a client sends in base64 if it is not plain ASCII."""
    if not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return b64decode(value[9:-2], validate=True).decode()
    except ValueError:
        return None
