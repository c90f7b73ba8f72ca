"""The metadata by which clients find the authorization server and the protected resources."""

from typing import Any, Final

from todo_core.accounts.api_tokens import TokenScope
from todo_core.web.protected_resources import API, MCP

SCOPES: Final[dict[str, tuple[TokenScope, ...]]] = {
    MCP: ("todos:read", "todos:write"),
    API: ("account:read", "chat", "todos:read", "todos:write"),
}
"""The scopes of each resource. Those of `/mcp` are granted to a client that asks for none."""
_AUTH_METHODS: Final = ["none", "client_secret_post", "client_secret_basic"]


def describe_server(url: str, *, has_registration: bool) -> dict[str, Any]:
    """Returns the metadata of the authorization server with this URL (RFC 8414)."""
    registration = {"registration_endpoint": f"{url}/oauth/register"} if has_registration else {}
    return {
        "issuer": url,
        "authorization_endpoint": f"{url}/oauth/authorize",
        "token_endpoint": f"{url}/oauth/token",
        "revocation_endpoint": f"{url}/oauth/revoke",
        **registration,
        "scopes_supported": list(SCOPES[API]),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": _AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": _AUTH_METHODS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
        "protected_resources": [f"{url}{path}" for path in SCOPES],
    }


def describe_resource(url: str, path: str) -> dict[str, Any]:
    """Returns the metadata of the protected resource at this path of the service (RFC 9728)."""
    return {
        "resource": f"{url}{path}",
        "authorization_servers": [url],
        "scopes_supported": list(SCOPES[path]),
        "bearer_methods_supported": ["header"],
        "resource_name": "Todos",
    }
