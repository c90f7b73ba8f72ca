"""Pages of lists: opaque cursors, and the Link header that leads to the next page (RFC 8288)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hmac import compare_digest, digest
from typing import Final
from urllib.parse import urlencode

from fastapi import Request

from todo_core.errors import InvalidCursor

LARGEST_PAGE: Final = 200
DEFAULT_PAGE: Final = 50
_SEPARATOR: Final = "~"


class Cursors:
    """Writes a place in a list as a signed token, so that one that was tampered with is told from a good one."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    def write(self, of_list: str, *place: object) -> str:
        """A cursor that is good for one kind of list."""
        text = _SEPARATOR.join(str(part) for part in place)
        return f"{text}.{_signature(self._keys[0], of_list, text)}"

    def read[First, Second](
        self, of_list: str, cursor: str, first: Callable[[str], First], second: Callable[[str], Second]
    ) -> tuple[First, Second]:
        """The two parts of a place, read as they were written. Raises InvalidCursor."""
        text, _, signature = cursor.rpartition(".")
        given = signature.encode()
        if not any(compare_digest(given, _signature(key, of_list, text).encode()) for key in self._keys):
            raise InvalidCursor
        parts = text.split(_SEPARATOR)
        return first(parts[0]), second(parts[1])


def text_part(text: str) -> str:
    """Any text as a part of a place."""
    return urlsafe_b64encode(text.encode()).decode()


def read_text(part: str) -> str:
    """What `text_part` was given."""
    return urlsafe_b64decode(part).decode()


def _signature(key: bytes, of_list: str, place: str) -> str:
    # In hexadecimal, which has one spelling only; base64 ignores some of what is changed at its end.
    return digest(key, f"{of_list} {place}".encode(), "sha256")[:16].hex()


def url_of(request: Request, path: str) -> str:
    """The URL of a path, as the client reaches it."""
    scope = request.scope
    return f"{scope['scheme']}://{request.headers.get('host', 'localhost')}{scope['root_path']}{path}"


def link_to_next(request: Request, url: str, **place: str) -> str:
    """The value of a Link header: the list at `url` as this request asked for it, beginning at the place."""
    others = [(name, value) for name, value in request.query_params.multi_items() if name not in place]
    return f'<{url}?{urlencode([*others, *place.items()])}>; rel="next"'
