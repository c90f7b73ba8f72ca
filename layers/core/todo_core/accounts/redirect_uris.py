"""Redirect URIs of OAuth clients: which ones a client may register, and which one a request may name."""

import re
from typing import Final

from todo_core.accounts.oauth_errors import OAuthError

MAX_CHARACTERS: Final = 1024
MAX_URIS: Final = 10
_MAX_PORT: Final = 65_535

_URI: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]{1,63}):"
    # A target never begins with another character, so a user before @ cannot hide in it.
    r"(?P<authority>//(?P<host>\[[0-9a-f:]{2,45}\]|[A-Za-z0-9_.-]{1,253})(?P<port>:[0-9]{1,5})?(?=[/?]|$))?"
    r"(?P<target>(?:/(?!/)[!-~]*|\?[!-~]*)?)"
)
_FORBIDDEN: Final = re.compile(r"[\\\"<>^`{|}#]")
_LOOPBACK: Final = frozenset({"127.0.0.1", "[::1]", "localhost"})
_DANGEROUS_SCHEMES: Final = frozenset(
    (
        *("about", "blob", "chrome", "chrome-extension", "cid", "content", "data", "feed", "file", "filesystem", "ftp"),
        *("intent", "jar", "javascript", "ldap", "mailto", "moz-extension", "resource", "sms", "tel", "vbscript"),
        *("view-source", "ws", "wss"),
    )
)
"""Schemes that run code, read files, or belong to something else than an app."""
_LABEL: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


def require_valid(uri: str) -> str:
    """Returns the redirect URI if a client may have it. Raises OAuthError.

    It is an https URL, one by http of the client's own machine, or one with an app's scheme. It has one
    spelling: no user, no fragment, no character outside ASCII, no dot segments.
    """
    found = _URI.fullmatch(uri) if len(uri) <= MAX_CHARACTERS and not _FORBIDDEN.search(uri) else None
    if found is None or _has_dot_segments(found["target"]):
        raise _refuse("A redirect URI is an absolute URL in ASCII without user, fragment and dot segments")
    if found["scheme"] in {"http", "https"}:
        _require_valid_host(found)
    elif found["scheme"] in _DANGEROUS_SCHEMES or not (found["authority"] or found["target"].startswith("/")):
        raise _refuse("This scheme is not one of an app")
    return uri


def find_match(requested: str, registered: list[str]) -> str | None:
    """Returns the redirect URI of a request if it is registered, by exact comparison. None otherwise.

    On the client's own machine, the port may differ: a native app gets any free one (RFC 8252, section 7.3).
    """
    if requested in registered:
        return requested
    portless = _drop_loopback_port(requested)
    is_valid = portless is not None and any(_drop_loopback_port(uri) == portless for uri in registered)
    return requested if is_valid else None


def find_host(uri: str) -> str:
    """Returns the host of a redirect URI, as the consent page shows it. For the scheme of an app, the scheme."""
    found = _URI.fullmatch(uri)
    if found is None or found["scheme"] not in {"http", "https"}:
        return uri.partition(":")[0]
    return str(found["host"]).lower()


def is_local(uri: str) -> bool:
    """Returns True if the redirect leads to a program on the user's own machine."""
    return find_host(uri) in _LOOPBACK


def find_form_action(uri: str) -> str:
    """Returns the source of Content-Security-Policy that lets a form lead to this redirect URI.

    It is the scheme. Browsers check the policy for redirects of the client too, which may lead to other hosts.
    """
    return f"{uri.partition(':')[0]}:"


def _require_valid_host(found: re.Match[str]) -> None:
    host = (found["host"] or "").lower()
    if found["scheme"] == "http" and host not in _LOOPBACK:
        raise _refuse("Only redirect URIs of the client's own machine may begin with http://")
    is_name = not host.startswith("[") and all(map(_LABEL.fullmatch, host.split(".")))
    port = int(found["port"][1:]) if found["port"] else 1
    if not (is_name or host in _LOOPBACK) or not 0 < port <= _MAX_PORT:
        raise _refuse("The redirect URI has no valid host")


def _has_dot_segments(target: str) -> bool:
    path = target.partition("?")[0].lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/")
    return any(segment in {".", ".."} for segment in path.split("/"))


def _drop_loopback_port(uri: str) -> str | None:
    """Returns an http URI of the client's own machine without its port, or None for another URI."""
    found = _URI.fullmatch(uri) if len(uri) <= MAX_CHARACTERS and not _FORBIDDEN.search(uri) else None
    if found is None or found["scheme"] != "http" or found["host"] not in _LOOPBACK:
        return None
    if found["port"] and not 0 < int(found["port"][1:]) <= _MAX_PORT:
        return None
    return f"http://{found['host']}{found['target']}"


def _refuse(sentence: str) -> OAuthError:
    return OAuthError("invalid_redirect_uri", f"{sentence}.")
