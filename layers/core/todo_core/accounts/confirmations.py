"""Confirmations: a session proves again that its user is present, before it changes how the account is protected.

So a stolen session can neither turn a second factor off nor add one. An account with a second factor confirms by that,
another one by its password.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import MISSING

from todo_core.accounts import logins, operations, second_factor
from todo_core.accounts.audit import Caller, failures_recorded, record
from todo_core.accounts.challenges import use_up
from todo_core.accounts.change_models import Confirmation
from todo_core.accounts.errors import ConfirmationRequired, InvalidPasskey, WrongCode, WrongPasskey
from todo_core.accounts.login_checks import LoginChecks
from todo_core.accounts.login_limits import find_session_code_counter
from todo_core.accounts.passkey_models import Assertion
from todo_core.accounts.user import User
from todo_core.database.executor import Database, Executor
from todo_core.database.statements import Statement

LIFETIME: Final = timedelta(minutes=10)

_CONFIRM = Statement(
    "UPDATE sessions SET confirmed_at = now() WHERE id = :session_id AND user_id = :user_id RETURNING id"
)
_SELECT = Statement("""
    SELECT id FROM sessions
    WHERE id = :session_id AND user_id = :user_id AND confirmed_at > now() - CAST(:lifetime AS interval)
""")


async def confirm(  # noqa: PLR0913 - the proof, its session, and what the limits and the log need
    db: Database, checks: LoginChecks, user: User, proof: Confirmation, *, session_id: UUID, caller: Caller
) -> None:
    """Stores for ten minutes that the user is present in this session.

    Raises WrongPassword, WrongCode, WrongPasskey and TooManyAttempts. Raises ConfirmationRequired for a password when
    the account has a second factor, and TooBusy.
    """
    if proof.password is not MISSING:
        await _require_no_second_factor(db, user.id, caller)
        await operations.verify_current_password(
            db, checks.passwords, user, proof.password, session_id=session_id, caller=caller, event="confirm"
        )
    else:
        with failures_recorded("confirm", caller, user.id):
            if proof.code is not MISSING:
                await _check_code(db, checks, user.id, proof.code, session_id)
            elif proof.credential is not MISSING:
                await _check_passkey(db, checks, user.id, proof.credential)
    await db.write(_CONFIRM, session_id=session_id, user_id=user.id)
    record("confirm", "success", caller, account_id=user.id)


async def require(db: Executor, user_id: UUID, session_id: UUID) -> None:
    """Checks that the session was confirmed within the last ten minutes. Raises ConfirmationRequired otherwise."""
    if await db.fetch_one(_SELECT, session_id=session_id, user_id=user_id, lifetime=LIFETIME) is None:
        factors = await second_factor.find(db, user_id)
        raise ConfirmationRequired(factors.methods if factors.is_on else ["password"])


async def _require_no_second_factor(db: Database, user_id: UUID, caller: Caller) -> None:
    factors = await second_factor.find(db, user_id)
    if factors.is_on:
        with failures_recorded("confirm", caller, user_id):
            raise ConfirmationRequired(factors.methods)


async def _check_code(db: Database, checks: LoginChecks, user_id: UUID, code: str, session_id: UUID) -> None:
    async with logins.guesses_counted(db, checks, find_session_code_counter(session_id)):
        if await logins.use_code(db, checks.box, user_id, code) is None:
            raise WrongCode


async def _check_passkey(db: Database, checks: LoginChecks, user_id: UUID, assertion: Assertion) -> None:
    try:
        passkey, challenge = await logins.verify_discoverable(db, checks, assertion)
    except InvalidPasskey:
        raise WrongPasskey from None
    if passkey.user_id != user_id or not await use_up(db, challenge, user_id) or not await passkey.use(db):
        raise WrongPasskey
