"""The content codings that a client accepts for a response, by the header Accept-Encoding (RFC 9110, 12.5.3)."""

import re
from typing import Final

from starlette.datastructures import Headers

_ITEM: Final = re.compile(
    r"\s*(?P<coding>[!#$%&'*+.^_`|~\w-]+)\s*(?:;\s*[qQ]\s*=\s*(?P<quality>0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.ASCII,
)


def accepts_gzip(headers: Headers) -> bool:
    """Returns True if the client accepts gzip, and does not prefer a response without a content coding.

    Items of Accept-Encoding that are malformed are ignored.
    """
    qualities: dict[str, float] = {}
    for item in ",".join(headers.getlist("accept-encoding")).split(","):
        if match := _ITEM.fullmatch(item):
            qualities[match["coding"].lower()] = float(match["quality"] or 1)
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0)
