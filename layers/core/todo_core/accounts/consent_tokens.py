"""Tokens of the consent page, without which no consent counts: they prove that the user has seen this very page."""

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest, digest
from time import time
from typing import Final
from uuid import UUID

_LIFETIME_SECONDS: Final = 15 * 60


class ConsentTokens:
    """Makes and checks the tokens. Each belongs to one session and one request of a client, for 15 minutes.

    So a page of another site cannot make one, and nobody can change what the user has seen.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [digest(key.encode(), b"consents", "sha256") for key in keys]

    def make(self, session_id: UUID, request: str) -> str:
        """Returns the token for a request of a client, which is the query of the page."""
        now = int(time())
        return f"{now}.{_sign(self._keys[0], session_id, request, now)}"

    def is_valid(self, token: str, session_id: UUID, request: str) -> bool:
        made, _, signature = token.partition(".")
        if not (made.isascii() and made.isdecimal() and len(made) <= 12) or not signature.isascii():  # noqa: PLR2004
            return False
        is_fresh = 0 <= time() - int(made) <= _LIFETIME_SECONDS
        signatures = [_sign(key, session_id, request, int(made)) for key in self._keys]
        return is_fresh and any(compare_digest(signature, valid) for valid in signatures)


def _sign(key: bytes, session_id: UUID, request: str, made: int) -> str:
    return digest(key, f"{made}:{session_id}:{sha256(request.encode()).hexdigest()}".encode(), "sha256").hex()
