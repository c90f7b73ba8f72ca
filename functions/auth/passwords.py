"""The confirmation of a request by the password of the signed-in user."""

from typing import Final

from fastapi import Request
from pydantic import SecretStr

from todo_core.accounts import operations
from todo_core.accounts.audit import Event
from todo_core.accounts.errors import TooManyAttempts, WrongPassword
from todo_core.accounts.operations import VerifiedPassword
from todo_core.errors import CrossOrigin, DatabaseUnavailable, NotAuthenticated, TooBusy
from todo_core.web.callers import find_caller
from todo_core.web.identity import UserWithSession
from todo_core.web.problems import BODY_ERRORS, ValidationFailed
from todo_core.web.resources import get_resources

PASSWORD_ERRORS: Final = (
    NotAuthenticated,
    CrossOrigin,
    WrongPassword,
    TooManyAttempts,
    ValidationFailed,
    TooBusy,
    DatabaseUnavailable,
    *BODY_ERRORS,
)


async def verify_password(
    password: SecretStr, user: UserWithSession, request: Request, event: Event
) -> VerifiedPassword:
    """Checks the password of the signed-in user. Raises WrongPassword, TooManyAttempts and TooBusy."""
    resources = get_resources(request)
    return await operations.verify_current_password(
        resources.database,
        resources.password_checks,
        user,
        password,
        session_id=user.session_id,
        caller=find_caller(request),
        event=event,
    )
