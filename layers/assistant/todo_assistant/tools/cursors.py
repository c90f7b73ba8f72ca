"""Opaque texts for the place in a list of todos after which the next page begins.

A model hands them back. They are not signed, because each search names the owner of the todos itself.
"""

import base64
import binascii
from uuid import UUID

import msgspec

from todo_assistant.tools.items import ArgumentRejected
from todo_core.todos.filters import Position, Sort, format_due_key, parse_due_key


class _Place(msgspec.Struct, array_like=True):
    """The sort order of a list, and the sort key and the id of the last todo of a page."""

    sort: Sort
    key: float | str
    todo_id: UUID


def write_cursor(sort: Sort, position: Position) -> str:
    """Returns the cursor of a position in a list, whose sort key is no title."""
    key = position.key
    assert not isinstance(key, bytes)  # noqa: S101 - lists of the tools are not sorted by title
    text = key if isinstance(key, float | int) else format_due_key(key)
    return base64.urlsafe_b64encode(msgspec.json.encode(_Place(sort, text, position.id))).decode()


def read_cursor(sort: Sort, cursor: str) -> Position:
    """Returns the position in a cursor. Raises ArgumentRejected if the cursor is not one of such a list."""
    place = _decode(cursor)
    if place is not None and place.sort == sort and isinstance(place.key, str) is (sort != "order"):
        try:
            return Position(parse_due_key(place.key) if isinstance(place.key, str) else place.key, place.todo_id)
        except ValueError:
            pass
    raise ArgumentRejected("invalid_cursor", "This cursor is not the `next` of such a search; search without it.")


def _decode(cursor: str) -> _Place | None:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=_Place)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
