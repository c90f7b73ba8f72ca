"""Encrypts messages for a browser (RFC 8291) and signs their requests (VAPID, RFC 8292)."""

from datetime import datetime, timedelta
from functools import cache
from typing import Final

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from todo_core.outgoing_urls import parse
from todo_core.reminders.push_subscriptions import NewSubscription
from todo_core.settings import PushSettings

_RECORD_BYTES: Final = 4096
"""The size that RFC 8291 sets for the only record of a message."""
MAX_CONTENT_BYTES: Final = _RECORD_BYTES - 86 - 16 - 1
"""Room in the record beside header, tag and delimiter. Push services accept no more bytes."""
_SIGNATURE_LIFETIME: Final = timedelta(hours=12)
"""RFC 8292 allows 24 hours. Half of it leaves room for clocks that differ."""


def encrypt(content: bytes, subscription: NewSubscription) -> bytes:
    """Returns the encrypted content, which only the browser of the subscription can read. Each call has a new key.

    Raises ValueError for more than MAX_CONTENT_BYTES.
    """
    if len(content) > MAX_CONTENT_BYTES:
        raise ValueError(f"A push message has at most {MAX_CONTENT_BYTES} bytes")
    encrypted: bytes = http_ece.encrypt(
        content,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=subscription.p256dh,
        auth_secret=subscription.auth,
        rs=_RECORD_BYTES,
        version="aes128gcm",
    )
    return encrypted


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
