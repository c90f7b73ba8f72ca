"""The public key of web push, which follows from the private key of the settings."""

from functools import cache

from todo_core.reminders.errors import PushNotConfigured
from todo_core.settings import PushSettings
from todo_core.web_push_keys import decode, encode


def find_public_key(settings: PushSettings) -> str:
    """Returns the public key in base64url. Raises PushNotConfigured without a private key."""
    if settings.private_key is None:
        raise PushNotConfigured
    return _derive(settings.private_key.get_secret_value())


@cache
def _derive(private_key: str) -> str:
    # Loaded at the first use, because few requests need the library.
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    key = ec.derive_private_key(int.from_bytes(decode(private_key)), ec.SECP256R1())
    return encode(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
