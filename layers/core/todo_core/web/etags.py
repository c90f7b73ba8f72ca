"""Entity tags of versioned resources (RFC 9110): `"7"` is the tag of version 7."""

import re
from typing import Annotated, Final

from fastapi import Header

_TAG: Final = re.compile(r'(?P<weak>W/)?"(?P<opaque>[^"]*)"')
_VERSION: Final = re.compile(r"[0-9]{1,9}")
"""Nine digits stay within PostgreSQL's integer; no todo is changed more often."""

IfMatch = Annotated[
    str | None, Header(alias="If-Match", description='Act only if the ETag is still this one, such as `"7"`.')
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="Answer 304 if the ETag is still this one.")
]


def etag(version: int) -> str:
    return f'"{version}"'


def versions_matching(if_match: str | None) -> list[int] | None:
    """The versions that an If-Match header allows; None if it allows any. Weak tags never match."""
    if if_match is None or if_match.strip() == "*":
        return None
    return [
        int(tag["opaque"]) for tag in _TAG.finditer(if_match) if not tag["weak"] and _VERSION.fullmatch(tag["opaque"])
    ]


def is_current(version: int, if_none_match: str | None) -> bool:
    """Whether an If-None-Match header names this version; here weak tags do match."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or any(tag["opaque"] == str(version) for tag in _TAG.finditer(if_none_match))
