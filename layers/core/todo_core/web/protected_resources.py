"""The protected resources of OAuth (RFC 9728): the parts of the service for which clients get access tokens."""

from collections.abc import Mapping
from typing import Final

from starlette.types import Scope

from todo_core.web.paths import find_path_below_root

MCP: Final = "/mcp"
API: Final = "/api/v1"

RESOURCES: Final = (MCP, API)
"""The path of each resource. The URL of the service with this path is the resource's identifier (RFC 8707)."""


def find_resource(scope: Scope | Mapping[str, str]) -> str:
    """Returns the path of the resource to which a request goes."""
    path = find_path_below_root(scope)
    return MCP if path == MCP or path.startswith(f"{MCP}/") else API
