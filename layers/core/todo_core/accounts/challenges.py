"""Challenges: signed bytes that a client answers within five minutes, by a code or by the signature of a passkey.

No challenge is stored, so that nobody can fill the database with them. The ids of those that were used are stored,
because each challenge is used once.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest, digest
from secrets import token_bytes
from struct import Struct
from time import time
from typing import Final, Literal, Self
from uuid import UUID

import msgspec

from todo_core.database.executor import Executor
from todo_core.database.expiry import purged_at_expiry
from todo_core.database.statements import Statement

type ChallengeKind = Literal["second_factor", "passkey_login", "passkey_registration"]

LIFETIME_SECONDS: Final = 300
_FIELDS: Final = Struct(">16s16s16sQ")
_ID_BYTES: Final = 16
_DIGEST_BYTES: Final = 16
_SIGNATURE_BYTES: Final = 32
_NOBODY: Final = UUID(int=0)

_USE_UP = Statement("""
    INSERT INTO used_challenges (id, user_id, expires_at)
    SELECT CAST(:id AS uuid), users.id, to_timestamp(CAST(:expires_at AS bigint)) FROM users WHERE users.id = :user_id
    ON CONFLICT (id) DO NOTHING
    RETURNING id
""")


class Challenge(msgspec.Struct, frozen=True):
    """The content of a challenge. `user_id` is None if anyone may answer it. `expires_at` is in Unix seconds.

    `password_digest` ties a second factor to the password hash that was checked before, see `digest_hash`.
    """

    id: UUID
    user_id: UUID | None
    password_digest: bytes
    expires_at: int

    @classmethod
    def new(cls, user_id: UUID | None = None, password_hash: str = "") -> Self:
        expires_at = int(time()) + LIFETIME_SECONDS
        return cls(UUID(bytes=token_bytes(_ID_BYTES)), user_id, digest_hash(password_hash), expires_at)


class Challenges:
    """Signs challenges with the first key, and accepts those that were signed with any of the keys."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    def sign(self, kind: ChallengeKind, challenge: Challenge) -> bytes:
        user_id = challenge.user_id or _NOBODY
        fields = challenge.id.bytes, user_id.bytes, challenge.password_digest, challenge.expires_at
        content = _FIELDS.pack(*fields)
        return content + _sign(self._keys[0], kind, content)

    def read(self, kind: ChallengeKind, signed: bytes) -> Challenge | None:
        """Returns the content of a challenge of this kind. None for other bytes, and after five minutes."""
        content, signature = signed[:-_SIGNATURE_BYTES], signed[-_SIGNATURE_BYTES:]
        if not any(compare_digest(signature, _sign(key, kind, content)) for key in self._keys):
            return None
        id_bytes, user_bytes, password_digest, expires_at = _FIELDS.unpack(content)
        user_id = UUID(bytes=user_bytes)
        if expires_at <= time():
            return None
        return Challenge(UUID(bytes=id_bytes), None if user_id == _NOBODY else user_id, password_digest, expires_at)


async def use_up(db: Executor, challenge: Challenge, user_id: UUID) -> bool:
    """Stores that the user has answered the challenge. Returns False if the challenge was used before.

    The row is kept for five minutes more than needed, because the clock of the database may differ.
    """
    expires_at = challenge.expires_at + LIFETIME_SECONDS
    return await db.write(_USE_UP, id=challenge.id, user_id=user_id, expires_at=expires_at) is not None


delete_expired: Final = purged_at_expiry("used_challenges")


def digest_hash(password_hash: str) -> bytes:
    return sha256(password_hash.encode()).digest()[:_DIGEST_BYTES]


def encode_base64(data: bytes) -> str:
    """Returns base64 for URLs without padding, as WebAuthn writes it in JSON."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64(text: str) -> bytes:
    """Returns the bytes that `encode_base64` encoded, and no bytes for other text."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return b""


def _sign(key: bytes, kind: ChallengeKind, content: bytes) -> bytes:
    return digest(key, b"challenge %b " % kind.encode() + content, "sha256")
