from typing import Final

from fastapi import APIRouter, Request

from functions.auth.second_factor.models import RecoveryCodesRead, SecondFactorRead, TotpRead
from todo_core.accounts import confirmations, second_factor, totp
from todo_core.accounts.audit import failures_recorded, record
from todo_core.accounts.change_models import TotpConfirmation
from todo_core.accounts.errors import (
    ConfirmationRequired,
    SecondFactorNotFound,
    TotpEnabled,
    TotpNotFound,
    WrongCode,
)
from todo_core.accounts.second_factor import Factors
from todo_core.accounts.totp import NewTotp
from todo_core.errors import CrossOrigin, DatabaseUnavailable, NotAuthenticated
from todo_core.web.callers import find_caller
from todo_core.web.identity import SessionUser
from todo_core.web.login_checks import CurrentChecks
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.resources import CurrentDatabase

PATH: Final = "/api/v1/auth/second-factor"

router = APIRouter(
    prefix=PATH, tags=["second factor"], responses=error_responses(NotAuthenticated, DatabaseUnavailable)
)


@router.get("", response_model=SecondFactorRead)
async def read_second_factor(user: SessionUser, db: CurrentDatabase) -> Factors:
    """Returns what the account has. Logins by password ask for a second factor if it has an app or a passkey."""
    return await second_factor.find(db, user.id)


@router.post(
    "/totp",
    response_model=TotpRead,
    responses=error_responses(CrossOrigin, ConfirmationRequired, TotpEnabled),
)
async def prepare_totp(user: SessionUser, checks: CurrentChecks, db: CurrentDatabase) -> NewTotp:
    """Makes a secret for an authenticator app (RFC 6238). It takes effect with `POST /second-factor/totp/confirm`."""
    await confirmations.require(db, user.id, user.session_id)
    return await totp.prepare(db, checks.box, user.id, user.email)


@router.post(
    "/totp/confirm",
    responses=error_responses(
        CrossOrigin, ConfirmationRequired, WrongCode, TotpNotFound, ValidationFailed, *BODY_ERRORS
    ),
)
async def confirm_totp(
    confirmation: TotpConfirmation, user: SessionUser, checks: CurrentChecks, db: CurrentDatabase, request: Request
) -> RecoveryCodesRead:
    """Turns on the app by one of its codes. From now on, logins ask for a code.

    The first factor of an account comes with ten recovery codes. Each stands in once for a lost device.
    """
    await confirmations.require(db, user.id, user.session_id)
    with failures_recorded("second_factor_add", find_caller(request), user.id):
        codes = await second_factor.turn_on_totp(db, checks.box, user.id, confirmation.code)
    record("second_factor_add", "success", find_caller(request), account_id=user.id)
    return RecoveryCodesRead(recovery_codes=codes)


@router.delete(
    "/totp",
    status_code=204,
    responses=error_responses(CrossOrigin, ConfirmationRequired, TotpNotFound),
)
async def remove_totp(user: SessionUser, db: CurrentDatabase, request: Request) -> None:
    """Removes the authenticator app. Confirm by a code of it first, or by another second factor."""
    await confirmations.require(db, user.id, user.session_id)
    await second_factor.turn_off_totp(db, user.id)
    record("second_factor_remove", "success", find_caller(request), account_id=user.id)


@router.post(
    "/recovery-codes",
    responses=error_responses(CrossOrigin, ConfirmationRequired, SecondFactorNotFound),
)
async def renew_recovery_codes(user: SessionUser, db: CurrentDatabase, request: Request) -> RecoveryCodesRead:
    """Makes ten new recovery codes. The earlier ones no longer work."""
    await confirmations.require(db, user.id, user.session_id)
    codes = await second_factor.renew_recovery_codes(db, user.id)
    record("recovery_codes", "success", find_caller(request), account_id=user.id)
    return RecoveryCodesRead(recovery_codes=codes)
