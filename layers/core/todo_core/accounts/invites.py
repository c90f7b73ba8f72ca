"""Invites: codes that the operator makes, each of which registers one account while REGISTRATION is `invite`."""

from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

from pydantic import SecretStr

from todo_core.accounts.errors import InviteInvalid, InviteRequired
from todo_core.database.executor import Database, Executor
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement
from todo_core.secret_values import SecretValue

_CODE_BYTES: Final = 24
_VALID: Final = "code_hash = :code_hash AND expires_at > now() AND (email_key IS NULL OR email_key = :email_key)"

_INSERT = Statement("""
    INSERT INTO invites (code_hash, email_key, expires_at)
    VALUES (:code_hash, :email_key, now() + CAST(:lifetime AS interval))
    RETURNING expires_at
""")
_SELECT = Statement(f"SELECT FROM invites WHERE {_VALID}")
_DELETE = Statement(f"DELETE FROM invites WHERE {_VALID} RETURNING code_hash")  # noqa: S608
_DELETE_EXPIRED = Statement("""
    DELETE FROM invites WHERE code_hash IN (
        SELECT code_hash FROM invites WHERE expires_at <= now() LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING code_hash
""")


class Invite(SecretValue, frozen=True):
    """A new invite. The code is known only now, because the database has its hash alone."""

    code: str
    expires_at: datetime


async def create(db: Database, *, email_key: str | None, lifetime: timedelta) -> Invite:
    """Makes an invite that is valid for `lifetime`, for the email with this key or, without one, for any email."""
    code = token_urlsafe(_CODE_BYTES)
    row = await db.write(_INSERT, code_hash=_hash(code), email_key=email_key, lifetime=lifetime)
    assert row is not None  # noqa: S101 - an INSERT without conflicts returns its row
    return Invite(code, row["expires_at"])


async def require_valid(db: Executor, code: SecretStr | None, *, email_key: str) -> None:
    """Checks the code of an invite. Raises InviteRequired without one, and InviteInvalid if it is not valid."""
    if await db.fetch_one(_SELECT, code_hash=hash_code(code), email_key=email_key) is None:
        raise InviteInvalid


def hash_code(code: SecretStr | None) -> bytes:
    """Returns the hash by which an invite is stored. Raises InviteRequired without a code."""
    if code is None:
        raise InviteRequired
    return _hash(code.get_secret_value())


async def use_up(db: Executor, code_hash: bytes, *, email_key: str) -> None:
    """Deletes the invite, in the transaction that creates the account. Raises InviteInvalid if it is not valid.

    Of concurrent registrations with one code, all but the first wait here and then raise InviteInvalid.
    """
    if await db.write(_DELETE, code_hash=code_hash, email_key=email_key) is None:
        raise InviteInvalid


@deletes_expired("invites")
async def delete_expired(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` expired invites. Returns the number of deleted invites."""
    return len(await db.fetch_all(_DELETE_EXPIRED, limit=limit))


def _hash(code: str) -> bytes:
    # A client may send half of a surrogate pair, which has no UTF-8.
    return sha256(code.encode(errors="surrogatepass")).digest()
