"""Places in the lists of this function, as cursors."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from todo_core.todos import Position, Sort
from todo_core.web.paging import Cursors

_KEYS: Final[dict[str, Callable[[str], float | bytes | datetime]]] = {
    "order": float,
    "created_at": datetime.fromisoformat,
    "updated_at": datetime.fromisoformat,
    "due": datetime.fromisoformat,
    "priority": int,
    "title": bytes.fromhex,
}


def read_position(cursors: Cursors, sort: Sort, cursor: str) -> Position:
    """Raises InvalidCursor, also for one of a list that goes by something else."""
    if sort == "relevance":
        (in_title, key), todo_id = cursors.read(_list(sort), cursor, _part_and_time, UUID)
        return Position(key, todo_id, in_title=in_title)
    return Position(*cursors.read(_list(sort), cursor, _KEYS[sort.removeprefix("-")], UUID))


def write_position(cursors: Cursors, sort: Sort, position: Position) -> str:
    key = position.key
    written = key.isoformat() if isinstance(key, datetime) else key.hex() if isinstance(key, bytes) else str(key)
    if sort == "relevance":
        written = f"{position.in_title:d} {written}"
    return cursors.write(_list(sort), written, position.id)


def _list(sort: Sort) -> str:
    return f"todos by {sort}"


def _part_and_time(written: str) -> tuple[bool, datetime]:
    in_title, time = written.split(" ")
    return in_title == "1", datetime.fromisoformat(time)
