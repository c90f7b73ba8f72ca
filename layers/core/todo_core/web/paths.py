"""Path parameters."""

from typing import Final

from starlette.convertors import Convertor, register_url_convertor


class _Id(Convertor[str]):
    """What stands in a path for an id: anything but the words that are routes of their own beside it.

    Whether it is one is checked by the route, whose answer says what is wrong. But `PATCH /todos/changes` is not about
    a todo with a malformed id: it is a method that `/todos/changes` does not take.
    """

    regex = "(?!(?:batch|changes)(?:/|$))[^/]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _Id())

TODO_ID: Final = "{todo_id:id}"
