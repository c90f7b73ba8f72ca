"""Path parameters that leave some words to other routes."""

from starlette.convertors import Convertor, register_url_convertor


def register_id(name: str, *reserved_words: str) -> str:
    """Returns the path parameter `name` in the form for a route's path. It does not match the reserved words.

    It matches all other path segments, malformed ids included, which the route answers with a 422 that describes the
    fault. `PATCH /todos/changes` must get a 405, therefore `changes` does not match.
    """

    class IdConvertor(Convertor[str]):
        regex = f"(?!(?:{'|'.join(reserved_words)})(?:/|$))[^/]+"

        def convert(self, value: str) -> str:
            return value

        def to_string(self, value: str) -> str:
            return value

    register_url_convertor(name, IdConvertor())
    return f"{{{name}:{name}}}"
