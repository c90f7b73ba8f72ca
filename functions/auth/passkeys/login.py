from typing import Final

from fastapi import APIRouter, Request, Response

from functions.auth.models import UserRead
from functions.auth.passkeys.models import PasskeyLoginStart, RequestOptions
from todo_core.accounts import logins
from todo_core.accounts.ceremonies import Options
from todo_core.accounts.errors import InvalidChallenge, InvalidPasskey, PasskeysNotConfigured, TooManyAttempts
from todo_core.accounts.passkey_models import PasskeyLogin
from todo_core.accounts.user import User
from todo_core.errors import CrossOrigin, DatabaseUnavailable
from todo_core.web.callers import find_caller
from todo_core.web.login_checks import CurrentChecks
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.resources import CurrentDatabase, get_resources
from todo_core.web.signing_in import sign_in

PATH: Final = "/api/v1/auth/login/passkey"
_NO_CHALLENGE: Final = PasskeyLoginStart()

router = APIRouter(prefix=PATH, tags=["passkeys"], responses=error_responses(DatabaseUnavailable))


@router.post(
    "/options",
    response_model=RequestOptions,
    responses=error_responses(
        CrossOrigin, InvalidChallenge, ValidationFailed, PasskeysNotConfigured, DatabaseUnavailable, *BODY_ERRORS
    ),
)
async def begin_passkey_login(
    checks: CurrentChecks, db: CurrentDatabase, start: PasskeyLoginStart = _NO_CHALLENGE
) -> Options:
    """Returns the options with which a browser asks for a passkey, valid for five minutes.

    Send its response to `POST /login/passkey`, or with the challenge of a password to `POST /login`.
    """
    return await logins.begin_by_passkey(db, checks, start.challenge)


@router.post(
    "",
    response_model=UserRead,
    responses=error_responses(
        CrossOrigin,
        InvalidPasskey,
        TooManyAttempts,
        ValidationFailed,
        PasskeysNotConfigured,
        DatabaseUnavailable,
        *BODY_ERRORS,
    ),
)
async def log_in_by_passkey(login: PasskeyLogin, checks: CurrentChecks, request: Request, response: Response) -> User:
    """Signs in by a passkey, without a password and without another factor. Sets the cookies of a login."""
    resources = get_resources(request)
    verified = await logins.log_in_by_passkey(resources.database, checks, login.credential, caller=find_caller(request))
    await sign_in(verified, "passkey", request, response)
    return verified.user
