"""Writes the position of a todo in a sorted list into a cursor, and reads the position back."""

from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import Final
from uuid import UUID

from todo_core.todos.filters import Position, Sort, format_due_key, parse_due_key
from todo_core.web.paging import PagedList

_PARSE_KEY: Final[dict[str, Callable[[str], float | bytes | date | None]]] = {
    "order": float,
    "created_at": datetime.fromisoformat,
    "updated_at": datetime.fromisoformat,
    "due": parse_due_key,
    "priority": int,
    "title": bytes.fromhex,
}


@cache
def list_sorted_by(sort: Sort) -> PagedList[Position, Position]:
    """Returns the cursor format for the pages of todos in one sort order; it reads no todos.

    Cursors of other sort orders are not valid.
    """

    def format_position(position: Position) -> tuple[str, UUID]:
        key = _format_key(position.key)
        return f"{position.in_title:d} {key}" if sort == "relevance" else key, position.id

    def parse_position(key: str, todo_id: str) -> Position:
        if sort == "relevance":
            in_title, time = key.split(" ")
            return Position(datetime.fromisoformat(time), UUID(todo_id), in_title=in_title == "1")
        return Position(_PARSE_KEY[sort.removeprefix("-")](key), UUID(todo_id))

    # Version 0.2.0 writes other keys of due dates.
    name = f"todos by {sort} and zone" if sort in {"due", "-due"} else f"todos by {sort}"
    return PagedList(name, format_position, parse_position)


def _format_key(key: float | bytes | date | None) -> str:
    match key:
        case date() | None:
            return format_due_key(key)
        case bytes():
            return key.hex()
        case _:
            return str(key)
