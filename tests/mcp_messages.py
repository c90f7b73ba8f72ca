"""Compares the messages of the service with the types of the protocol, and results of tools with their schemas."""

import json
from functools import cache
from typing import Any, Final

import jsonschema_rs
from mcp_types import INTERNAL_ERROR, JSONRPCError, JSONRPCRequest, JSONRPCResponse
from mcp_types.methods import SERVER_REQUESTS, SERVER_RESULTS
from pydantic import TypeAdapter

from functions.mcp.catalog import list_tools

type Json = dict[str, Any]

_MEMBERS: Final = {"jsonrpc", "id", "result", "error"}


def check_response(request: Json, version: str, message: Json) -> None:
    """Checks the answer to a request of a client that speaks this revision."""
    assert message.keys() <= _MEMBERS, message
    if "error" in message:
        error = JSONRPCError.model_validate(message).error
        assert error.code != INTERNAL_ERROR
        assert error.message
        return
    response = JSONRPCResponse.model_validate(message)
    assert response.id == request["id"]
    _validate(SERVER_RESULTS[request["method"], version], response.result)
    if request["method"] == "tools/call" and "structuredContent" in response.result:
        _find_validator(request["params"]["name"]).validate(response.result["structuredContent"])


def check_request(version: str, message: Json) -> None:
    """Checks a request of the service to a client that speaks this revision."""
    request = JSONRPCRequest.model_validate(message)
    _validate(SERVER_REQUESTS[request.method, version], message)


def _validate(expected: Any, content: Json) -> None:
    """Validates JSON by a type of the protocol, strictly: pydantic would take "1" for a number."""
    TypeAdapter[Any](expected).validate_json(json.dumps(content), strict=True)


@cache
def _find_validator(tool: str) -> jsonschema_rs.Draft202012Validator:
    [schema] = [listed["outputSchema"] for listed in list_tools() if listed["name"] == tool]
    return jsonschema_rs.Draft202012Validator(schema)
