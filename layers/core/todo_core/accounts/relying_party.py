"""The relying party of WebAuthn: the domain to which passkeys belong, and the web origins whose pages may use them."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from todo_core.accounts.errors import PasskeysNotConfigured

NAME: Final = "Todo"
"""The name of the service that browsers and authenticator apps show."""


class RelyingParty(Struct, frozen=True):
    """The pages at which users sign in, by their web origins as browsers write them, the main one first."""

    pages: Sequence[str]

    @property
    def id(self) -> str:
        """The host of the main page. Raises PasskeysNotConfigured without pages."""
        if not self.pages:
            raise PasskeysNotConfigured
        return _find_host(self.pages[0])

    @property
    def origins(self) -> list[str]:
        """The origins of pages on this host or below it. Browsers offer a passkey on no other host."""
        return [page for page in self.pages if _is_within(_find_host(page), self.id)]


def _find_host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _is_within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
