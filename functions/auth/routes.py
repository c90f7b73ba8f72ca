from typing import Any, Final

from fastapi import APIRouter, Request, Response
from msgspec import structs

from functions.auth.models import FORM_BODY, LOGIN_BODY, Login, SubmittedForm, SubmittedLogin, TokenRead, UserRead
from todo_core.accounts import logins, operations, registrations
from todo_core.accounts.errors import (
    CommonPassword,
    EmailTaken,
    InvalidChallenge,
    InvalidCode,
    InvalidCredentials,
    InvalidPasskey,
    InviteInvalid,
    InviteRequired,
    PasskeysNotConfigured,
    RegistrationClosed,
    SecondFactorRequired,
    TooManyAttempts,
)
from todo_core.accounts.login_checks import LoginChecks
from todo_core.accounts.models import Credentials, ProfileUpdate, Registration, SecondStep
from todo_core.accounts.operations import VerifiedPassword
from todo_core.accounts.registrations import RegistrationRules
from todo_core.accounts.sessions import OpenedBy
from todo_core.accounts.user import User
from todo_core.errors import CrossOrigin, DatabaseUnavailable, NotAuthenticated, TooBusy
from todo_core.outbox.errors import MailNotConfigured
from todo_core.web.callers import find_caller
from todo_core.web.identity import COOKIE, CurrentUser, SessionUser, clear_session_cookie, find_bearer_token
from todo_core.web.login_checks import CurrentChecks
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.request_costs import register_cost
from todo_core.web.resources import CurrentDatabase, get_resources
from todo_core.web.scopes import register_scopes
from todo_core.web.signing_in import SignedIn, end_session_of_token, sign_in
from todo_core.web.verified_emails import allow_unverified

PATH: Final = "/api/v1/auth"

# Here, because the cost counts before the first request for an export loads its route.
register_cost("GET", f"{PATH}/me/export", 20)
register_cost("POST", f"{PATH}/login", 5)
register_cost("POST", f"{PATH}/token", 5)
register_cost("POST", f"{PATH}/register", 5)
register_scopes(f"{PATH}/me", read=["account:read"])
allow_unverified("GET", f"{PATH}/me")

_SIGNED_IN: Final[dict[int | str, dict[str, Any]]] = {200: {"model": UserRead}}
"""The response to a login, without that to a form, which the OpenAPI document describes at `/token`."""

router = APIRouter(prefix=PATH, tags=["auth"], responses=error_responses(DatabaseUnavailable))


@router.post(
    "/register",
    status_code=201,
    response_model=UserRead,
    responses=error_responses(
        CrossOrigin,
        RegistrationClosed,
        InviteRequired,
        InviteInvalid,
        EmailTaken,
        CommonPassword,
        TooManyAttempts,
        ValidationFailed,
        MailNotConfigured,
        TooBusy,
        DatabaseUnavailable,
        *BODY_ERRORS,
    ),
)
async def register(registration: Registration, request: Request) -> User:
    """Creates an account, and mails a link that verifies its email. Sign in to it with `POST /login`.

    The operator decides who may register: everyone, owners of an `invite`, or nobody. If the operator demands verified
    emails, the account begins when its link is used. Then the response does not tell whether the email is taken.
    """
    resources = get_resources(request)
    settings = resources.settings
    user = await registrations.register(
        resources.database,
        resources.password_checks.hasher,
        resources.account_mails,
        RegistrationRules(settings.registration, settings.require_verified_email, settings.rate_limits),
        registration,
        caller=find_caller(request),
    )
    resources.outbox.wake()
    return user


@router.post(
    "/login",
    response_model=None,
    openapi_extra=LOGIN_BODY,
    responses=_SIGNED_IN
    | error_responses(
        CrossOrigin,
        InvalidCredentials,
        SecondFactorRequired,
        InvalidChallenge,
        InvalidCode,
        InvalidPasskey,
        TooManyAttempts,
        ValidationFailed,
        TooBusy,
        PasskeysNotConfigured,
        DatabaseUnavailable,
        *BODY_ERRORS,
    ),
)
async def login(
    submitted: SubmittedLogin, checks: CurrentChecks, request: Request, response: Response
) -> TokenRead | UserRead:
    """Signs in and sets the cookie `session_token`. Also takes the form of `POST /token`.

    An account with a second factor gets the error `second_factor_required` with a `challenge`. Send the challenge
    within five minutes with a `code`, or with the `credential` of a passkey.

    Ends the session of a cookie that comes with the request. Also sets the cookie `device_token`, with which this
    browser can still sign in while others guess the password.
    """
    verified, opened_by = await _verify_login(submitted, checks, request)
    signed_in = await sign_in(verified, opened_by, request, response)
    if isinstance(submitted, Login) and submitted.by_form:
        return _build_token(verified.user, signed_in)
    return UserRead.model_validate(verified.user)


@router.post(
    "/token",
    openapi_extra=FORM_BODY,
    responses=error_responses(
        CrossOrigin,
        InvalidCredentials,
        SecondFactorRequired,
        TooManyAttempts,
        ValidationFailed,
        TooBusy,
        DatabaseUnavailable,
        *BODY_ERRORS,
    ),
)
async def create_session_token(
    credentials: SubmittedForm, checks: CurrentChecks, request: Request, response: Response
) -> TokenRead:
    """Signs in by the OAuth2 password form, and returns the token for `Authorization: Bearer`.

    Otherwise like `POST /login`, by which an account with a second factor goes on.
    """
    verified = await _verify_password(credentials, checks, request)
    return _build_token(verified.user, await sign_in(verified, "password", request, response))


def _build_token(user: User, signed_in: SignedIn) -> TokenRead:
    return TokenRead(**structs.asdict(user), access_token=signed_in.token, expires_in=signed_in.seconds)


async def _verify_login(
    submitted: Login | SecondStep, checks: LoginChecks, request: Request
) -> tuple[VerifiedPassword, OpenedBy]:
    if isinstance(submitted, SecondStep):
        return await logins.complete(get_resources(request).database, checks, submitted, caller=find_caller(request))
    return await _verify_password(submitted.credentials, checks, request), "password"


async def _verify_password(credentials: Credentials, checks: LoginChecks, request: Request) -> VerifiedPassword:
    db, caller = get_resources(request).database, find_caller(request)
    verified = await operations.authenticate(db, checks.passwords, credentials, caller=caller)
    await logins.require_no_second_factor(db, checks, verified, caller=caller)
    return verified


@router.post("/logout", status_code=204, responses=error_responses(CrossOrigin))
async def logout(request: Request, response: Response) -> None:
    """Ends the session, which invalidates its token, and clears the cookie. Also succeeds without a session."""
    resources = get_resources(request)
    clear_session_cookie(response, resources.settings.sessions)
    for token in (request.cookies.get(COOKIE), find_bearer_token(request.headers)):
        await end_session_of_token(request, token, "logout")


@router.get("/me", response_model=UserRead, responses=error_responses(NotAuthenticated))
async def me(user: CurrentUser) -> User:
    """Returns the account that is signed in."""
    return user


@router.patch(
    "/me",
    response_model=UserRead,
    responses=error_responses(NotAuthenticated, CrossOrigin, ValidationFailed, *BODY_ERRORS),
)
async def update_me(changes: ProfileUpdate, user: SessionUser, db: CurrentDatabase) -> User:
    """Changes the name and the time zone. A merge patch: absent fields stay as they are, `null` clears the name."""
    return await operations.update_profile(db, user, changes)
