"""Pages of lists: opaque cursors, and the Link header that leads to the next page (RFC 8288)."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from itsdangerous import BadSignature, Signer

from todo_core.errors import InvalidCursor
from todo_core.todos import Position

LARGEST_PAGE: Final = 200
DEFAULT_PAGE: Final = 50


class Cursors:
    """Writes a position in a list as a signed token, so that one that was tampered with is told from a good one."""

    def __init__(self, keys: Sequence[str]) -> None:
        # itsdangerous signs with the last key, our settings with the first.
        purpose = "todos by order"
        self._signer = Signer(
            [f"{purpose} {key}" for key in reversed(keys)], key_derivation="none", digest_method=sha256
        )

    def write(self, position: Position) -> str:
        return self._signer.sign(f"{position.order!r}~{position.id}").decode()

    def read(self, cursor: str) -> Position:
        """Raises InvalidCursor."""
        try:
            order, todo_id = self._signer.unsign(cursor).decode().split("~")
        except BadSignature:
            raise InvalidCursor from None
        return Position(float(order), UUID(todo_id))


def link_to_next(request: Request, url: str, cursor: str) -> str:
    """The value of a Link header: the list at `url` as this request asked for it, beginning at the cursor."""
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f'<{url}?{urlencode([*others, ("cursor", cursor)])}>; rel="next"'
