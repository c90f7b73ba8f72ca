from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from msgspec import structs

from functions.auth.passkeys.models import (
    CreationOptions,
    NewPasskeyRead,
    PasskeyRead,
)
from todo_core.accounts import confirmations, passkeys, second_factor
from todo_core.accounts.audit import failures_recorded, record
from todo_core.accounts.ceremonies import Options
from todo_core.accounts.errors import (
    ConfirmationRequired,
    PasskeyNotFound,
    PasskeyRefused,
    PasskeysNotConfigured,
    PasskeyTaken,
)
from todo_core.accounts.passkey_models import PasskeyRegistration
from todo_core.accounts.passkeys import Passkey
from todo_core.errors import CrossOrigin, DatabaseUnavailable, InvalidCursor, NotAuthenticated, QuotaExceeded
from todo_core.web.callers import find_caller
from todo_core.web.identity import SessionUser
from todo_core.web.login_checks import CurrentChecks
from todo_core.web.paging import PagedList, parse_time_and_id
from todo_core.web.path_ids import register_id
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.query import PageQuery, describe_query, parse_query
from todo_core.web.resources import CurrentDatabase, get_resources

PATH: Final = "/api/v1/auth/passkeys"
_PASSKEY_ID: Final = register_id("passkey_id", "options")
_PASSKEYS: Final = PagedList[Passkey, tuple[datetime, UUID]](
    "passkeys",
    position_of=lambda passkey: (passkey.created_at.isoformat(), passkey.id),
    parse=parse_time_and_id,
)

router = APIRouter(prefix=PATH, tags=["passkeys"], responses=error_responses(DatabaseUnavailable))


@router.get(
    "",
    response_model=list[PasskeyRead],
    responses=error_responses(NotAuthenticated, InvalidCursor, ValidationFailed),
    openapi_extra=describe_query(PageQuery),
)
async def list_passkeys(
    query: Annotated[PageQuery, Depends(parse_query(PageQuery))],
    user: SessionUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
) -> list[Passkey]:
    """Returns the passkeys of the account, the newest first."""
    page = await _PASSKEYS.read_page(
        request, response, query, lambda limit, after: passkeys.list_page(db, user.id, limit=limit, after=after)
    )
    return list(page)


@router.post(
    "/options",
    response_model=CreationOptions,
    responses=error_responses(
        NotAuthenticated, CrossOrigin, ConfirmationRequired, PasskeysNotConfigured, DatabaseUnavailable
    ),
)
async def begin_passkey(user: SessionUser, checks: CurrentChecks, db: CurrentDatabase) -> Options:
    """Returns the options with which a browser makes a passkey, valid for five minutes."""
    await confirmations.require(db, user.id, user.session_id)
    return await passkeys.begin_registration(db, checks.challenges, checks.party, user)


@router.post(
    "",
    status_code=201,
    responses=error_responses(
        NotAuthenticated,
        CrossOrigin,
        QuotaExceeded,
        PasskeyTaken,
        PasskeyRefused,
        ValidationFailed,
        PasskeysNotConfigured,
        DatabaseUnavailable,
        *BODY_ERRORS,
    ),
)
async def add_passkey(
    registration: PasskeyRegistration, user: SessionUser, checks: CurrentChecks, request: Request
) -> NewPasskeyRead:
    """Stores the passkey that a browser has made. From now on, logins by password ask for a second factor.

    The first factor of an account comes with ten recovery codes. Each stands in once for a lost device.
    """
    resources = get_resources(request)
    with failures_recorded("second_factor_add", find_caller(request), user.id):
        new = await passkeys.verify_new(checks.challenges, checks.party, user.id, registration)
        passkey, codes = await second_factor.add_passkey(
            resources.database, user.id, new, registration, quota=resources.settings.quotas.passkeys
        )
    record("second_factor_add", "success", find_caller(request), account_id=user.id)
    return NewPasskeyRead(**structs.asdict(passkey), recovery_codes=codes)


@router.delete(
    f"/{_PASSKEY_ID}",
    status_code=204,
    responses=error_responses(NotAuthenticated, CrossOrigin, ConfirmationRequired, PasskeyNotFound, ValidationFailed),
)
async def remove_passkey(passkey_id: UUID, user: SessionUser, db: CurrentDatabase, request: Request) -> None:
    """Removes a passkey. Confirm by it first, or by another second factor."""
    await passkeys.require(db, user.id, passkey_id)
    await confirmations.require(db, user.id, user.session_id)
    await second_factor.remove_passkey(db, user.id, passkey_id)
    record("second_factor_remove", "success", find_caller(request), account_id=user.id)
