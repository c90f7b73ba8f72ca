"""Encryption of secrets that the service must be able to read again, such as those of authenticator apps.

`cryptography` is imported at the first use, because that takes tens of milliseconds. Call a box in a thread.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hmac import digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class SecretBox:
    """Encrypts secrets with a key that is derived from the first secret key. Decrypts with all keys.

    Each `purpose` has keys of its own, so that a secret cannot be read as one of another purpose.
    """

    def __init__(self, keys: Sequence[str], purpose: bytes) -> None:
        self._keys = [urlsafe_b64encode(digest(key.encode(), purpose, "sha256")) for key in keys]

    def encrypt(self, secret: str) -> bytes:
        return self._load().encrypt(secret.encode())

    def decrypt(self, encrypted: bytes) -> str | None:
        """Returns the secret, or None if the key that encrypted it is no longer among the keys."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - see the module's docstring

        try:
            return self._load().decrypt(encrypted).decode()
        except InvalidToken:
            return None

    def _load(self) -> "MultiFernet":
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

        return MultiFernet([Fernet(key) for key in self._keys])
