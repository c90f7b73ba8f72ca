"""Logins that need more than a password: by a second factor after it, or by a passkey without it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast
from uuid import UUID

from pydantic import MISSING

from todo_core.accounts import passkeys, rate_limits, recovery_codes, second_factor, totp
from todo_core.accounts.audit import Caller, failures_recorded
from todo_core.accounts.ceremonies import Options, build_login_options, find_challenge
from todo_core.accounts.challenges import Challenge, decode_base64, digest_hash, encode_base64, use_up
from todo_core.accounts.email_keys import normalize_email
from todo_core.accounts.errors import InvalidChallenge, InvalidCode, InvalidPasskey, SecondFactorRequired
from todo_core.accounts.login_checks import LoginChecks
from todo_core.accounts.login_limits import find_code_counter, find_login_counters
from todo_core.accounts.models import SecondStep
from todo_core.accounts.operations import VerifiedPassword
from todo_core.accounts.passkey_models import Assertion
from todo_core.accounts.passkeys import VerifiedPasskey
from todo_core.accounts.sessions import OpenedBy
from todo_core.accounts.totp import CODE_DIGITS
from todo_core.accounts.user import USER_COLUMNS, User
from todo_core.database.executor import Database, Executor, Row
from todo_core.database.statements import Statement
from todo_core.secret_box import SecretBox

_SELECT: Final = Statement(f"""
    SELECT {USER_COLUMNS}, password_hash, known_networks FROM users WHERE id = :user_id
""")  # noqa: S608 - constants


async def require_no_second_factor(
    db: Database, checks: LoginChecks, verified: VerifiedPassword, *, caller: Caller
) -> None:
    """Checks that the account has no second factor. Raises SecondFactorRequired, with a challenge to answer."""
    factors = await second_factor.find(db, verified.user.id)
    if factors.is_on:
        challenge = Challenge.new(verified.user.id, verified.password_hash)
        with failures_recorded("login", caller, verified.user.id):
            text = encode_base64(checks.challenges.sign("second_factor", challenge))
            raise SecondFactorRequired(text, factors.methods)


async def complete(
    db: Database, checks: LoginChecks, step: SecondStep, *, caller: Caller
) -> tuple[VerifiedPassword, OpenedBy]:
    """Ends a login by the second factor. Returns the proof that the password was right, and the name of the whole.

    Raises InvalidChallenge, InvalidCode, InvalidPasskey, and TooManyAttempts after too many wrong codes.
    """
    signed = decode_base64(step.challenge)
    challenge, verified = await _find_login(db, checks, signed)
    with failures_recorded("login", caller, verified.user.id):
        if step.credential is not MISSING:
            passkey = await passkeys.verify(db, checks.party, step.credential, signed, verified.user.id)
            await _use_passkey(db, passkey, challenge)
            return verified, "password_passkey"
        counter = find_code_counter(checks.passwords, normalize_email(verified.user.email), caller)
        async with guesses_counted(db, checks, counter), db.transaction() as transaction:
            opened_by = await use_code(transaction, checks.box, verified.user.id, cast("str", step.code))
            if opened_by is None:
                raise InvalidCode
            if not await use_up(transaction, challenge, verified.user.id):
                raise InvalidChallenge
    return verified, opened_by


async def begin_by_passkey(db: Database, checks: LoginChecks, challenge_text: str | None) -> Options:
    """Returns the options of a login by passkey: after a password with its challenge, or without a password.

    Raises InvalidChallenge.
    """
    if challenge_text is None:
        return await build_login_options(checks.party, checks.challenges.sign("passkey_login", Challenge.new()))
    signed = decode_base64(challenge_text)
    _, verified = await _find_login(db, checks, signed)
    return await build_login_options(checks.party, signed, await passkeys.list_credentials(db, verified.user.id))


async def log_in_by_passkey(
    db: Database, checks: LoginChecks, assertion: Assertion, *, caller: Caller
) -> VerifiedPassword:
    """Checks a passkey that signs in without a password. Raises InvalidPasskey.

    Raises TooManyAttempts when the account or the network has too many logins.
    """
    with failures_recorded("login", caller):
        passkey, challenge = await verify_discoverable(db, checks, assertion)
    with failures_recorded("login", caller, passkey.user_id):
        row = await db.fetch_one(_SELECT, user_id=passkey.user_id)
        if row is None:
            raise InvalidPasskey
        counters = find_login_counters(checks.passwords, normalize_email(row["email"]), row["known_networks"], caller)
        await rate_limits.count_attempt(db, counters.successes, checks.passwords.limits.window)
        await _use_passkey(db, passkey, challenge)
    return _to_proof(row)


async def verify_discoverable(
    db: Database, checks: LoginChecks, assertion: Assertion
) -> tuple[VerifiedPasskey, Challenge]:
    """Checks the response to login options without a password, of any user. Raises InvalidPasskey."""
    signed = find_challenge(assertion.response.client_data)
    challenge = checks.challenges.read("passkey_login", signed)
    passkey = await passkeys.verify(db, checks.party, assertion, signed) if challenge else None
    if challenge is None or passkey is None:
        raise InvalidPasskey
    return passkey, challenge


async def use_code(db: Executor, box: SecretBox, user_id: UUID, code: str) -> OpenedBy | None:
    """Uses up a code of the app or a recovery code. Returns which of them it was, or None for a wrong code."""
    if len(code) == CODE_DIGITS:
        return "totp" if await totp.use(db, box, user_id, code) else None
    return "recovery_code" if await recovery_codes.use(db, user_id, code) else None


@asynccontextmanager
async def guesses_counted(db: Database, checks: LoginChecks, key: str) -> AsyncIterator[None]:
    """Counts the block as a wrong code unless it succeeds. Raises TooManyAttempts before the block past the limit.

    Counted before the check, so that concurrent guesses cannot pass the limit. A right code sets the count to zero.
    """
    await rate_limits.count_attempt(
        db, {key: checks.passwords.limits.failed_logins_per_account}, checks.passwords.limits.window
    )
    yield
    await rate_limits.clear_attempts(db, [key])


async def _use_passkey(db: Database, passkey: VerifiedPasskey | None, challenge: Challenge) -> None:
    """Stores the use of a passkey and of the challenge that it signed. Raises InvalidPasskey if either was used."""
    if passkey is None:
        raise InvalidPasskey
    async with db.transaction() as transaction:
        if not (await use_up(transaction, challenge, passkey.user_id) and await passkey.use(transaction)):
            raise InvalidPasskey


async def _find_login(db: Database, checks: LoginChecks, signed: bytes) -> tuple[Challenge, VerifiedPassword]:
    """Returns a challenge and the login to which it belongs. Raises InvalidChallenge."""
    challenge = checks.challenges.read("second_factor", signed)
    row = await db.fetch_one(_SELECT, user_id=challenge.user_id) if challenge else None
    if challenge is None or row is None or digest_hash(row["password_hash"]) != challenge.password_digest:
        raise InvalidChallenge
    return challenge, _to_proof(row)


def _to_proof(row: Row) -> VerifiedPassword:
    return VerifiedPassword(User(*row[:-2]), row["password_hash"])
