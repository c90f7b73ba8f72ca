"""Pages of lists: opaque cursors, and the Link header that leads to the next page (RFC 8288)."""

from collections.abc import Sequence
from hmac import compare_digest, digest
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request

from todo_core.errors import InvalidCursor
from todo_core.todos import Position

LARGEST_PAGE: Final = 200
DEFAULT_PAGE: Final = 50


class Cursors:
    """Writes a position in a list as a signed token, so that one that was tampered with is told from a good one."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [f"todos by order {key}".encode() for key in keys]

    def write(self, position: Position) -> str:
        place = f"{position.order!r}~{position.id}"
        return f"{place}.{_signature(self._keys[0], place)}"

    def read(self, cursor: str) -> Position:
        """Raises InvalidCursor."""
        place, _, signature = cursor.rpartition(".")
        given = signature.encode()
        if not any(compare_digest(given, _signature(key, place).encode()) for key in self._keys):
            raise InvalidCursor
        order, _, todo_id = place.partition("~")
        return Position(float(order), UUID(todo_id))


def _signature(key: bytes, place: str) -> str:
    # In hexadecimal, which has one spelling only; base64 ignores some of what is changed at its end.
    return digest(key, place.encode(), "sha256")[:16].hex()


def link_to_next(request: Request, url: str, **place: str) -> str:
    """The value of a Link header: the list at `url` as this request asked for it, beginning at the place."""
    others = [(name, value) for name, value in request.query_params.multi_items() if name not in place]
    return f'<{url}?{urlencode([*others, *place.items()])}>; rel="next"'
