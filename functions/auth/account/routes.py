"""Routes of an account that few requests need: usage, export, password, confirmation, sessions and closing."""

import asyncio
from datetime import datetime
from importlib import import_module
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from functions.auth.account.export_response import ExportTooLarge, build_response
from functions.auth.account.models import AccountUsageRead, ExportRead, SessionRead
from functions.auth.passwords import PASSWORD_ERRORS, verify_password
from functions.auth.routes import PATH
from todo_core.accounts import confirmations, operations, sessions, usage
from todo_core.accounts.audit import record
from todo_core.accounts.change_models import Closing, Confirmation, PasswordChange
from todo_core.accounts.errors import (
    CommonPassword,
    ConfirmationRequired,
    PasskeysNotConfigured,
    SessionNotFound,
    WrongCode,
    WrongPasskey,
)
from todo_core.accounts.sessions import Session
from todo_core.accounts.usage import Usage
from todo_core.errors import CrossOrigin, DatabaseUnavailable, InvalidCursor, NotAuthenticated
from todo_core.web.callers import find_caller
from todo_core.web.identity import CurrentUser, SessionUser, clear_session_cookie, set_session_cookie, sign_token
from todo_core.web.login_checks import CurrentChecks
from todo_core.web.paging import PagedList, parse_time_and_id
from todo_core.web.problems import ValidationFailed, error_responses
from todo_core.web.query import PageQuery, describe_query, parse_query
from todo_core.web.resources import CurrentDatabase, get_resources
from todo_core.web.scopes import register_scopes
from todo_core.web.verified_emails import allow_unverified

_SESSION_HEADER: Final = "Session-Token"
_NEW_TOKEN: Final[dict[str, Any]] = {
    "headers": {
        _SESSION_HEADER: {
            "description": "The new token of a session whose token was sent as a bearer token.",
            "schema": {"type": "string"},
        }
    }
}
_SESSIONS: Final = PagedList[Session, tuple[datetime, UUID]](
    "sessions",
    position_of=lambda session: (session.created_at.isoformat(), session.id),
    parse=parse_time_and_id,
)

# The export has all data of the account.
register_scopes(f"{PATH}/me/export", read=["account:read", "chat", "todos:read"])
allow_unverified("GET", f"{PATH}/me/export")
allow_unverified("POST", f"{PATH}/close-account")

router = APIRouter(prefix=PATH, tags=["auth"], responses=error_responses(DatabaseUnavailable))


@router.get("/me/usage", response_model=AccountUsageRead, responses=error_responses(NotAuthenticated))
async def read_usage(user: CurrentUser, request: Request) -> Usage:
    """Returns how much of each quota the account has used. A write beyond a quota is refused with `quota_exceeded`."""
    resources = get_resources(request)
    return await usage.read(
        resources.database, user.id, resources.settings.quotas, resources.settings.assistant.daily_quota
    )


@router.get(
    "/me/export",
    response_model=ExportRead,
    response_class=Response,
    responses=error_responses(NotAuthenticated, ExportTooLarge)
    | {200: {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ExportRead"}}}}},
)
async def export_me(user: CurrentUser, db: CurrentDatabase, request: Request) -> Response:
    """Returns all data that the service stores about the user, as one JSON document to download."""
    # Imported here, beside the event loop: the export loads SQLAlchemy and all tables, which no other auth route needs.
    export = await asyncio.to_thread(import_module, "todo_core.accounts.export")
    return await build_response(export.stream_document(db, user.id), request)


@router.post(
    "/password", status_code=204, responses=error_responses(*PASSWORD_ERRORS, CommonPassword) | {204: _NEW_TOKEN}
)
async def change_password(change: PasswordChange, user: SessionUser, request: Request, response: Response) -> None:
    """Sets a new password and ends every other session of the account.

    The session gets a new token, and its old tokens are refused from then on. The new token is in the cookie, or in the
    header `Session-Token` for a request with a bearer token.
    """
    resources = get_resources(request)
    verified = await verify_password(change.current_password, user, request, "password_change")
    session = await operations.change_password(
        resources.database,
        resources.password_checks.hasher,
        resources.account_mails,
        resources.settings.sessions,
        verified,
        change.new_password,
        session_id=user.session_id,
    )
    resources.outbox.wake()
    record("password_change", "success", find_caller(request), account_id=user.id)
    token = sign_token(request, user.id, session)
    if user.by == "user":
        set_session_cookie(response, request, token, session)
    else:
        response.headers[_SESSION_HEADER] = token


@router.post(
    "/confirm",
    status_code=204,
    responses=error_responses(*PASSWORD_ERRORS, WrongCode, WrongPasskey, ConfirmationRequired, PasskeysNotConfigured),
)
async def confirm(
    proof: Confirmation,
    user: SessionUser,
    checks: CurrentChecks,
    request: Request,
) -> None:
    """Proves again that you are present. For ten minutes, this session may then change second factors and passkeys.

    An account with a second factor confirms by that: a code, or a passkey with `POST /login/passkey/options`. Another
    account confirms by its password.
    """
    resources = get_resources(request)
    await confirmations.confirm(
        resources.database,
        checks,
        user,
        proof,
        session_id=user.session_id,
        caller=find_caller(request),
    )


@router.get(
    "/sessions",
    responses=error_responses(NotAuthenticated, InvalidCursor, ValidationFailed),
    openapi_extra=describe_query(PageQuery),
)
async def list_sessions(
    query: Annotated[PageQuery, Depends(parse_query(PageQuery))],
    user: SessionUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
) -> list[SessionRead]:
    """Returns the sessions of the account, newest sign-in first."""
    max_lifetime = get_resources(request).settings.sessions.max_lifetime
    page = await _SESSIONS.read_page(
        request,
        response,
        query,
        lambda limit, after: sessions.list_page(db, user.id, max_lifetime=max_lifetime, limit=limit, after=after),
    )
    return [SessionRead.of(session, user.session_id) for session in page]


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    responses=error_responses(NotAuthenticated, CrossOrigin, SessionNotFound, ValidationFailed),
)
async def end_session(
    session_id: UUID, user: SessionUser, db: CurrentDatabase, request: Request, response: Response
) -> None:
    """Ends a session, which invalidates its token. Ending the current session is a logout."""
    await sessions.close(db, user.id, session_id)
    record("session_end", "success", find_caller(request), account_id=user.id)
    if session_id == user.session_id:
        clear_session_cookie(response, get_resources(request).settings.sessions)


@router.post("/close-account", status_code=204, responses=error_responses(*PASSWORD_ERRORS))
async def close_account(closing: Closing, user: SessionUser, request: Request, response: Response) -> None:
    """Deletes the account with all its data, immediately and permanently. `GET /me/export` downloads a copy before."""
    resources = get_resources(request)
    verified = await verify_password(closing.password, user, request, "close_account")
    await operations.close_account(resources.database, verified)
    record("close_account", "success", find_caller(request), account_id=user.id)
    clear_session_cookie(response, resources.settings.sessions)
