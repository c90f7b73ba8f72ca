"""The methods of the protocol, by revision."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from fastapi import Response

from functions.mcp.caller import Caller
from functions.mcp.calls import call_tool
from functions.mcp.catalog import CAPABILITIES, INSTRUCTIONS, list_tools
from functions.mcp.prompts import get_prompt, list_prompts
from functions.mcp.resources import complete_argument, list_resources, list_templates, read_resource
from functions.mcp.wire import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    SERVER,
    SUPPORTED,
    WITH_HANDSHAKE,
    Call,
    Json,
    RpcError,
    complete,
)

_LIST_SECONDS: Final = 3600

type _Method = Callable[[Caller, Call], Awaitable[Json | Response]]


async def _initialize(_caller: Caller, call: Call) -> Json:
    """Begins a session of an older revision: that which the client asks for, or else the newest of them."""
    requested = call.params.get("protocolVersion")
    if not isinstance(requested, str):
        raise RpcError(INVALID_PARAMS, "The protocolVersion must be a text.")
    return {
        "protocolVersion": requested if requested in WITH_HANDSHAKE else WITH_HANDSHAKE[0],
        "capabilities": CAPABILITIES,
        "serverInfo": SERVER,
        "instructions": INSTRUCTIONS,
    }


async def _discover(caller: Caller, _call: Call) -> Json:
    result: Json = {
        "supportedVersions": list(SUPPORTED),
        "capabilities": CAPABILITIES,
        "instructions": INSTRUCTIONS,
    }
    return complete(caller.peer, result, cached_seconds=_LIST_SECONDS)


async def _ping(_caller: Caller, _call: Call) -> Json:
    return {}


async def _list_tools(caller: Caller, call: Call) -> Json:
    if call.params.get("cursor") is not None:
        raise RpcError(INVALID_PARAMS, "All tools are on one page; ask without a cursor.")
    return complete(caller.peer, {"tools": list_tools()}, cached_seconds=_LIST_SECONDS)


_METHODS: Final[Mapping[str, _Method]] = {
    "tools/list": _list_tools,
    "tools/call": call_tool,
    "resources/list": list_resources,
    "resources/templates/list": list_templates,
    "resources/read": read_resource,
    "prompts/list": list_prompts,
    "prompts/get": get_prompt,
    "completion/complete": complete_argument,
}
_WITH_HANDSHAKE: Final[Mapping[str, _Method]] = {"initialize": _initialize, "ping": _ping}
_STATELESS: Final[Mapping[str, _Method]] = {"server/discover": _discover}


async def run_method(caller: Caller, call: Call) -> Json | Response:
    """Runs a method. Raises RpcError, and the errors of the service."""
    own = _STATELESS if caller.peer.is_stateless else _WITH_HANDSHAKE
    method = _METHODS.get(call.method) or own.get(call.method)
    if method is None:
        raise RpcError(METHOD_NOT_FOUND, f"There is no method {call.method[:100]}.")
    return await method(caller, call)
