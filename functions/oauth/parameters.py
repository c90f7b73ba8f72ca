"""Parameters of OAuth requests: each at most once, each with a bound."""

from collections.abc import Sequence
from typing import Final

from fastapi import Request

from todo_core.accounts.oauth_errors import OAuthError, OAuthErrorCode
from todo_core.web.protected_resources import RESOURCES
from todo_core.web.public_url import find_public_url

_MAX_CHARACTERS: Final = 4096


class Parameters:
    """The parameters of a request. An empty one counts as absent (RFC 6749, section 3.1)."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Takes names and values. Raises OAuthError for a parameter that is repeated, too long, or not plain text."""
        self._values: dict[str, str] = {}
        for name, value in pairs:
            if name in self._values:
                code: OAuthErrorCode = "invalid_target" if name == "resource" else "invalid_request"
                raise OAuthError(code, f"The parameter {_shorten(name)} is repeated.")
            if len(value) > _MAX_CHARACTERS or not value.isprintable():
                raise OAuthError("invalid_request", f"The parameter {_shorten(name)} is too long, or not plain text.")
            self._values[name] = value

    def find(self, name: str) -> str | None:
        return self._values.get(name) or None

    def require(self, name: str) -> str:
        """Returns a parameter. Raises OAuthError without it."""
        value = self.find(name)
        if value is None:
            raise OAuthError("invalid_request", f"The parameter {name} is missing.")
        return value


def _shorten(name: str) -> str:
    return "".join(character for character in name[:50] if character.isascii() and character.isprintable())


def parse_resource(request: Request, resource: str | None) -> str | None:
    """Returns the path of the protected resource with this identifier (RFC 8707), or None for no identifier.

    A slash at its end makes no difference. The URL of the service itself stands for `/mcp`. Raises OAuthError for any
    other URL.
    """
    if resource is None:
        return None
    url = find_public_url(request)
    paths = {f"{url}{path}": path for path in RESOURCES} | {url: RESOURCES[0]}
    path = paths.get(resource.removesuffix("/"))
    if path is None:
        raise OAuthError("invalid_target", "This service issues no tokens for this resource.")
    return path
