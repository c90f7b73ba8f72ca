"""The second factor of an account: an authenticator app, passkeys, and recovery codes for when both are lost.

A login by password asks for it as soon as the account has an app or a passkey. The first of them comes with recovery
codes, and the removal of the last one deletes the codes.
"""

from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.accounts import passkeys, recovery_codes, totp
from todo_core.accounts.ceremonies import NewCredential
from todo_core.accounts.challenges import Challenge
from todo_core.accounts.errors import SecondFactorNotFound, TotpNotFound
from todo_core.accounts.passkey_models import PasskeyRegistration
from todo_core.accounts.passkeys import Passkey
from todo_core.database.executor import Database, Executor
from todo_core.database.statements import Statement
from todo_core.errors import NotAuthenticated
from todo_core.secret_box import SecretBox

_SELECT: Final = Statement("""
    SELECT
        EXISTS (SELECT FROM totp WHERE user_id = :user_id AND confirmed_at IS NOT NULL) AS totp,
        (SELECT count(*)::int FROM passkeys WHERE user_id = :user_id) AS passkeys,
        (SELECT count(*)::int FROM recovery_codes WHERE user_id = :user_id) AS recovery_codes
""")
# Conflicts with itself only: of two changes of one account's factors, the second sees what the first has done.
_LOCK: Final = Statement("SELECT id FROM users WHERE id = :user_id FOR NO KEY UPDATE")


class Factors(Struct, frozen=True):
    """The factors of an account: whether it has an app, and the numbers of its passkeys and unused recovery codes."""

    totp: bool
    passkeys: int
    recovery_codes: int

    @property
    def is_on(self) -> bool:
        return self.totp or self.passkeys > 0

    @property
    def methods(self) -> list[str]:
        """The ways in which the account can prove its second factor."""
        has = {"totp": self.totp, "recovery_code": self.recovery_codes > 0, "passkey": self.passkeys > 0}
        return [name for name, is_there in has.items() if is_there]


async def find(db: Executor, user_id: UUID) -> Factors:
    row = await db.fetch_one(_SELECT, user_id=user_id)
    assert row is not None  # noqa: S101 - a SELECT without FROM returns one row
    return Factors(*row)


async def turn_on_totp(db: Database, box: SecretBox, user_id: UUID, code: str) -> list[str] | None:
    """Turns on the prepared app by one of its codes. Returns recovery codes if it is the first factor, else None.

    Raises WrongCode, and TotpNotFound when no app is prepared.
    """
    async with db.transaction() as transaction:
        await _lock(transaction, user_id)
        await totp.confirm(transaction, box, user_id, code)
        return await _make_first_codes(transaction, user_id)


async def turn_off_totp(db: Database, user_id: UUID) -> None:
    """Removes the app, confirmed or not. Raises TotpNotFound."""
    async with db.transaction() as transaction:
        await _lock(transaction, user_id)
        if not await totp.remove(transaction, user_id):
            raise TotpNotFound
        await _drop_last_codes(transaction, user_id)


async def add_passkey(
    db: Database, user_id: UUID, new: tuple[NewCredential, Challenge], registration: PasskeyRegistration, *, quota: int
) -> tuple[Passkey, list[str] | None]:
    """Stores a verified passkey. Also returns recovery codes if it is the first factor, else None.

    Raises the errors of `passkeys.add`.
    """
    async with db.transaction() as transaction:
        await _lock(transaction, user_id)
        passkey = await passkeys.add(transaction, user_id, new, registration, quota=quota)
        return passkey, await _make_first_codes(transaction, user_id)


async def remove_passkey(db: Database, user_id: UUID, passkey_id: UUID) -> None:
    """Removes a passkey. Raises PasskeyNotFound."""
    async with db.transaction() as transaction:
        await _lock(transaction, user_id)
        await passkeys.remove(transaction, user_id, passkey_id)
        await _drop_last_codes(transaction, user_id)


async def renew_recovery_codes(db: Database, user_id: UUID) -> list[str]:
    """Replaces the recovery codes, used or not. Raises SecondFactorNotFound if the account has no second factor."""
    async with db.transaction() as transaction:
        await _lock(transaction, user_id)
        if not (await find(transaction, user_id)).is_on:
            raise SecondFactorNotFound
        return await recovery_codes.replace(transaction, user_id)


async def remove_all(db: Executor, user_id: UUID) -> None:
    """Removes the app, all passkeys and all recovery codes, so that the password alone signs in."""
    await totp.remove(db, user_id)
    await passkeys.remove_all(db, user_id)
    await recovery_codes.remove(db, user_id)


async def _lock(db: Executor, user_id: UUID) -> None:
    """Makes other changes of the account's factors wait. Raises NotAuthenticated when the account was closed."""
    if await db.fetch_one(_LOCK, user_id=user_id) is None:
        raise NotAuthenticated


async def _make_first_codes(db: Executor, user_id: UUID) -> list[str] | None:
    """Makes recovery codes if the account has exactly one factor, the one that was just added."""
    factors = await find(db, user_id)
    return await recovery_codes.replace(db, user_id) if factors.totp + factors.passkeys == 1 else None


async def _drop_last_codes(db: Executor, user_id: UUID) -> None:
    if not (await find(db, user_id)).is_on:
        await recovery_codes.remove(db, user_id)
