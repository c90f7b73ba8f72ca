"""Authorization requests: what a client asks for, checked before the user sees it."""

import re
from typing import Final, cast
from urllib.parse import urlencode

from fastapi import Request
from msgspec import Struct

from functions.oauth.documents import DOCUMENTS
from functions.oauth.metadata import SCOPES
from functions.oauth.parameters import Parameters, parse_resource
from todo_core.accounts import oauth_clients, redirect_uris
from todo_core.accounts.api_tokens import TokenScope
from todo_core.accounts.oauth_clients import OAuthClient
from todo_core.accounts.oauth_errors import OAuthError
from todo_core.web.protected_resources import MCP
from todo_core.web.public_url import find_public_url
from todo_core.web.resources import get_resources

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_IGNORED_SCOPES: Final = frozenset({"offline_access"})
"""Scopes that some clients always ask for. Every connection has a refresh token, so this one adds nothing."""


class Target(Struct, frozen=True):
    """The verified client and redirect URI of a request, to which an answer may be sent."""

    client: OAuthClient
    redirect_uri: str
    state: str | None


class Authorization(Struct, frozen=True):
    """A request that the user may consent to. `resource` is a path."""

    target: Target
    scopes: list[TokenScope]
    resource: str
    code_challenge: str


async def find_target(request: Request, parameters: Parameters) -> Target:
    """Returns the client and the redirect URI of a request. Raises OAuthError, which is shown and never redirected."""
    client = await _find_client(request, parameters.require("client_id"))
    requested = parameters.find("redirect_uri")
    if requested is None and len(client.redirect_uris) == 1:
        requested = client.redirect_uris[0]
    found = redirect_uris.find_match(requested or "", client.redirect_uris)
    if found is None:
        raise OAuthError("invalid_request", "The client has not registered this redirect URI.")
    return Target(client, found, parameters.find("state"))


async def _find_client(request: Request, client_id: str) -> OAuthClient:
    resources = get_resources(request)
    if "://" in client_id:
        return await DOCUMENTS.find(client_id, allow_private=resources.settings.webhooks.allow_private)
    client = await oauth_clients.find_registered(resources.database, client_id)
    if client is None:
        raise OAuthError("invalid_client", "This app is not registered here, or its registration has expired.")
    return client


def parse_authorization(request: Request, parameters: Parameters, target: Target) -> Authorization:
    """Returns the request of a client. Raises OAuthError, which the client gets by its redirect URI."""
    if parameters.require("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code.")
    if parameters.find("response_mode") not in {None, "query"}:
        raise OAuthError("invalid_request", "response_mode must be query.")
    if parameters.find("request") or parameters.find("request_uri"):
        raise OAuthError("invalid_request", "Send the parameters themselves, without a request object.")
    challenge = parameters.require("code_challenge")
    if parameters.find("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge_method must be S256, with a SHA-256 as code_challenge.")
    resource = parse_resource(request, parameters.find("resource")) or MCP
    return Authorization(target, _parse_scopes(parameters.find("scope"), resource), resource, challenge)


def _parse_scopes(text: str | None, resource: str) -> list[TokenScope]:
    asked = set((text or "").split()) - _IGNORED_SCOPES
    allowed = SCOPES[resource]
    if not asked:
        # For the API there is no default, because nobody can guess what a program is for.
        if resource == MCP:
            return list(allowed)
        raise OAuthError("invalid_scope", f"The parameter scope is missing: {' '.join(allowed)}.")
    if not asked <= set(allowed):
        raise OAuthError("invalid_scope", f"The scopes of this resource are: {' '.join(allowed)}.")
    return cast("list[TokenScope]", sorted(asked))


def build_answer(request: Request, target: Target, **members: str) -> str:
    """Returns the URL that brings the answer to the client, with `state` and the issuer (RFC 9207)."""
    state = {} if target.state is None else {"state": target.state}
    query = urlencode({**members, **state, "iss": find_public_url(request)})
    uri = target.redirect_uri
    return f"{uri}{'&' if '?' in uri else '?'}{query}"
