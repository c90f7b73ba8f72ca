"""Account operations: registration, password checks, profile and password changes, and closing (deletion)."""

import asyncio
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from typing import Final
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from todo_core.accounts import rate_limits, sessions
from todo_core.accounts.common_passwords import require_uncommon
from todo_core.accounts.errors import EmailTaken, InvalidCredentials, WrongPassword
from todo_core.accounts.models import Credentials, ProfileUpdate, Registration
from todo_core.accounts.passwords import PasswordHasher
from todo_core.accounts.sessions import OpenSession
from todo_core.accounts.user import USER_COLUMNS, User
from todo_core.database.executor import Database
from todo_core.database.statements import Statement, assignments
from todo_core.errors import DatabaseUnavailable, NotAuthenticated
from todo_core.identifiers import new_id
from todo_core.limits import RateLimits
from todo_core.settings import SessionSettings

_CLOSING_TIMEOUT_SECONDS: Final = 60
"""The timeout of a deletion, long enough for an account with hundreds of thousands of todos."""
_MAX_CLOSING_ATTEMPTS: Final = 40


@dataclass(frozen=True, slots=True)
class VerifiedPassword:
    """Proof that the caller knows an account's password: the account, and its stored password hash at that time.

    The proof is valid until the stored hash changes.
    """

    user: User
    password_hash: str = field(repr=False)


_HASH_UNCHANGED: Final = "id = :user_id AND password_hash = :known_hash"

_INSERT = Statement(f"""
    INSERT INTO users (id, email, email_key, password_hash, name, timezone)
    VALUES (:id, :email, :email_key, :password_hash, :name, :timezone)
    ON CONFLICT (email_key) DO NOTHING
    RETURNING {USER_COLUMNS}
""")  # noqa: S608 - constants, as all below
_SELECT_BY_EMAIL = Statement(f"SELECT {USER_COLUMNS}, password_hash FROM users WHERE email_key = :email_key")  # noqa: S608
_REPLACE_HASH = Statement(f"UPDATE users SET password_hash = :new_hash WHERE {_HASH_UNCHANGED} RETURNING id")  # noqa: S608
_LOCK_ACCOUNT = Statement("SELECT lock_account(:user_id)")
_DELETE = Statement(f"DELETE FROM users WHERE {_HASH_UNCHANGED} RETURNING id")  # noqa: S608


@cache
def _build_update(columns: frozenset[str]) -> Statement:
    return Statement(f"UPDATE users SET {assignments(columns)} WHERE id = :user_id RETURNING {USER_COLUMNS}")  # noqa: S608


def _normalize_email(email: str) -> str:
    """Returns the form of an email that only one account may have: emails that differ only by case are the same."""
    return unicodedata.normalize("NFC", email.casefold())


async def register(
    db: Database, hasher: PasswordHasher, limits: RateLimits, registration: Registration, *, address: str
) -> User:
    """Creates an account. Counts the attempt against the limit of the address's network.

    Raises CommonPassword, EmailTaken, TooBusy, and TooManyAttempts after too many registrations from the network.
    """
    require_uncommon(registration.password, email=registration.email, name=registration.name, field="password")
    network = rate_limits.find_network(address)
    await rate_limits.count_attempt(db, {f"register:{network}": limits.registrations_per_address}, limits.window)
    row = await db.write(
        _INSERT,
        id=new_id(),
        email=registration.email,
        email_key=_normalize_email(registration.email),
        password_hash=await hasher.hash(registration.password.get_secret_value()),
        name=registration.name,
        timezone=registration.timezone,
    )
    if row is None:
        raise EmailTaken
    return User(*row)


async def authenticate(
    db: Database, hasher: PasswordHasher, limits: RateLimits, credentials: Credentials, *, address: str
) -> VerifiedPassword:
    """Checks the password of the account with this email.

    Raises InvalidCredentials. A failure takes about as long without an account as with one, so that the time does
    not reveal accounts. Raises TooManyAttempts after too many failures for the email or from the address's network,
    and TooBusy.
    """
    email_key = _normalize_email(credentials.email)
    account, network = f"login:account:{email_key}", f"login:network:{rate_limits.find_network(address)}"
    failures = {account: limits.failed_logins_per_account, network: limits.failed_logins_per_address}
    await rate_limits.require_attempts_left(db, failures)
    row = await db.fetch_one(_SELECT_BY_EMAIL, email_key=email_key)
    stored_hash = row["password_hash"] if row else None
    matches, new_hash = await hasher.verify(credentials.password.get_secret_value(), stored_hash)
    if row is None or not matches:
        await rate_limits.count_attempt(db, failures, limits.window)
        raise InvalidCredentials
    await rate_limits.require_attempts_left(db, failures)
    verified = VerifiedPassword(User(*row[:-1]), row["password_hash"])
    if new_hash is not None:
        verified = await _replace_outdated_hash(db, verified, new_hash)
    await rate_limits.clear_attempts(db, account)
    return verified


async def _replace_outdated_hash(db: Database, verified: VerifiedPassword, new_hash: str) -> VerifiedPassword:
    """Stores a new hash of the same password, unless the stored hash has changed meanwhile.

    Returns the proof with the new hash if that is stored, else `verified`.
    """
    replaced = await db.write(
        _REPLACE_HASH, user_id=verified.user.id, known_hash=verified.password_hash, new_hash=new_hash
    )
    return verified if replaced is None else VerifiedPassword(verified.user, new_hash)


async def verify_current_password(
    db: Database, hasher: PasswordHasher, limits: RateLimits, credentials: Credentials, *, address: str
) -> VerifiedPassword:
    """Checks the password of a signed-in user. Raises WrongPassword, TooManyAttempts and TooBusy."""
    try:
        return await authenticate(db, hasher, limits, credentials, address=address)
    except InvalidCredentials:
        raise WrongPassword from None


async def update_profile(db: Database, user: User, changes: ProfileUpdate) -> User:
    """Stores the changes of name and time zone. Raises NotAuthenticated when the account no longer exists."""
    values = changes.model_dump()
    if not values:
        return user
    row = await db.write(_build_update(frozenset(values)), user_id=user.id, **values)
    if row is None:
        raise NotAuthenticated
    return User(*row)


async def change_password(  # noqa: PLR0913 - the proof, the new password, and what a new token needs
    db: Database,
    hasher: PasswordHasher,
    settings: SessionSettings,
    verified: VerifiedPassword,
    new_password: SecretStr,
    *,
    session_id: UUID,
) -> OpenSession:
    """Stores a new password and ends all sessions except `session_id`. Returns that session under its new id.

    Raises CommonPassword, TooBusy, WrongPassword when `verified` is no longer valid, and NotAuthenticated when the
    session has ended.
    """
    require_uncommon(new_password, email=verified.user.email, name=verified.user.name, field="new_password")
    new_hash = await hasher.hash(new_password.get_secret_value())
    async with db.transaction() as transaction:
        # The UPDATE precedes the deletion of sessions. It waits for running logins with the old password, so that the
        # deletion ends their sessions too.
        replaced = await transaction.write(
            _REPLACE_HASH, user_id=verified.user.id, known_hash=verified.password_hash, new_hash=new_hash
        )
        if replaced is None:
            raise WrongPassword
        await sessions.close_others(transaction, verified.user.id, session_id)
        return await sessions.replace(transaction, settings, verified.user.id, session_id)


async def close_account(db: Database, verified: VerifiedPassword) -> None:
    """Deletes the account with all its data.

    Raises WrongPassword when `verified` is no longer valid. Raises DatabaseUnavailable when other transactions hold
    locks on the account's data in each of 40 attempts.
    """
    for attempt in range(_MAX_CLOSING_ATTEMPTS):
        if await _try_to_close(db, verified):
            return
        await asyncio.sleep(0.02 * attempt)
    raise DatabaseUnavailable


async def _try_to_close(db: Database, verified: VerifiedPassword) -> bool:
    """Deletes the account. Returns False after a deadlock or too long a wait for a lock: the caller tries again."""
    async with db.transaction(timeout_seconds=_CLOSING_TIMEOUT_SECONDS) as transaction:
        try:
            await transaction.write(_LOCK_ACCOUNT, user_id=verified.user.id)
            closed = await transaction.write(_DELETE, user_id=verified.user.id, known_hash=verified.password_hash)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            # The `return` commits, but PostgreSQL rolls back at the COMMIT of a failed transaction.
            return False
        if closed is None:
            raise WrongPassword
    return True
