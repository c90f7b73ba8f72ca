"""Entity tags of versioned resources (RFC 9110): `"7"` is the tag of version 7."""

import re
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Header

_TAG: Final = re.compile(r'(?P<weak>W/)?"(?P<opaque>[^"]*)"')
_VERSION: Final = re.compile(r"[0-9]{1,9}")
"""Nine digits stay within PostgreSQL's integer; no todo is changed more often."""

# Their default, an empty tuple, is the route's: FastAPI would ask pydantic for that of a factory, at each request anew,
# which takes as long as the statement behind it.
IfMatch = Annotated[
    tuple[str, ...], Header(alias="If-Match", description='Act only if the ETag is still this one, such as `"7"`.')
]
IfNoneMatch = Annotated[
    tuple[str, ...], Header(alias="If-None-Match", description="Answer 304 if the ETag is still this one.")
]


def format_etag(version: int) -> str:
    return f'"{version}"'


def parse_if_match(if_match: Sequence[str]) -> list[int] | None:
    """The versions that the lines of If-Match allow; None if they allow any. Weak tags never match."""
    line = ",".join(if_match)
    if not if_match or line.strip() == "*":
        return None
    tags = [tag["opaque"] for tag in _TAG.finditer(line) if not tag["weak"]]
    return [int(tag) for tag in tags if _VERSION.fullmatch(tag)]


def is_current(version: int, if_none_match: Sequence[str]) -> bool:
    """Whether the lines of If-None-Match name this version; here weak tags do match."""
    line = ",".join(if_none_match)
    return line.strip() == "*" or any(tag["opaque"] == str(version) for tag in _TAG.finditer(line))
