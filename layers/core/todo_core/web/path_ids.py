"""Path parameters that leave some words to other routes, and those that take any text."""

from starlette.convertors import Convertor, PathConvertor, register_url_convertor


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


def register_text(name: str) -> str:
    """Returns the path parameter `name` in the form for a route's path. It matches any text, with slashes and lines.

    Starlette's own kind does not match the end of a line, so that such a path would have no route.
    """

    class TextConvertor(PathConvertor):
        regex = "(?s:.*)"

    register_url_convertor(name, TextConvertor())
    return f"{{{name}:{name}}}"
