"""Signed texts that the client keeps for the service: sessions, and questions to its person.

So any process can go on with what another one began.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hmac import compare_digest, digest
from time import time
from typing import Final

import msgspec
from msgspec import Struct

_SIGNATURE_BYTES: Final = 32
MAX_CHARACTERS: Final = 2048


class Question(Struct, frozen=True, array_like=True):
    """A question to the person of a client. `call` is the digest of the tool call that waits for the answer."""

    turn_id: str
    user_id: str
    token_id: str
    call: bytes
    expires_at: int

    @property
    def is_expired(self) -> bool:
        return time() >= self.expires_at


class Session(Struct, frozen=True, array_like=True):
    """A session of an older revision: what the client said in `initialize`."""

    user_id: str
    version: str
    can_ask: bool


class Seals:
    """Signs texts, and reads them again. The first key signs, all keys verify."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    def seal(self, content: Question | Session) -> str:
        payload = msgspec.msgpack.encode(content)
        signature = _sign(self._keys[0], type(content).__name__, payload)
        return urlsafe_b64encode(signature + payload).decode().rstrip("=")

    def open[Content: Question | Session](self, kind: type[Content], text: object) -> Content | None:
        """Returns the content of a text that `seal` made for this kind of content, or None for any other text."""
        if not isinstance(text, str) or len(text) > MAX_CHARACTERS or not text.isascii():
            return None
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            return None
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not any(compare_digest(signature, _sign(key, kind.__name__, payload)) for key in self._keys):
            return None
        return msgspec.msgpack.decode(payload, type=kind)


def _sign(key: bytes, kind: str, payload: bytes) -> bytes:
    return digest(key, b"mcp " + kind.encode() + b" " + payload, "sha256")
