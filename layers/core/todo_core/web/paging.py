"""Pages of lists: opaque cursors, and the Link header that leads to the next page (RFC 8288)."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from itsdangerous import BadData, URLSafeSerializer

from todo_core.errors import InvalidCursor
from todo_core.todos import Position

LARGEST_PAGE: Final = 200
DEFAULT_PAGE: Final = 50


class Cursors:
    """Writes a position in a list as a signed token, so that one that was tampered with is told from a good one."""

    def __init__(self, keys: Sequence[str]) -> None:
        # itsdangerous signs with the last key, our settings with the first.
        self._serializer = URLSafeSerializer(list(reversed(keys)), salt="todos by order")

    def write(self, position: Position) -> str:
        return str(self._serializer.dumps([position.order, str(position.id)]))

    def read(self, cursor: str) -> Position:
        """Raises InvalidCursor."""
        try:
            order, todo_id = self._serializer.loads(cursor)
        except BadData:
            raise InvalidCursor from None
        return Position(order, UUID(todo_id))


def link_to_next(request: Request, cursor: str) -> str:
    """The value of a Link header: this request's own URL, beginning at the cursor."""
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    query = urlencode([*others, ("cursor", cursor)])
    return f'<{request.url.replace(query=query)}>; rel="next"'
