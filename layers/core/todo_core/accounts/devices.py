"""Devices that have signed in to an account before. They still sign in while others guess the account's password.

See "Slow Down Online Guessing Attacks with Device Cookies" by OWASP.
"""

from collections.abc import Sequence
from hmac import compare_digest, digest
from secrets import token_hex
from time import time
from typing import Final

DEVICE_SECONDS: Final = 365 * 24 * 3600
_MAX_TOKEN_CHARACTERS: Final = 200
_ID_BYTES: Final = 16
_NETWORK_BYTES: Final = 8


class Devices:
    """Signs and verifies device tokens. The first key signs; all verify, so that tokens outlive a key rotation.

    A token is `id.time.signature`. The signature covers the account's email, which the token does not contain.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    def sign(self, email_key: str) -> str:
        """Returns a token with a new id, for a device that has just signed in to the account."""
        device = f"{token_hex(_ID_BYTES)}.{int(time())}"
        return f"{device}.{_sign(self._keys[0], device, email_key)}"

    def find_id(self, token: str | None, email_key: str) -> str | None:
        """Returns the id in a token for this account. None for a wrong token, and 365 days after its signature."""
        if token is None or len(token) > _MAX_TOKEN_CHARACTERS:
            return None
        device, _, signature = token.rpartition(".")
        # Compared as bytes, because compare_digest raises TypeError for text outside ASCII.
        given = signature.encode(errors="replace")
        if not any(compare_digest(given, _sign(key, device, email_key).encode()) for key in self._keys):
            return None
        device_id, _, signed_at = device.partition(".")
        return device_id if time() - int(signed_at) < DEVICE_SECONDS else None

    def digest_network(self, network: str, email_key: str) -> str:
        """Returns a short keyed digest, from which neither the network nor other accounts of it can be found."""
        return digest(self._keys[0], f"network {network} {email_key}".encode(), "sha256")[:_NETWORK_BYTES].hex()


def _sign(key: bytes, device: str, email_key: str) -> str:
    return digest(key, f"device {device} {email_key}".encode(errors="replace"), "sha256").hex()
