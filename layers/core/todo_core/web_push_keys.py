"""The form of keys of web push: those of the service (VAPID, RFC 8292), and those of browsers (RFC 8291)."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final

from pydantic import AfterValidator, SecretStr
from pydantic_core import PydanticCustomError

PRIVATE_KEY_BYTES: Final = 32
PUBLIC_KEY_BYTES: Final = 65
AUTH_BYTES: Final = 16
_UNCOMPRESSED: Final = 4
"""The first byte of a point that is written with both coordinates."""
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]{1,200}={0,2}")
_SUBJECT: Final = re.compile(r"mailto:[^\s@<>\"]{1,64}@[A-Za-z0-9.-]{1,190}|https://[A-Za-z0-9.-]{1,190}")

# The curve P-256 (FIPS 186): y² = x³ - 3x + b modulo p, whose points form a group of this order.
_P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
GROUP_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def decode(text: str) -> bytes:
    """Returns the bytes of base64url, with or without padding. Raises ValueError for other text."""
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    digits = text.rstrip("=")
    return urlsafe_b64decode(digits + "=" * (-len(digits) % 4))


def encode(key: bytes) -> str:
    """Returns base64url without padding, as browsers write keys."""
    return urlsafe_b64encode(key).rstrip(b"=").decode()


def is_public_key(key: bytes) -> bool:
    """Returns True for a point of the curve P-256, in the uncompressed form of 65 bytes."""
    if len(key) != PUBLIC_KEY_BYTES or key[0] != _UNCOMPRESSED:
        return False
    x, y = int.from_bytes(key[1:33]), int.from_bytes(key[33:])
    return x < _P and y < _P and (y * y - (x * x * x - 3 * x + _B)) % _P == 0


def _require_private_key(secret: SecretStr) -> SecretStr:
    try:
        key = decode(secret.get_secret_value())
    except ValueError:
        key = b""
    if len(key) != PRIVATE_KEY_BYTES or not 0 < int.from_bytes(key) < GROUP_ORDER:
        raise PydanticCustomError("vapid_key", "must be 32 bytes in base64url; make one with functions.reminders.keys")
    return secret


def _require_subject(text: str) -> str:
    if not _SUBJECT.fullmatch(text):
        raise PydanticCustomError("vapid_subject", "must be like mailto:admin@example.com or https://example.com")
    return text


VapidKeySecret = Annotated[SecretStr, AfterValidator(_require_private_key)]
VapidSubject = Annotated[str, AfterValidator(_require_subject)]
