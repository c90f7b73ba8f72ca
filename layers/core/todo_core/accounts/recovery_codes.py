"""Recovery codes: ten codes, each of which stands in once for a lost authenticator app or passkey."""

from hashlib import sha256
from secrets import choice
from typing import Final
from uuid import UUID

from todo_core.database.executor import Executor
from todo_core.database.statements import Statement

CODES: Final = 10
_ALPHABET: Final = "23456789abcdefghijkmnpqrstuvwxyz"
"""32 digits and letters, without those that look alike: 24 of them have 120 bits, too many to be found by the hash."""
_GROUPS: Final = 6
_GROUP_CHARACTERS: Final = 4

_INSERT = Statement("""
    INSERT INTO recovery_codes (user_id, code_hash)
    SELECT CAST(:user_id AS uuid), code_hash FROM unnest(CAST(:code_hashes AS bytea[])) AS code_hash
""")
_USE = Statement("DELETE FROM recovery_codes WHERE user_id = :user_id AND code_hash = :code_hash RETURNING user_id")
_DELETE = Statement("DELETE FROM recovery_codes WHERE user_id = :user_id")


async def replace(db: Executor, user_id: UUID) -> list[str]:
    """Makes new codes, which replace the user's earlier ones. Returns them; the database has only their hashes."""
    codes = ["-".join(_make_group() for _ in range(_GROUPS)) for _ in range(CODES)]
    await remove(db, user_id)
    await db.write(_INSERT, user_id=user_id, code_hashes=[_hash(code) for code in codes])
    return codes


async def use(db: Executor, user_id: UUID, code: str) -> bool:
    """Uses up a code. Returns False for a wrong one. Case, spaces and hyphens do not matter."""
    return await db.write(_USE, user_id=user_id, code_hash=_hash(code)) is not None


async def remove(db: Executor, user_id: UUID) -> None:
    """Deletes the user's codes."""
    await db.write(_DELETE, user_id=user_id)


def _make_group() -> str:
    return "".join(choice(_ALPHABET) for _ in range(_GROUP_CHARACTERS))


def _hash(code: str) -> bytes:
    letters = "".join(character for character in code.lower() if character.isalnum())
    return sha256(letters.encode(errors="surrogatepass")).digest()
