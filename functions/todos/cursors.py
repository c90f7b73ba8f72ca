"""Cursors for lists of todos, one kind for each sort."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from todo_core.todos.filters import Position, Sort
from todo_core.web.cursors import Cursors

_PARSE_KEY: Final[dict[str, Callable[[str], float | bytes | datetime]]] = {
    "order": float,
    "created_at": datetime.fromisoformat,
    "updated_at": datetime.fromisoformat,
    "due": datetime.fromisoformat,
    "priority": int,
    "title": bytes.fromhex,
}


def read_position(cursors: Cursors, sort: Sort, cursor: str) -> Position:
    """Returns the position in a cursor. Raises InvalidCursor, also for a cursor from a list with another sort."""

    def parse(key: str, todo_id: str) -> Position:
        if sort == "relevance":
            in_title, time = key.split(" ")
            return Position(datetime.fromisoformat(time), UUID(todo_id), in_title=in_title == "1")
        return Position(_PARSE_KEY[sort.removeprefix("-")](key), UUID(todo_id))

    return cursors.read(_list_name(sort), cursor, parse)


def write_position(cursors: Cursors, sort: Sort, position: Position) -> str:
    key = position.key
    written = key.isoformat() if isinstance(key, datetime) else key.hex() if isinstance(key, bytes) else str(key)
    if sort == "relevance":
        written = f"{position.in_title:d} {written}"
    return cursors.write(_list_name(sort), written, position.id)


def _list_name(sort: Sort) -> str:
    return f"todos by {sort}"
