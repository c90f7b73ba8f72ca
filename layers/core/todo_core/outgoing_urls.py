"""URLs from clients to which the service sends requests, such as those of webhooks.

A URL has one spelling here. Other spellings of a host are refused or normalised, so no two parsers can read different
hosts in one URL.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from msgspec import Struct

from todo_core.public_addresses import is_public

MAX_CHARACTERS: Final = 2048
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_FIRST_FREE_PORT: Final = 1024
"""Ports below belong to services that the system runs, such as mail. Of these, only 443 may be used."""
_MAX_PORT: Final = 65_535
_MAX_HOST_CHARACTERS: Final = 253

_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z]{1,10})://"
    r"(?P<host>\[[^\[\]/?#@\\]*\]|[^\[\]/?#@\\:]*)(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<target>(?:[/?][!-~]*)?)"
)
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_FORBIDDEN_IN_TARGET: Final = re.compile(r'[\\"<>^`{|}#]')
_PRIVATE_NAMES: Final = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "onion", "test", "invalid")
"""Ends of names that no server of the internet has."""


class UrlRefused(ValueError):
    """A URL to which the service sends nothing. The message says why, for the client."""


class OutgoingUrl(Struct, frozen=True):
    """The parts of a URL. `host` is a name in ASCII and lower case, or an address without brackets.

    `target` is the path with the query.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The host and the port as the header Host contains them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse(url: str, *, allow_private: bool) -> OutgoingUrl:
    """Returns the parts of a URL. Raises UrlRefused.

    With `allow_private`, the scheme may be `http`, and the host may be private: for development. A name can still lead
    to a private address, so the address is checked again at each connection.
    """
    found = _URL.fullmatch(url) if len(url) <= MAX_CHARACTERS else None
    if found is None or _FORBIDDEN_IN_TARGET.search(found["target"]):
        raise UrlRefused(
            f"Give a URL such as https://example.com/hook of at most {MAX_CHARACTERS:,} characters, without user,"
            " password and fragment; percent-encode spaces and other special characters"
        )
    scheme = found["scheme"].lower()
    if scheme not in _DEFAULT_PORTS or (scheme == "http" and not allow_private):
        raise UrlRefused("The URL must begin with https://")
    host = _parse_host(found["host"], allow_private=allow_private)
    port = _parse_port(found["port"], scheme, allow_private=allow_private)
    target = found["target"]
    return OutgoingUrl(scheme, host, port, target if target.startswith("/") else f"/{target}")


def _parse_port(text: str | None, scheme: str, *, allow_private: bool) -> int:
    port = int(text) if text else _DEFAULT_PORTS[scheme]
    is_usual = port == _DEFAULT_PORTS["https"] or port >= _FIRST_FREE_PORT
    if not 0 < port <= _MAX_PORT or not (is_usual or allow_private):
        raise UrlRefused("The port must be 443, or from 1024 to 65535")
    return port


def _parse_host(text: str, *, allow_private: bool) -> str:
    if text.startswith("["):
        return _require_public(_parse_ipv6(text[1:-1]), allow_private=allow_private)
    host = _to_ascii(text).removesuffix(".")
    labels = host.split(".")
    if len(host) > _MAX_HOST_CHARACTERS or not all(map(_LABEL.fullmatch, labels)):
        raise UrlRefused("The URL has no valid host")
    # Browsers and libraries read such hosts as addresses in various ways: 0x7f.1, 017700000001, 2130706433.
    if _NUMBER.fullmatch(labels[-1]):
        return _require_public(_parse_ipv4(host), allow_private=allow_private)
    if not allow_private and (len(labels) == 1 or f".{host}".endswith(tuple(f".{name}" for name in _PRIVATE_NAMES))):
        raise UrlRefused("The host must be public: a full name such as hooks.example.com")
    return host


def _to_ascii(host: str) -> str:
    """Returns a name in ASCII and lower case. Full-width digits become digits, and other scripts Punycode."""
    if host.isascii():
        return host.lower()
    # Loaded at the first use, because few names need the library.
    import idna  # noqa: PLC0415

    try:
        return idna.encode(host, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        raise UrlRefused("The URL has no valid host") from None


def _parse_ipv4(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except AddressValueError:
        raise UrlRefused("Write an IPv4 address as four decimal numbers") from None


def _parse_ipv6(text: str) -> IPv6Address:
    try:
        return IPv6Address(text)
    except AddressValueError:
        raise UrlRefused("The URL has no valid host") from None


def _require_public(address: IPv4Address | IPv6Address, *, allow_private: bool) -> str:
    has_zone = isinstance(address, IPv6Address) and address.scope_id is not None
    if has_zone or not (allow_private or is_public(address)):
        raise UrlRefused("The host must be public, and this address is not")
    return str(address)
