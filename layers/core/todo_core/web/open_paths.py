"""Paths that pages of all origins may use, because they need no cookie: those of OAuth that programs call."""

from typing import Final

_prefixes: tuple[str, ...] = ()

OPEN_HEADERS: Final = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"WWW-Authenticate"))
PREFLIGHT_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, MCP-Protocol-Version",
    "Access-Control-Max-Age": "7200",
}


def register_open_path(path: str) -> None:
    """Opens this path, and all below it, to pages of all origins. Its routes must not read the user's cookie."""
    global _prefixes  # noqa: PLW0603 - one tuple, because every request is compared with it
    _prefixes = (*_prefixes, f"{path}/")


def is_open(path: str) -> bool:
    return f"{path}/".startswith(_prefixes)
