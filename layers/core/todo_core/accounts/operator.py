"""Operations of the operator, who needs no password.

They are invites, temporary passwords, lost second factors, and ends of sessions and accounts.
"""

from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Final
from uuid import UUID

from todo_core.accounts import api_tokens, audit, connections, invites, operations, rate_limits, second_factor, sessions
from todo_core.accounts.audit import Caller
from todo_core.accounts.email_keys import normalize_email
from todo_core.accounts.errors import AccountNotFound
from todo_core.accounts.invites import Invite
from todo_core.accounts.login_limits import list_account_keys
from todo_core.accounts.operations import VerifiedPassword
from todo_core.accounts.passwords import PasswordHasher
from todo_core.accounts.user import USER_COLUMNS, User
from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.secret_values import SecretValue

TEMPORARY_PASSWORD_LIFETIME: Final = timedelta(hours=24)
_PASSWORD_BYTES: Final = 15

_SELECT = Statement(f"SELECT {USER_COLUMNS}, password_hash FROM users WHERE email_key = :email_key")  # noqa: S608
_SET_PASSWORD = Statement("""
    UPDATE users SET password_hash = :new_hash, password_expires_at = now() + CAST(:lifetime AS interval)
    WHERE id = :user_id
    RETURNING password_expires_at
""")


class TemporaryPassword(SecretValue, frozen=True):
    """A random password that is refused from `expires_at` on. The user signs in with it and chooses another one."""

    password: str
    expires_at: datetime


async def create_invite(db: Database, caller: Caller, *, email: str | None, lifetime: timedelta) -> Invite:
    """Makes an invite for one account, with this email if one is given."""
    email_key = None if email is None else normalize_email(email)
    invite = await invites.create(db, email_key=email_key, lifetime=lifetime)
    audit.record("invite", "success", caller)
    return invite


async def reset_password(db: Database, hasher: PasswordHasher, caller: Caller, email: str) -> TemporaryPassword:
    """Replaces the account's password by a temporary one and ends all sessions. Clears the account's failed logins.

    Raises AccountNotFound.
    """
    account = await _find(db, email)
    password = token_urlsafe(_PASSWORD_BYTES)
    new_hash = await hasher.hash(password)
    async with db.transaction() as transaction:
        row = await transaction.write(
            _SET_PASSWORD, user_id=account.user.id, new_hash=new_hash, lifetime=TEMPORARY_PASSWORD_LIFETIME
        )
        if row is None:
            raise AccountNotFound
        await sessions.close_all(transaction, account.user.id)
    await rate_limits.clear_attempts(db, list_account_keys(normalize_email(email)))
    _record("password_reset", caller, account.user.id)
    return TemporaryPassword(password, row["password_expires_at"])


async def end_sessions(db: Database, caller: Caller, email: str) -> tuple[int, int]:
    """Ends all sessions and connections of the account, and deletes its API tokens.

    Returns the number of sessions, and that of connections and tokens. Raises AccountNotFound.
    """
    account = await _find(db, email)
    async with db.transaction() as transaction:
        ended = await sessions.close_all(transaction, account.user.id)
        deleted = await api_tokens.delete_all(transaction, account.user.id)
        deleted += await connections.delete_all(transaction, account.user.id)
    _record("session_end", caller, account.user.id)
    return ended, deleted


async def reset_second_factor(db: Database, caller: Caller, email: str) -> None:
    """Removes the account's app, passkeys and recovery codes, and ends all sessions. Raises AccountNotFound."""
    account = await _find(db, email)
    async with db.transaction() as transaction:
        await second_factor.remove_all(transaction, account.user.id)
        await sessions.close_all(transaction, account.user.id)
    await rate_limits.clear_attempts(db, list_account_keys(normalize_email(email)))
    _record("second_factor_reset", caller, account.user.id)


async def close_account(db: Database, caller: Caller, email: str) -> User:
    """Deletes the account with all its data. Returns the user that it had.

    Raises AccountNotFound, and DatabaseUnavailable as `operations.close_account` does.
    """
    account = await _find(db, email)
    await operations.close_account(db, account)
    _record("close_account", caller, account.user.id)
    return account.user


async def _find(db: Database, email: str) -> VerifiedPassword:
    """Returns the account with the stored hash, which takes the place of a proof that the caller knows the password.

    Raises AccountNotFound.
    """
    row = await db.fetch_one(_SELECT, email_key=normalize_email(email))
    if row is None:
        raise AccountNotFound
    return VerifiedPassword(User(*row[:-1]), row["password_hash"])


def _record(event: audit.Event, caller: Caller, account_id: UUID) -> None:
    audit.record(event, "success", caller, account_id=account_id)
