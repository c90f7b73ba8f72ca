"""Web origins, hosts and names of headers, as the settings list them."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, HttpUrl, ValidationError
from pydantic_core import PydanticCustomError

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]{0,250}[a-z0-9_])?|\[[0-9a-f:.]{2,45}\]")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_NOT_AN_ORIGIN: Final = PydanticCustomError("origin", "must list origins such as https://app.example.com")
_NOT_A_HOST: Final = PydanticCustomError(
    "host", "must list hosts without ports, such as api.example.com or *.example.com"
)

_NOT_A_HEADER: Final = PydanticCustomError("header", "must list names of headers such as X-Trace-Id")


def _split_by_comma(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _parse_origin(text: str) -> str:
    """Returns the origin as browsers write it in the header `Origin`: in lower case, without a default port.

    Raises PydanticCustomError for other text, such as a URL with a path or a wildcard.
    """
    try:
        url = HttpUrl(text)
    except ValidationError:
        raise _NOT_AN_ORIGIN from None
    other_parts = url.username, url.password, url.query, url.fragment, (url.path or "").strip("/")
    if any(other_parts) or "*" in text:
        raise _NOT_AN_ORIGIN
    return find_origin(url)


def find_origin(url: HttpUrl) -> str:
    """Returns the origin of a URL as browsers write it."""
    return f"{url.scheme}://{url.host}" + (f":{url.port}" if url.port != _DEFAULT_PORTS[url.scheme] else "")


def _parse_host(text: str) -> str:
    """Returns the host in lower case. Raises PydanticCustomError for other text, such as a URL or a port."""
    host = text.lower()
    if not _HOST.fullmatch(host):
        raise _NOT_A_HOST
    return host


def _parse_header_name(text: str) -> str:
    """Returns the name of a header. Raises PydanticCustomError for other text, such as a wildcard."""
    if not _HEADER_NAME.fullmatch(text):
        raise _NOT_A_HEADER
    return text


Origins = Annotated[tuple[Annotated[str, AfterValidator(_parse_origin)], ...], BeforeValidator(_split_by_comma)]

Hosts = Annotated[tuple[Annotated[str, AfterValidator(_parse_host)], ...], BeforeValidator(_split_by_comma)]
"""Names or addresses of hosts. `*.example.com` stands for all hosts below example.com."""

HeaderNames = Annotated[
    tuple[Annotated[str, AfterValidator(_parse_header_name)], ...], BeforeValidator(_split_by_comma)
]
