"""Secrets of webhooks, by which receivers verify messages. They are encrypted in the database."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from datetime import timedelta
from secrets import token_bytes
from typing import Final

from todo_core.secret_box import SecretBox

PREFIX: Final = "whsec_"
ROTATION: Final = timedelta(hours=24)
"""The time after a rotation in which the previous secret signs too."""
_BYTES: Final = 32


class WebhookSecrets:
    """Makes, encrypts and decrypts the secrets of webhooks, in threads."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._box = SecretBox(keys, b"secrets of webhooks")

    async def make(self) -> tuple[str, bytes]:
        """Returns a new secret in the form of Standard Webhooks, and the secret encrypted."""
        secret = PREFIX + b64encode(token_bytes(_BYTES)).decode()
        return secret, await asyncio.to_thread(self._box.encrypt, secret)

    async def read(self, *encrypted: bytes | None) -> list[str]:
        """Returns the secrets in the same order. Leaves out None, and those whose key is no longer among the keys."""
        return await asyncio.to_thread(self._read, [each for each in encrypted if each is not None])

    def _read(self, encrypted: list[bytes]) -> list[str]:
        return [secret for secret in map(self._box.decrypt, encrypted) if secret is not None]
