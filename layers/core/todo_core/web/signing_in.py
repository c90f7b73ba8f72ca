"""The session that a login opens: its token, its cookies, and its event in the log."""

from contextlib import suppress

from fastapi import Request, Response

from todo_core.accounts import operations, sessions
from todo_core.accounts.audit import Event, record
from todo_core.accounts.errors import SessionNotFound
from todo_core.accounts.operations import VerifiedPassword
from todo_core.accounts.sessions import OpenedBy
from todo_core.errors import DatabaseUnavailable, NotAuthenticated, RateLimited
from todo_core.secret_values import SecretValue
from todo_core.web.callers import find_caller
from todo_core.web.devices import set_device_cookie
from todo_core.web.identity import COOKIE, set_session_cookie, sign_token
from todo_core.web.resources import get_resources


class SignedIn(SecretValue, frozen=True):
    """The token of a new session, and the seconds until it expires."""

    token: str
    seconds: int


async def sign_in(verified: VerifiedPassword, opened_by: OpenedBy, request: Request, response: Response) -> SignedIn:
    """Opens a session, sets its cookie and the cookie of the device, and ends the session that the browser had.

    Raises InvalidCredentials when the account was closed or its password changed meanwhile.
    """
    resources, user = get_resources(request), verified.user
    session = await sessions.open_session(
        resources.database,
        resources.settings.sessions,
        user.id,
        password_hash=verified.password_hash,
        user_agent=request.headers.get("user-agent"),
        opened_by=opened_by,
    )
    record("login", "success", find_caller(request), account_id=user.id, opened_by=opened_by)
    # The login has succeeded. If the database fails or is too busy now, these sessions end when they expire.
    with suppress(DatabaseUnavailable, RateLimited):
        await end_session_of_token(request, request.cookies.get(COOKIE), "session_end")
        await sessions.close_surplus(resources.database, user.id, max_sessions=resources.settings.quotas.sessions)
    token = sign_token(request, user.id, session)
    set_session_cookie(response, request, token, session)
    set_device_cookie(response, request, operations.make_device_token(resources.password_checks, user))
    return SignedIn(token, round(session.remaining.total_seconds()))


async def end_session_of_token(request: Request, token: str | None, event: Event) -> None:
    """Ends the session of a token, expired or not, and logs the event. Does nothing when the session has ended."""
    if token:
        resources = get_resources(request)
        with suppress(NotAuthenticated, SessionNotFound):
            claims = resources.session_tokens.verify_even_if_expired(token)
            await sessions.close(resources.database, claims.user_id, claims.session_id)
            record(event, "success", find_caller(request), account_id=claims.user_id)
