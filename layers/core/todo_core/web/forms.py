"""Bodies of HTML forms, and of requests that OAuth defines as forms."""

from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from todo_core.web.problems import MalformedBody

FORM: Final = "application/x-www-form-urlencoded"
_MAX_FORM_FIELDS: Final = 100


def parse_form(body: bytes) -> dict[str, str]:
    """Returns the fields of a form. Raises MalformedBody if it is not UTF-8 or has too many fields."""
    return dict(parse_pairs(body))


def parse_pairs(body: bytes) -> list[tuple[str, str]]:
    """Returns the names and values of a form or of a query, in their order. Raises MalformedBody as `parse_form` does.

    Starlette's parser would read the characters as Latin-1 that a client has not encoded with percent signs.
    """
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FORM_FIELDS)
    except ValueError:
        raise MalformedBody from None


def is_form(request: Request) -> bool:
    """Returns True if the header Content-Type names a form."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM
