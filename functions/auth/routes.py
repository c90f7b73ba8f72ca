from fastapi import APIRouter, Request, Response

from functions.auth.models import LOGIN_BODY, SubmittedLogin, TokenRead, UserRead
from todo_core import sessions, users
from todo_core.errors import (
    CrossOrigin,
    DatabaseUnavailable,
    EmailTaken,
    InvalidCredentials,
    NotAuthenticated,
    TooBusy,
    TooManyAttempts,
)
from todo_core.user import User
from todo_core.users import Registration
from todo_core.web.identity import (
    COOKIE,
    CurrentUser,
    bearer_token,
    clear_session_cookie,
    set_session_cookie,
)
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, describe
from todo_core.web.resources import resources_of

router = APIRouter(prefix="/api/v1/auth", tags=["auth"], responses=describe(DatabaseUnavailable))


@router.post(
    "/register",
    status_code=201,
    response_model=UserRead,
    responses=describe(
        CrossOrigin, EmailTaken, TooManyAttempts, ValidationFailed, TooBusy, DatabaseUnavailable, *BODY_ERRORS
    ),
)
async def register(registration: Registration, request: Request) -> User:
    """Creates an account. Sign in to it with `POST /login`."""
    resources = resources_of(request)
    return await users.register(
        resources.database, resources.passwords, resources.limits, registration, address=_address(request)
    )


@router.post(
    "/login",
    openapi_extra=LOGIN_BODY,
    responses=describe(
        CrossOrigin, InvalidCredentials, TooManyAttempts, ValidationFailed, TooBusy, DatabaseUnavailable, *BODY_ERRORS
    ),
)
async def login(submitted: SubmittedLogin, request: Request, response: Response) -> TokenRead | UserRead:
    """Signs in and sets the cookie `session_token`. The OAuth2 password form also gets the token itself."""
    resources = resources_of(request)
    user = await users.authenticate(
        resources.database,
        resources.passwords,
        resources.limits,
        submitted.credentials,
        address=_address(request),
    )
    lifetime = resources.tokens.lifetime
    session_id = await sessions.open_session(
        resources.database, user.id, lifetime, user_agent=request.headers.get("user-agent")
    )
    token = resources.tokens.sign(user.id, session_id)
    set_session_cookie(response, request, token)
    if submitted.by_form:
        return TokenRead(**vars(user), access_token=token, expires_in=resources.settings.session_seconds)
    return UserRead.model_validate(user)


@router.post("/logout", status_code=204, responses=describe(CrossOrigin))
async def logout(request: Request, response: Response) -> None:
    """Ends the session, so that its token is no good any more, and clears the cookie. Fine without a session too."""
    resources = resources_of(request)
    clear_session_cookie(response, resources.settings)
    for token in filter(None, (request.cookies.get(COOKIE), bearer_token(request.headers))):
        try:
            claims = resources.tokens.verify_even_if_expired(token)
        except NotAuthenticated:
            continue
        await sessions.close(resources.database, claims.user_id, claims.session_id)


@router.get("/me", response_model=UserRead, responses=describe(NotAuthenticated))
async def me(user: CurrentUser) -> User:
    """The account that is signed in."""
    return user


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
