"""Messages of JSON-RPC and the revisions of the protocol.

Written by the types of the package `mcp-types`, which itself takes too long to import (record 0051).
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct

from todo_core.web import openapi

NEWEST: Final = "2026-07-28"
"""The revision in which each request stands for itself."""

WITH_HANDSHAKE: Final = ("2025-11-25", "2025-06-18")
"""The revisions that begin with `initialize`, newest first."""

SUPPORTED: Final = (NEWEST, *WITH_HANDSHAKE)

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
RESOURCE_NOT_FOUND: Final = -32002
"""The code up to revision 2025-11-25. Later it is INVALID_PARAMS."""
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022

VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
SERVER_KEY: Final = "io.modelcontextprotocol/serverInfo"

SERVER: Final = {"name": "todo-backend", "title": "Todos", "version": openapi.VERSION}

_MAX_ID_CHARACTERS: Final = 4096

type Json = dict[str, Any]
type RequestId = str | int


class RpcError(Exception):
    """An error of the protocol. `status` is that of its response."""

    def __init__(self, code: int, message: str, data: Json | None = None, *, status: int = 400) -> None:
        super().__init__(message)
        self.code: Final = code
        self.message: Final = message
        self.data: Final = data
        self.status: Final = status


class Call(Struct, frozen=True):
    """A request with a method. `id` is None for a notification."""

    id: RequestId | None
    method: str
    params: Json

    @property
    def meta(self) -> Json:
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


class Reply(Struct, frozen=True):
    """The client's answer to a request of the server. `result` is None if the client answers with an error."""

    id: str
    result: Json | None


class Peer(Struct, frozen=True):
    """The facts about a client: the revision that it speaks, and whether it can ask its person by a form."""

    version: str
    can_ask: bool = False

    @property
    def is_stateless(self) -> bool:
        """True if the client speaks the newest revision."""
        return self.version == NEWEST


def parse_message(body: bytes) -> Call | Reply:
    """Parses the body of a request. Raises RpcError."""
    try:
        message = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RpcError(PARSE_ERROR, "The body is not JSON in UTF-8.") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, "The body must be one JSON-RPC 2.0 message. Batches are not supported.")
    if "method" not in message and ("result" in message or "error" in message):
        return _parse_reply(message)
    method, params, request_id = message.get("method"), message.get("params", {}), message.get("id")
    if not isinstance(method, str) or not isinstance(params, dict) or not _is_id(request_id, message):
        raise RpcError(INVALID_REQUEST, "A message needs a text `method`, an object `params`, and a text or number id.")
    return Call(request_id, method, params)


def _parse_reply(message: Json) -> Reply:
    request_id, result = message.get("id"), message.get("result")
    if not isinstance(request_id, str) or len(request_id) > _MAX_ID_CHARACTERS:
        raise RpcError(INVALID_REQUEST, "No request of this server has this id.")
    return Reply(request_id, result if isinstance(result, dict) else None)


def _is_id(request_id: object, message: Mapping[str, object]) -> bool:
    if "id" not in message:
        return True
    if isinstance(request_id, str):
        return len(request_id) <= _MAX_ID_CHARACTERS
    return isinstance(request_id, int) and not isinstance(request_id, bool)


def encode_result(request_id: RequestId, result: Json) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "result": result})


def encode_error(request_id: RequestId | None, error: RpcError) -> bytes:
    described: Json = {"code": error.code, "message": error.message}
    if error.data is not None:
        described["data"] = error.data
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "error": described})


def find_status(error: RpcError, peer: Peer | None) -> int:
    """Returns the HTTP status of an error: 200 for clients of the older revisions once their message was understood."""
    if peer is not None and not peer.is_stateless:
        return HTTPStatus.OK
    return HTTPStatus.NOT_FOUND if error.code == METHOD_NOT_FOUND else error.status


def complete(peer: Peer, result: Json, *, cached_seconds: int | None = None) -> Json:
    """Returns a result with the members that the newest revision adds: its type, the server, and its time to live."""
    if not peer.is_stateless:
        return result
    added: Json = {"resultType": "complete", "_meta": {SERVER_KEY: SERVER}}
    if cached_seconds is not None:
        added |= {"ttlMs": cached_seconds * 1000, "cacheScope": "private"}
    return {**added, **result}
