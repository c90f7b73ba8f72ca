"""Who asks: the user of the session whose token came in the cookie or as a bearer token."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.security import APIKeyCookie, OAuth2PasswordBearer

from todo_core import sessions
from todo_core.errors import NotAuthenticated
from todo_core.settings import Settings
from todo_core.users import User
from todo_core.web.resources import CurrentResources

COOKIE: Final = "session_token"

_cookie = APIKeyCookie(
    name=COOKIE,
    scheme_name="SessionCookie",
    description="Set by POST /api/v1/auth/login; browsers send it by themselves.",
    auto_error=False,
)
_bearer = OAuth2PasswordBearer(
    tokenUrl="api/v1/auth/login",
    scheme_name="BearerToken",
    description="The access_token that the form of POST /api/v1/auth/login answers.",
    auto_error=False,
)
CookieToken = Annotated[str | None, Depends(_cookie)]
BearerToken = Annotated[str | None, Depends(_bearer)]


@dataclass(frozen=True, slots=True)
class SignIn:
    """The user who asks, and the session it is done in."""

    user: User
    session_id: UUID


async def _sign_in(
    request: Request,
    response: Response,
    resources: CurrentResources,
    cookie: CookieToken,
    bearer: BearerToken,
) -> SignIn:
    # A bearer token that is no good is not made good by a cookie: the request passed as one without a cookie.
    token = cookie if bearer is None else bearer
    if not token:
        raise NotAuthenticated
    claims = resources.tokens.verify(token)
    user = await sessions.user_of(resources.database, claims.user_id, claims.session_id)
    request.state.user_id = str(user.id)
    if bearer is None and claims.half_over:
        lifetime = resources.tokens.lifetime
        await sessions.extend(resources.database, user.id, claims.session_id, lifetime)
        set_session_cookie(response, request, resources.settings, resources.tokens.sign(user.id, claims.session_id))
    return SignIn(user, claims.session_id)


CurrentSignIn = Annotated[SignIn, Depends(_sign_in)]


async def _user(sign_in: CurrentSignIn) -> User:
    return sign_in.user


CurrentUser = Annotated[User, Depends(_user)]


def set_session_cookie(response: Response, request: Request, settings: Settings, token: str) -> None:
    """Over https the cookie may travel from pages of other sites; plain http cannot carry such a cookie."""
    secure = settings.session_cookie == "secure" or (
        settings.session_cookie == "auto" and request.url.scheme == "https"
    )
    response.set_cookie(
        COOKIE,
        token,
        max_age=settings.session_seconds,
        path="/",
        domain=settings.cookie_domain,
        secure=secure,
        httponly=True,
        samesite="none" if secure else "lax",
    )


def clear_session_cookie(response: Response, settings: Settings) -> None:
    """Clears every variant under which the cookie may have been set, now or under earlier settings."""
    for domain in dict.fromkeys((None, settings.cookie_domain)):
        response.delete_cookie(COOKIE, domain=domain, secure=True, httponly=True, samesite="none")
        response.delete_cookie(COOKIE, domain=domain, secure=False, httponly=True, samesite="lax")
