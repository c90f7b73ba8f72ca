"""Account operations: password checks, profile and password changes, and closing (deletion)."""

import asyncio
from functools import cache
from typing import Final
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from todo_core.accounts import links, rate_limits, sessions
from todo_core.accounts.audit import Caller, Event, failures_recorded
from todo_core.accounts.common_passwords import require_uncommon
from todo_core.accounts.email_keys import normalize_email
from todo_core.accounts.errors import InvalidCredentials, WrongPassword
from todo_core.accounts.login_limits import (
    Counters,
    PasswordChecks,
    find_login_counters,
    find_session_counters,
    list_account_keys,
    session_client,
)
from todo_core.accounts.mails import AccountMails
from todo_core.accounts.models import Credentials, ProfileUpdate
from todo_core.accounts.passwords import PasswordHasher
from todo_core.accounts.sessions import OpenSession
from todo_core.accounts.user import USER_COLUMNS, User
from todo_core.database.executor import Database, Row
from todo_core.database.statements import Statement, assignments
from todo_core.deadlines import extend
from todo_core.errors import DatabaseUnavailable, NotAuthenticated
from todo_core.secret_values import SecretValue
from todo_core.settings import SessionSettings

_CLOSING_TIMEOUT_SECONDS: Final = 60
"""The timeout of a deletion, long enough for an account with hundreds of thousands of todos."""
_MAX_CLOSING_ATTEMPTS: Final = 40
_SAMPLED_HASHES: Final = 100
_MAX_KNOWN_NETWORKS: Final = 8


class VerifiedPassword(SecretValue, frozen=True):
    """Proof that the caller knows an account's password: the account, and its stored password hash at that time.

    The proof is valid until the stored hash changes.
    """

    user: User
    password_hash: str


_HASH_UNCHANGED: Final = "id = :user_id AND password_hash = :known_hash"

# Without a hash, the check of an expired temporary password takes as long as that of an unknown account.
_SELECT_BY_EMAIL = Statement(f"""
    SELECT
        {USER_COLUMNS},
        CASE WHEN password_expires_at <= now() THEN NULL ELSE password_hash END AS password_hash,
        known_networks
    FROM users WHERE email_key = :email_key
""")  # noqa: S608
# The oldest accounts may have hashes of earlier settings, the newest have those of the latest.
_SELECT_SAMPLE = Statement(f"""
    (SELECT password_hash FROM users ORDER BY id LIMIT {_SAMPLED_HASHES})
    UNION ALL (SELECT password_hash FROM users ORDER BY id DESC LIMIT {_SAMPLED_HASHES})
""")  # noqa: S608
_ADD_NETWORK = Statement(f"""
    UPDATE users SET known_networks = (array_append(known_networks, CAST(:network AS text)))[
        greatest(cardinality(known_networks) + 2 - {_MAX_KNOWN_NETWORKS}, 1):
    ]
    WHERE id = :user_id AND NOT known_networks @> ARRAY[CAST(:network AS text)]
""")  # noqa: S608
_REPLACE_PASSWORD = Statement(f"""
    UPDATE users SET password_hash = :new_hash, password_expires_at = NULL WHERE {_HASH_UNCHANGED} RETURNING id
""")  # noqa: S608
_REPLACE_HASH = Statement(f"UPDATE users SET password_hash = :new_hash WHERE {_HASH_UNCHANGED} RETURNING id")  # noqa: S608
_LOCK_ACCOUNT = Statement("SELECT lock_account(:user_id)")
_DELETE = Statement(f"DELETE FROM users WHERE {_HASH_UNCHANGED} RETURNING id")  # noqa: S608


@cache
def _build_update(columns: frozenset[str]) -> Statement:
    return Statement(f"UPDATE users SET {assignments(columns)} WHERE id = :user_id RETURNING {USER_COLUMNS}")  # noqa: S608


async def authenticate(
    db: Database, checks: PasswordChecks, credentials: Credentials, *, caller: Caller
) -> VerifiedPassword:
    """Checks the password of the account with this email.

    Raises InvalidCredentials. A failure takes as long without an account as with one, so that the time does not
    reveal accounts. Raises TooManyAttempts when a limit of `find_login_counters` is reached, and TooBusy.
    """
    email_key = normalize_email(credentials.email)
    row = await db.fetch_one(_SELECT_BY_EMAIL, email_key=email_key)
    known_networks = row["known_networks"] if row else ()
    counters = find_login_counters(checks, email_key, known_networks, caller)
    with failures_recorded("login", caller, row["id"] if row else None):
        verified = await _check_password(db, checks, row, credentials.password, counters)
    network = checks.devices.digest_network(rate_limits.find_network(caller.address), email_key)
    if network not in known_networks:
        await db.write(_ADD_NETWORK, user_id=verified.user.id, network=network)
    return verified


def make_device_token(checks: PasswordChecks, user: User) -> str:
    """Returns a token for the device that has just signed in to the user's account."""
    return checks.devices.sign(normalize_email(user.email))


async def verify_current_password(  # noqa: PLR0913 - the user, the password, and what the limits and the log need
    db: Database,
    checks: PasswordChecks,
    user: User,
    password: SecretStr,
    *,
    session_id: UUID,
    caller: Caller,
    event: Event,
) -> VerifiedPassword:
    """Checks the password of a signed-in user. Failures count for the session only, and are logged as `event`.

    Raises WrongPassword, TooManyAttempts and TooBusy.
    """
    with failures_recorded(event, caller, user.id):
        email_key = normalize_email(user.email)
        row = await db.fetch_one(_SELECT_BY_EMAIL, email_key=email_key)
        counters = find_session_counters(checks.limits, email_key, session_id)
        try:
            return await _check_password(db, checks, row, password, counters)
        except InvalidCredentials:
            raise WrongPassword from None


async def _check_password(
    db: Database, checks: PasswordChecks, row: Row | None, password: SecretStr, counters: Counters
) -> VerifiedPassword:
    """Checks the password of an account, or of none, within the limits. Raises InvalidCredentials."""
    hasher, limits = checks.hasher, checks.limits
    await rate_limits.require_attempts_left(db, counters.all)
    if hasher.needs_sample:
        hasher.note_sample([sampled["password_hash"] for sampled in await db.fetch_all(_SELECT_SAMPLE)])
    async with hasher.slot(*counters.clients) as has_waited:
        if has_waited:
            await rate_limits.require_attempts_left(db, counters.all)
        stored_hash = row["password_hash"] if row else None
        matches, new_hash = await hasher.verify(password.get_secret_value(), stored_hash)
        if row is None or not matches:
            await rate_limits.count_attempt(db, counters.failures, limits.window)
            raise InvalidCredentials
        await rate_limits.require_attempts_left(db, counters.failures)
        await rate_limits.count_attempt(db, counters.successes, limits.window)
    verified = VerifiedPassword(User(*row[:-2]), row["password_hash"])
    if new_hash is not None:
        verified = await _replace_outdated_hash(db, verified, new_hash)
    await rate_limits.clear_attempts(db, [counters.own])
    return verified


async def _replace_outdated_hash(db: Database, verified: VerifiedPassword, new_hash: str) -> VerifiedPassword:
    """Stores a new hash of the same password, unless the stored hash has changed meanwhile.

    Returns the proof with the new hash if that is stored, else `verified`.
    """
    replaced = await db.write(
        _REPLACE_HASH, user_id=verified.user.id, known_hash=verified.password_hash, new_hash=new_hash
    )
    return verified if replaced is None else VerifiedPassword(verified.user, new_hash)


async def update_profile(db: Database, user: User, changes: ProfileUpdate) -> User:
    """Stores the changes of name and time zone. Raises NotAuthenticated when the account no longer exists."""
    values = changes.model_dump()
    if not values:
        return user
    row = await db.write(_build_update(frozenset(values)), user_id=user.id, **values)
    if row is None:
        raise NotAuthenticated
    return User(*row)


async def change_password(  # noqa: PLR0913, PLR0917 - the proof, the new password, and what a new token needs
    db: Database,
    hasher: PasswordHasher,
    mails: AccountMails,
    settings: SessionSettings,
    verified: VerifiedPassword,
    new_password: SecretStr,
    *,
    session_id: UUID,
) -> OpenSession:
    """Stores a new password and ends all sessions except `session_id`. Returns that session under its new id.

    Links for another password or email no longer work. The owner is told by mail.

    Raises CommonPassword, TooBusy, WrongPassword when `verified` is no longer valid, and NotAuthenticated when the
    session has ended.
    """
    require_uncommon(new_password, email=verified.user.email, name=verified.user.name, field="new_password")
    async with hasher.slot(session_client(session_id)):
        new_hash = await hasher.hash(new_password.get_secret_value())
    async with db.transaction() as transaction:
        # The UPDATE precedes the deletion of sessions. It waits for running logins with the old password, so that the
        # deletion ends their sessions too.
        replaced = await transaction.write(
            _REPLACE_PASSWORD, user_id=verified.user.id, known_hash=verified.password_hash, new_hash=new_hash
        )
        if replaced is None:
            raise WrongPassword
        await sessions.close_others(transaction, verified.user.id, session_id)
        await links.cancel(transaction, verified.user.id, "reset_password", "change_email")
        await mails.tell_of_new_password(transaction, verified.user)
        return await sessions.replace(transaction, settings, verified.user.id, session_id)


async def close_account(db: Database, verified: VerifiedPassword) -> None:
    """Deletes the account with all its data.

    Raises WrongPassword when `verified` is no longer valid. Raises DatabaseUnavailable when other transactions hold
    locks on the account's data in each of 40 attempts.
    """
    extend(_CLOSING_TIMEOUT_SECONDS)
    for attempt in range(_MAX_CLOSING_ATTEMPTS):
        if await _try_to_close(db, verified):
            keys = list_account_keys(normalize_email(verified.user.email))
            await rate_limits.clear_attempts(db, [*keys, rate_limits.name_webhook_key(verified.user.id)])
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
