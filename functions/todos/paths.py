"""The path parameter of a todo's id."""

from typing import Final

from starlette.convertors import Convertor, register_url_convertor

RESERVED_WORDS: Final = ("batch", "changes")
"""Path segments after `/todos/` that are routes of their own."""

TODO_ID: Final = "{todo_id:todo_id}"


class _TodoIdConvertor(Convertor[str]):
    """Matches any path segment except the reserved words.

    The route itself validates the id and describes the fault. Without the exceptions, `PATCH /todos/changes` would
    get a 422 for a malformed id instead of a 405.
    """

    regex = f"(?!(?:{'|'.join(RESERVED_WORDS)})(?:/|$))[^/]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


def register_todo_id() -> None:
    """Makes the convertor known to Starlette. Call it before a route contains `TODO_ID`."""
    register_url_convertor("todo_id", _TodoIdConvertor())
