"""The path parameter of a todo's id."""

from typing import Final

from starlette.convertors import Convertor, register_url_convertor


class _TodoIdConvertor(Convertor[str]):
    """Matches any path segment except `batch` and `changes`, which have routes of their own.

    The route itself validates the id and describes the fault. Without the exceptions, `PATCH /todos/changes` would
    get a 422 for a malformed id instead of a 405.
    """

    regex = "(?!(?:batch|changes)(?:/|$))[^/]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("todo_id", _TodoIdConvertor())

TODO_ID: Final = "{todo_id:todo_id}"
