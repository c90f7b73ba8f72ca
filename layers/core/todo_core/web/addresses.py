"""The IP address of the client of a request, which rate limits count and the log names."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from starlette.types import Scope

UNKNOWN_ADDRESS: Final = "unknown"
"""Stands for the address of all clients that have none, such as those of a Unix socket. They share one limit."""

_MAX_CACHED_ADDRESSES: Final = 4096
_MAX_ADDRESS_CHARACTERS: Final = 64
"""Longer text is no IP address. It is not parsed, so that the cache holds no long texts."""


def find_client_address(scope: Scope) -> str:
    """Returns the IP address of the client, each address in one spelling only.

    The server has put the address of X-Forwarded-For into the scope if a trusted proxy sent it. A proxy may pass on any
    text there. For text that is no address, returns the address of the proxy itself, else `UNKNOWN_ADDRESS`.
    """
    client = scope.get("client")
    given = client[0] if client else ""
    return _parse(given) or _parse(scope.get("state", {}).get("peer", "")) or UNKNOWN_ADDRESS


def _parse(text: str) -> str | None:
    return _parse_cached(text) if 0 < len(text) <= _MAX_ADDRESS_CHARACTERS else None


@lru_cache(_MAX_CACHED_ADDRESSES)
def _parse_cached(text: str) -> str | None:
    """Returns the address without an IPv6 zone id, and an IPv4 address in its IPv6 form as IPv4. None if it is none."""
    try:
        # A zone id may be any text, so it would let one address appear as many.
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped: IPv4Address | None = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
