"""The routes of OAuth that programs call: metadata, registration, tokens and revocation.

Their errors have the form of RFC 6749.
"""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from time import time
from typing import Any, Final, cast

from fastapi import APIRouter, Request, Response

from functions.oauth import metadata
from functions.oauth.client_proofs import authenticate
from functions.oauth.parameters import Parameters, parse_resource
from todo_core.accounts import grants, oauth_clients, rate_limits
from todo_core.accounts.api_tokens import TokenScope
from todo_core.accounts.audit import record
from todo_core.accounts.grants import ConnectionEnded, Tokens
from todo_core.accounts.oauth_errors import OAuthError
from todo_core.accounts.rate_limits import find_network
from todo_core.web.callers import find_caller
from todo_core.web.forms import is_form, parse_pairs
from todo_core.web.open_paths import register_open_path
from todo_core.web.problems import MalformedBody, RouteNotFound
from todo_core.web.protected_resources import MCP, RESOURCES
from todo_core.web.public_url import find_public_url
from todo_core.web.resources import get_resources

_SERVER: Final = "/.well-known/oauth-authorization-server"
_OPENID: Final = "/.well-known/openid-configuration"
_RESOURCE: Final = "/.well-known/oauth-protected-resource"
_MAX_REGISTRATION_BYTES: Final = 16 * 1024
_NO_STORE: Final = {"Cache-Control": "no-store"}
_CACHED: Final = {"Cache-Control": "public, max-age=300"}

for _path in (_SERVER, _OPENID, _RESOURCE, "/oauth/register", "/oauth/token", "/oauth/revoke"):
    register_open_path(_path)

router = APIRouter(include_in_schema=False)


@router.get(_SERVER)
@router.get(_SERVER + "/{path:path}")
@router.get(_OPENID)
@router.get(_OPENID + "/{path:path}")
async def show_server(request: Request, path: str = "") -> Response:
    """Describes the authorization server (RFC 8414). Clients look for it under the path of the issuer, too."""
    url = find_public_url(request)
    if path and not url.endswith(f"/{path}"):
        raise RouteNotFound
    settings = get_resources(request).settings.oauth
    return _json(metadata.describe_server(url, has_registration=settings.registration), headers=_CACHED)


@router.get(_RESOURCE)
@router.get(_RESOURCE + "/{path:path}")
async def show_resource(request: Request, path: str = MCP) -> Response:
    """Describes a protected resource (RFC 9728): without a path `/mcp`, for which most clients look."""
    resource = f"/{path.lstrip('/')}"
    if resource not in RESOURCES:
        raise RouteNotFound
    return _json(metadata.describe_resource(find_public_url(request), resource), headers=_CACHED)


@router.post("/oauth/register")
async def register(request: Request) -> Response:
    """Registers a client (RFC 7591). Its secret, if it asks for one, is in this response only."""
    resources = get_resources(request)
    settings = resources.settings.oauth
    if not settings.registration:
        raise RouteNotFound

    async def store() -> dict[str, Any]:
        caller = find_caller(request)
        parsed = oauth_clients.parse_metadata(await _read_json(request))
        await rate_limits.count_attempt(
            resources.database,
            {f"oauth:register:{find_network(caller.address)}": settings.registrations_per_address},
            resources.settings.rate_limits.window,
        )
        registered = await oauth_clients.register(resources.database, parsed)
        record("client_register", "success", caller)
        return oauth_clients.list_members(registered, parsed, int(time()))

    return await _answer(request, store, status=201)


@router.post("/oauth/token")
async def issue_tokens(request: Request) -> Response:
    """Exchanges a code or a refresh token for an access token and the next refresh token."""

    async def exchange() -> dict[str, Any]:
        parameters = await _read_form(request)
        client_id = await authenticate(request, parameters)
        match parameters.require("grant_type"):
            case "authorization_code":
                tokens = await _exchange_code(request, client_id, parameters)
                record("connection_create", "success", find_caller(request), account_id=tokens.user_id)
            case "refresh_token":
                tokens = await _refresh(request, client_id, parameters)
            case _:
                raise OAuthError("unsupported_grant_type", "grant_type is authorization_code or refresh_token.")
        request.state.user_id = str(tokens.user_id)
        return _describe(tokens)

    return await _answer(request, exchange)


@router.post("/oauth/revoke")
async def revoke(request: Request) -> Response:
    """Ends a token (RFC 7009). A refresh token ends the connection. An unknown token is no error."""

    async def end() -> dict[str, Any]:
        parameters = await _read_form(request)
        client_id = await authenticate(request, parameters)
        ended = await grants.revoke(get_resources(request).database, client_id, parameters.require("token"))
        if ended is not None:
            record("connection_end", "success", find_caller(request), account_id=ended, reason="revoked")
        return {}

    return await _answer(request, end)


async def _exchange_code(request: Request, client_id: str, parameters: Parameters) -> Tokens:
    resources = get_resources(request)
    return await grants.exchange_code(
        resources.database,
        resources.settings.oauth,
        client_id,
        code=parameters.require("code"),
        verifier=parameters.require("code_verifier"),
        redirect_uri=parameters.find("redirect_uri"),
        resource=parse_resource(request, parameters.find("resource")),
        quota=resources.settings.quotas.connections,
    )


async def _refresh(request: Request, client_id: str, parameters: Parameters) -> Tokens:
    resources, scope = get_resources(request), parameters.find("scope")
    return await grants.refresh(
        resources.database,
        resources.settings.oauth,
        client_id,
        token=parameters.require("refresh_token"),
        scopes=cast("list[TokenScope]", scope.split()) if scope else None,
        resource=parse_resource(request, parameters.find("resource")),
    )


def _describe(tokens: Tokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.seconds,
        "refresh_token": tokens.refresh_token,
        "scope": " ".join(tokens.scopes),
    }


async def _read_form(request: Request) -> Parameters:
    """Returns the parameters of a form. Raises OAuthError for another body, and for a repeated parameter."""
    if not is_form(request):
        raise OAuthError("invalid_request", "Send the parameters as application/x-www-form-urlencoded.")
    try:
        return Parameters(parse_pairs(await request.body()))
    except MalformedBody:
        raise OAuthError("invalid_request", "The form is not UTF-8, or has too many parameters.") from None


async def _read_json(request: Request) -> object:
    body = await request.body()
    if len(body) > _MAX_REGISTRATION_BYTES:
        raise OAuthError("invalid_client_metadata", f"The metadata has more than {_MAX_REGISTRATION_BYTES} bytes.")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise OAuthError("invalid_client_metadata", "Send the metadata as one JSON object in UTF-8.") from None


async def _answer(request: Request, work: Callable[[], Awaitable[dict[str, Any]]], *, status: int = 200) -> Response:
    """Returns the JSON that `work` makes, or its error in the form of RFC 6749, section 5.2."""
    try:
        return _json(await work(), status)
    except OAuthError as error:
        if isinstance(error, ConnectionEnded):
            caller = find_caller(request)
            record("connection_end", "failure", caller, account_id=error.user_id, reason="token_reused")
        return _json_error(request, error)


def _json_error(request: Request, error: OAuthError) -> Response:
    content = {"error": error.code, "error_description": error.sentence}
    if error.code != "invalid_client":
        return _json(content, HTTPStatus.BAD_REQUEST)
    has_header = "authorization" in request.headers
    challenge = {"WWW-Authenticate": 'Basic realm="todo-backend"'} if has_header else {}
    return _json(content, HTTPStatus.UNAUTHORIZED, _NO_STORE | challenge)


def _json(content: object, status: int = 200, headers: dict[str, str] = _NO_STORE) -> Response:
    return Response(json.dumps(content), status, headers, media_type="application/json")
