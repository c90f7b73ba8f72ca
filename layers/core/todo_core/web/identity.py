"""The current user of a request, found by its session token or API token."""

from contextlib import suppress
from functools import cache, partial
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.security.utils import get_authorization_scheme_param
from msgspec import structs
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from todo_core.accounts import access_tokens, api_tokens, sessions
from todo_core.accounts.access_tokens import AccessTokenHash
from todo_core.accounts.api_tokens import TokenScope, TokenUser
from todo_core.accounts.session_tokens import SessionClaims, SessionTokens
from todo_core.accounts.sessions import OpenSession
from todo_core.accounts.user import User
from todo_core.actors import Actor, ActorKind
from todo_core.clients import Client, current_client
from todo_core.deadlines import CHANGE_SECONDS, extend
from todo_core.errors import InsufficientScope, InvalidToken, NotAuthenticated, ServiceError
from todo_core.limits import Quotas
from todo_core.logs import log
from todo_core.settings import SessionSettings
from todo_core.web.protected_resources import find_resource
from todo_core.web.resources import get_resources
from todo_core.web.scopes import find_scopes
from todo_core.web.verified_emails import require_verified

COOKIE: Final = "session_token"

_LOGIN: Final = "/api/v1/auth/login"
_FORM_LOGIN: Final = "/api/v1/auth/token"
_TOKENS: Final = "/api/v1/auth/tokens"


def build_security_schemes(root: str = "") -> dict[str, dict[str, Any]]:
    """Returns the OpenAPI security schemes of a service whose paths begin with `root`.

    Written by hand, because each of FastAPI's security classes would add a dependency to every request.
    """
    return {
        "SessionCookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": COOKIE,
            "description": f"`POST {_LOGIN}` sets this cookie; browsers send it with each request.",
        },
        "BearerToken": {
            "type": "oauth2",
            "description": f"The `access_token` from `POST {_FORM_LOGIN}`, by the OAuth2 password form.",
            # The URL includes the root path, because tools resolve a relative URL in different ways.
            "flows": {"password": {"tokenUrl": f"{root}{_FORM_LOGIN}", "scopes": {}}},
        },
        "ApiToken": {
            "type": "http",
            "scheme": "bearer",
            "description": f"An API token from `POST {_TOKENS}`. It needs the scopes that an operation names.",
        },
    }


def find_bearer_token(headers: Headers) -> str | None:
    """Returns the token of an `Authorization: Bearer` header, which may be empty, or None without such a header."""
    scheme, token = get_authorization_scheme_param(headers.get("authorization"))
    return token if scheme.lower() == "bearer" else None


type VerifiedToken = tuple[SessionClaims, Literal["user", "token"]] | bytes
"""The part of a token that is verified without the database.

For a session token its claims, and the kind of client that sent it: `user` by cookie, `token` as a bearer. For a bearer
token with the form of an API token or an access token its hash.
"""


def verify_token(scope: Scope, tokens: SessionTokens) -> VerifiedToken | None:
    """Returns what is verified of the request's token. None without a token, and for one that cannot be valid."""
    token, kind = _find_token(scope)
    if not token:
        return None
    if kind == "token" and token.startswith(api_tokens.PREFIX):
        return api_tokens.hash_token(token)
    if kind == "token" and token.startswith(access_tokens.PREFIX):
        return access_tokens.hash_token(token)
    try:
        return tokens.verify(token), kind
    except NotAuthenticated:
        return None


def _find_token(scope: Scope) -> tuple[str | None, Literal["user", "token"]]:
    """Returns the token of the request, if it has any, and the kind of client that sends tokens so.

    With a bearer token, even an invalid one, the cookie is ignored. The bearer token has exempted the request from CSRF
    protection, so a forged request could otherwise use the cookie.
    """
    token = None
    # Without Starlette's objects for headers and cookies, which take twice as long.
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, bearer = get_authorization_scheme_param(value.decode("latin-1"))
            if scheme.lower() == "bearer":
                return bearer, "token"
        elif name == b"cookie":
            token = cookie_parser(value.decode("latin-1")).get(COOKIE, token)
    return token, "user"


class SignedInUser(User, frozen=True, kw_only=True):
    """The user of a request. `by` is `user` for a cookie and `token` for a bearer token.

    `last_seq` is the number of the user's latest change when the request began.

    `token_id`, `token_name` and `scopes` are those of an API token, or of the connection of an access token. They are
    None for a session. With `may_delete_unasked`, the program may delete without asking a person.
    """

    by: ActorKind
    quotas: Quotas
    last_seq: int
    token_id: UUID | None = None
    token_name: str | None = None
    scopes: frozenset[TokenScope] | None = None
    may_delete_unasked: bool = False

    @property
    def actor(self) -> Actor:
        return Actor(self.id, self.by, timezone=self.timezone, quotas=self.quotas, token_name=self.token_name)


class UserWithSession(SignedInUser, frozen=True, kw_only=True):
    """The user of a request that has a session."""

    session_id: UUID


async def _current_user(request: Request) -> SignedInUser:
    """Returns the user of the request's token.

    Raises NotAuthenticated without a valid token, and InsufficientScope for an API token that lacks a scope.
    """
    verified: VerifiedToken | None = request.scope["state"]["verified_token"]
    if verified is None:
        raise _make_refusal(request)
    if isinstance(verified, bytes):
        user: SignedInUser = await _fetch_user_of_token(request, verified)
    else:
        user = await _fetch_user_with_session(request, *verified)
    if get_resources(request).settings.require_verified_email:
        require_verified(user, request.method, request.scope["route"].path_format)
    if request.method != "GET":
        extend(CHANGE_SECONDS)
    return user


async def _current_user_with_session(request: Request) -> UserWithSession:
    user = await _current_user(request)
    if not isinstance(user, UserWithSession):
        raise InsufficientScope
    return user


async def find_user_of_cookie(request: Request) -> UserWithSession | None:
    """Returns the user whose session cookie came with the request, or None without a valid one.

    For pages that ask such a visitor to sign in. A bearer token does not count.
    """
    verified: VerifiedToken | None = request.scope["state"]["verified_token"]
    if not isinstance(verified, tuple) or verified[1] != "user":
        return None
    try:
        return await _current_user_with_session(request)
    except NotAuthenticated:
        return None


async def find_user(request: Request) -> SignedInUser:
    """Returns the user of the request's token, for a route that answers a refusal in its own way.

    Raises the errors of a route with `CurrentUser`.
    """
    return await _current_user(request)


async def check_again(request: Request) -> None:
    """Checks the token of a request that has waited. Raises NotAuthenticated when the session has ended meanwhile.

    Raises InsufficientScope when an API token has lost a scope.
    """
    await _current_user(request)


CurrentUser = Annotated[SignedInUser, Depends(_current_user)]
"""The user of a session or of an API token with the scopes that are registered for the route."""

SessionUser = Annotated[UserWithSession, Depends(_current_user_with_session)]
"""The user of a session. A route with it refuses API tokens."""


def _make_refusal(request: Request) -> NotAuthenticated:
    """Returns the error for a request without a valid token. It tells a bearer token that is not valid from none."""
    return InvalidToken() if find_bearer_token(request.headers) else NotAuthenticated()


async def _fetch_user_with_session(
    request: Request, claims: SessionClaims, by: Literal["user", "token"]
) -> UserWithSession:
    resources = get_resources(request)
    session = (
        resources.database,
        resources.last_seen,
        resources.settings.sessions.max_lifetime,
        claims.user_id,
        claims.session_id,
    )
    try:
        user, last_seq = await sessions.fetch_user(*session)
    except NotAuthenticated:
        raise _make_refusal(request) from None
    request.state.user_id = str(user.id)
    if by == "user" and claims.is_half_over:
        # The session is renewed when the response starts, because it may end while the request is served.
        request.state.add_response_headers = partial(_renew_cookie, request, claims)
    return UserWithSession(
        *structs.astuple(user),
        session_id=claims.session_id,
        by=by,
        quotas=resources.settings.quotas,
        last_seq=last_seq,
    )


async def _fetch_user_of_token(request: Request, token_hash: bytes) -> SignedInUser:
    """Returns the user of an API token or an access token that has the scopes of the route."""
    resources = get_resources(request)
    found = await _fetch_token_user(request, token_hash)
    # Until now the request may have counted for its network. From here on its user waits for the database.
    current_client.set(Client("token", found.user.id.int))
    request.state.user_id = str(found.user.id)
    needed = find_scopes(request.method, request.scope["route"].path_format)
    if not needed or not needed <= found.scopes:
        raise InsufficientScope(needed)
    return SignedInUser(
        *structs.astuple(found.user),
        by="token",
        quotas=resources.settings.quotas,
        last_seq=found.last_seq,
        token_id=found.token_id,
        token_name=found.token_name,
        scopes=found.scopes,
        may_delete_unasked=found.may_delete_unasked,
    )


async def _fetch_token_user(request: Request, token_hash: bytes) -> TokenUser:
    resources = get_resources(request)
    if isinstance(token_hash, AccessTokenHash):
        resource = find_resource(request.scope)
        return await access_tokens.fetch_user(resources.database, resources.token_memory, token_hash, resource=resource)
    return await api_tokens.fetch_user(resources.database, resources.token_memory, token_hash)


async def _renew_cookie(request: Request, claims: SessionClaims) -> list[tuple[bytes, bytes]]:
    """Renews the session of a cookie. Returns the header that sets the new cookie.

    Returns no header when the session has ended, or when this process renewed it some seconds ago. Bearer tokens are
    not renewed.
    """
    resources = get_resources(request)
    if not resources.renewals.needs_update(claims.session_id):
        return []
    resources.renewals.note_update(claims.session_id)
    # Without a database the response is sent as it is: the next request renews the session.
    with suppress(ServiceError):
        renewed = await sessions.renew(
            resources.database, resources.settings.sessions, claims.user_id, claims.session_id
        )
        if renewed is not None:
            response = Response()
            set_session_cookie(response, request, sign_token(request, claims.user_id, renewed), renewed)
            return [pair for pair in response.raw_headers if pair[0] == b"set-cookie"]
    return []


def sign_token(request: Request, user_id: UUID, session: OpenSession) -> str:
    return get_resources(request).session_tokens.sign(user_id, session.id, session.remaining)


def set_session_cookie(response: Response, request: Request, token: str, session: OpenSession) -> None:
    """Sets the session cookie, which expires with the session."""
    set_cookie(response, request, COOKIE, token, seconds=round(session.remaining.total_seconds()))


def set_cookie(response: Response, request: Request, name: str, value: str, *, seconds: int) -> None:
    """Sets a secure or a lax cookie that expires after `seconds`.

    A secure cookie is for pages of all sites, but only over HTTPS; a lax cookie is for pages of the same site. The
    setting `session_cookie` decides; with `auto`, HTTPS requests get a secure cookie.
    """
    in_production, settings = get_resources(request).settings.in_production, get_resources(request).settings.sessions
    by_scheme = settings.session_cookie == "auto" and request.url.scheme == "https"
    secure = by_scheme or settings.session_cookie == "secure"
    if in_production and settings.session_cookie == "auto" and not secure:
        warn_of_insecure_cookies()
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        domain=settings.cookie_domain,
        secure=secure,
        httponly=True,
        samesite="none" if secure else "lax",
    )


@cache
def warn_of_insecure_cookies() -> None:
    """Logs a warning, once in a process."""
    log.warning(
        "A login over http got a cookie that is not secure. Behind a proxy that ends TLS, set FORWARDED_ALLOW_IPS to "
        "its addresses. If http is intended, set SESSION_COOKIE=lax."
    )


def clear_session_cookie(response: Response, settings: SessionSettings) -> None:
    """Clears the session cookie in all forms: secure or lax, with or without the cookie domain of the settings.

    The cookie may have been set under other settings.
    """
    for domain in dict.fromkeys((None, settings.cookie_domain)):
        response.delete_cookie(COOKIE, domain=domain, secure=True, httponly=True, samesite="none")
        response.delete_cookie(COOKIE, domain=domain, secure=False, httponly=True, samesite="lax")
