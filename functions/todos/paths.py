"""The path parameter `todo_id`, which leaves the reserved words to other routes."""

from typing import Final

from starlette.convertors import Convertor, register_url_convertor

RESERVED_WORDS: Final = ("batch", "changes")
"""Path segments directly after `/todos/` that belong to other routes, so they are no ids of todos."""

TODO_ID: Final = "{todo_id:todo_id}"


class _TodoIdConvertor(Convertor[str]):
    """Matches any path segment after `/todos/`, malformed ids included, except the reserved words.

    The route answers a malformed id with a 422 that describes the fault. `PATCH /todos/changes` must get a 405,
    therefore `changes` does not match.
    """

    regex = f"(?!(?:{'|'.join(RESERVED_WORDS)})(?:/|$))[^/]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


def register_todo_id() -> None:
    """Registers the convertor of `todo_id` with Starlette. Must run before a path with `TODO_ID` is added."""
    register_url_convertor("todo_id", _TodoIdConvertor())
