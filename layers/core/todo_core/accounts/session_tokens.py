"""Session tokens: signed JSON Web Tokens (JWT) that name a user and a session."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.accounts.json_web_tokens import JWTError, jwt
from todo_core.errors import NotAuthenticated

_ALGORITHM: Final = "HS256"
_ISSUER: Final = "todo-backend"
_MAX_CACHED_TOKENS: Final = 4096
_MAX_TOKEN_CHARACTERS: Final = 4096
_JWT: Final = re.compile(r"(?:[\w-]+\.){2}[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)
"""The one spelling of a signed token: a signature of 32 bytes in base64, whose last character has two unused bits.

The library ignores other characters and these bits. Otherwise, spellings of one token would fill the cache.
"""
_INVALID_TOKEN: Final = (
    JWTError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""Exceptions that `_decode` raises for a token that is malformed or was not signed with the key."""


class SessionClaims(Struct, frozen=True):
    """The claims of a session token whose signature is valid."""

    user_id: UUID
    session_id: UUID
    issued_at: datetime
    expires_at: datetime

    @property
    def is_half_over(self) -> bool:
        return datetime.now(UTC) - self.issued_at > (self.expires_at - self.issued_at) / 2


class SessionTokens:
    """Signs session tokens with the first key, and accepts tokens that were signed with any of the keys."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        # Cached: a valid signature stays valid. The expiry depends on the time, so `_decode` does not check it.
        self._decode = lru_cache(maxsize=_MAX_CACHED_TOKENS)(_decode)

    def sign(self, user_id: UUID, session_id: UUID, lifetime: timedelta) -> str:
        """Returns a token of the session that is valid for `lifetime` from now."""
        now = datetime.now(UTC)
        claims = {
            "iss": _ISSUER,
            "sub": str(user_id),
            "sid": str(session_id),
            "iat": now,
            "exp": now + lifetime,
        }
        return jwt.encode(claims, self._keys[0], algorithm=_ALGORITHM)

    def verify(self, token: str) -> SessionClaims:
        """Returns the claims of a token. Raises NotAuthenticated for a malformed, expired or wrongly signed token."""
        claims = self.verify_even_if_expired(token)
        if claims.expires_at > datetime.now(UTC):
            return claims
        raise NotAuthenticated

    def verify_even_if_expired(self, token: str) -> SessionClaims:
        """Returns the claims of a token, expired or not. Raises NotAuthenticated if malformed or wrongly signed."""
        for key in self._keys:
            with suppress(*_INVALID_TOKEN):
                return self._decode(token, key)
        raise NotAuthenticated


def _decode(token: str, key: str) -> SessionClaims:
    if len(token) > _MAX_TOKEN_CHARACTERS or not _JWT.fullmatch(token):
        raise ValueError("not a token of this service")
    # python-jose requires no claims by default, so the options require `iat`, `iss` and `sub`. `sid` and `exp` need no
    # option: reading them below fails when they are missing.
    claims = jwt.decode(
        token,
        key,
        algorithms=[_ALGORITHM],
        issuer=_ISSUER,
        options={
            "verify_exp": False,
            "require_iat": True,
            "require_iss": True,
            "require_sub": True,
        },
    )
    return SessionClaims(
        user_id=UUID(claims["sub"]),
        session_id=UUID(claims["sid"]),
        issued_at=datetime.fromtimestamp(claims["iat"], UTC),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )
