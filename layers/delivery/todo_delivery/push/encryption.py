"""Encrypts messages for a browser (RFC 8291) and signs their requests (VAPID, RFC 8292).

The library http-ece would encrypt too, but it has no wheel, so layers for another processor could not contain it.
"""

from datetime import datetime, timedelta
from functools import cache
from secrets import token_bytes
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from todo_core.outgoing_urls import parse
from todo_core.reminders.push_subscriptions import NewSubscription
from todo_core.settings import PushSettings

_RECORD_BYTES: Final = 4096
"""The size that RFC 8291 sets for the only record of a message."""
MAX_CONTENT_BYTES: Final = _RECORD_BYTES - 86 - 16 - 1
"""Room in the record beside header, tag and delimiter. Push services accept no more bytes."""
_SALT_BYTES: Final = 16
_LAST_RECORD: Final = b"\2"
"""The delimiter after the content of the last record."""
_SIGNATURE_LIFETIME: Final = timedelta(hours=12)
"""RFC 8292 allows 24 hours. Half of it leaves room for clocks that differ."""


def encrypt(content: bytes, subscription: NewSubscription) -> bytes:
    """Returns the encrypted content, which only the browser of the subscription can read. Each call has a new key.

    Raises ValueError for more than MAX_CONTENT_BYTES.
    """
    if len(content) > MAX_CONTENT_BYTES:
        raise ValueError(f"A push message has at most {MAX_CONTENT_BYTES} bytes")
    return encrypt_with(content, subscription, ec.generate_private_key(ec.SECP256R1()), token_bytes(_SALT_BYTES))


def encrypt_with(
    content: bytes, subscription: NewSubscription, own_key: ec.EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """Returns the content encrypted with a key and a salt that are used once: header (RFC 8188) and record."""
    browser_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), subscription.p256dh)
    own_public = own_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = own_key.exchange(ec.ECDH(), browser_key)
    secret = _derive(shared, subscription.auth, b"WebPush: info\0" + subscription.p256dh + own_public, 32)
    key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + _RECORD_BYTES.to_bytes(4) + bytes([len(own_public)]) + own_public
    return header + AESGCM(key).encrypt(nonce, content + _LAST_RECORD, None)


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def sign(endpoint: str, settings: PushSettings, now: datetime) -> str:
    """Returns the header Authorization of a request to an endpoint. The settings must have a key."""
    url = parse(endpoint, allow_private=True)
    claims = {
        "aud": f"{url.scheme}://{url.authority}",
        "sub": settings.subject,
        "exp": int((now + _SIGNATURE_LIFETIME).timestamp()),
    }
    assert settings.private_key is not None  # noqa: S101 - otherwise nothing is sent by push
    headers: dict[str, str] = _load_key(settings.private_key.get_secret_value()).sign(claims)
    return headers["Authorization"]


@cache
def _load_key(private_key: str) -> Vapid02:
    return Vapid02.from_raw(private_key.encode())
