"""Codes of authenticator apps: six digits that change every 30 seconds (TOTP, RFC 6238).

The secret that an app shares with the service is encrypted in the database. pyotp and `cryptography` are imported at
the first use, in a thread, because that takes tens of milliseconds.
"""

import asyncio
from collections.abc import Sequence
from hmac import compare_digest
from time import time
from typing import Final
from uuid import UUID

from todo_core.accounts.errors import TotpEnabled, TotpNotFound, WrongCode
from todo_core.accounts.relying_party import NAME
from todo_core.database.executor import Executor, Row
from todo_core.database.statements import Statement
from todo_core.identifiers import new_id
from todo_core.secret_box import SecretBox
from todo_core.secret_values import SecretValue

STEP_SECONDS: Final = 30
CODE_DIGITS: Final = 6
_TOLERATED_STEPS: Final = (0, -1, 1)
"""The code of the current step is accepted, and those of its neighbours, because the clocks of phones differ."""

_STORE = Statement("""
    INSERT INTO totp AS stored (id, user_id, secret) VALUES (:id, :user_id, :secret)
    ON CONFLICT (user_id) DO UPDATE SET id = excluded.id, secret = excluded.secret, created_at = now()
    WHERE stored.confirmed_at IS NULL
    RETURNING id
""")
_SELECT_UNCONFIRMED = Statement("SELECT id, secret FROM totp WHERE user_id = :user_id AND confirmed_at IS NULL")
_SELECT_CONFIRMED = Statement("SELECT id, secret FROM totp WHERE user_id = :user_id AND confirmed_at IS NOT NULL")
_CONFIRM = Statement("""
    UPDATE totp SET confirmed_at = now(), last_step = :step
    WHERE user_id = :user_id AND id = :id AND confirmed_at IS NULL
    RETURNING id
""")
# The secret is encrypted anew, so that it depends no longer on a key that is being replaced.
_USE = Statement("""
    UPDATE totp SET last_step = :step, secret = :secret
    WHERE user_id = :user_id AND id = :id AND confirmed_at IS NOT NULL AND last_step < :step
    RETURNING id
""")
_DELETE = Statement("DELETE FROM totp WHERE user_id = :user_id RETURNING id")


def make_box(keys: Sequence[str]) -> SecretBox:
    """Returns the box for the secrets of apps."""
    return SecretBox(keys, b"secrets of authenticator apps")


class NewTotp(SecretValue, frozen=True):
    """A secret to be entered into an app, as text and in a URI. Front ends show the URI as a QR code."""

    secret: str
    provisioning_uri: str


async def prepare(db: Executor, box: SecretBox, user_id: UUID, email: str) -> NewTotp:
    """Stores a new secret, which takes effect when `confirm` gets a code. Replaces one that was not confirmed.

    Raises TotpEnabled when the user has an app already.
    """
    new, encrypted = await asyncio.to_thread(_make, box, email)
    if await db.write(_STORE, id=new_id(), user_id=user_id, secret=encrypted) is None:
        raise TotpEnabled
    return new


def _make(box: SecretBox, email: str) -> tuple[NewTotp, bytes]:
    import pyotp  # noqa: PLC0415 - see the module's docstring

    secret = pyotp.random_base32()
    uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=NAME)
    return NewTotp(secret, uri), box.encrypt(secret)


async def confirm(db: Executor, box: SecretBox, user_id: UUID, code: str) -> None:
    """Turns on the prepared secret. Raises WrongCode, and TotpNotFound when no secret waits for a code."""
    row = await db.fetch_one(_SELECT_UNCONFIRMED, user_id=user_id)
    if row is None:
        raise TotpNotFound
    step, _ = await asyncio.to_thread(_check, box, row, code)
    if step is None:
        raise WrongCode
    if await db.write(_CONFIRM, user_id=user_id, id=row["id"], step=step) is None:
        raise TotpNotFound


async def use(db: Executor, box: SecretBox, user_id: UUID, code: str) -> bool:
    """Uses up a code of the user's app. Returns False for a wrong one, a used one, and one before a used one."""
    row = await db.fetch_one(_SELECT_CONFIRMED, user_id=user_id)
    if row is None:
        return False
    step, encrypted = await asyncio.to_thread(_check, box, row, code)
    if step is None:
        return False
    return await db.write(_USE, user_id=user_id, id=row["id"], step=step, secret=encrypted) is not None


async def remove(db: Executor, user_id: UUID) -> bool:
    """Removes the user's app, confirmed or not. Returns False if there is none."""
    return await db.write(_DELETE, user_id=user_id) is not None


def _check(box: SecretBox, row: Row, code: str) -> tuple[int | None, bytes]:
    """Returns the step of the code, or None for a wrong one, and the secret encrypted with the first key."""
    secret = box.decrypt(row["secret"])
    if secret is None:
        return None, b""
    return find_step(secret, code, int(time())), box.encrypt(secret)


def find_step(secret: str, code: str, moment: int) -> int | None:
    """Returns the time step at `moment`, or beside it, that has this code. None for a wrong code.

    `moment` is in Unix seconds. Step n begins at 30 n seconds.
    """
    import pyotp  # noqa: PLC0415 - see the module's docstring

    totp, now = pyotp.TOTP(secret, digits=CODE_DIGITS), moment // STEP_SECONDS
    # Compared as bytes, because compare_digest raises TypeError for text outside ASCII.
    matching = (
        now + by for by in _TOLERATED_STEPS if compare_digest(totp.generate_otp(now + by).encode(), code.encode())
    )
    return next(matching, None)
