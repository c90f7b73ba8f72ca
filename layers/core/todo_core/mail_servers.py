"""Mail servers and senders of mail, as the settings MAIL_URL and MAIL_FROM describe them."""

import re
from typing import Annotated, Final, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from pydantic import AfterValidator, SecretStr
from pydantic_core import PydanticCustomError

from todo_core.secret_values import SecretValue

type Encryption = Literal["starttls", "tls", "none"]

_SCHEMES: Final[dict[str, tuple[Encryption, int]]] = {"smtp": ("starttls", 587), "smtps": ("tls", 465)}
_NOT_A_SERVER: Final = (
    "it must look like smtp://user:password@mail.example.com:587 or smtps://...; write / and other special characters"
    " of the user and password as %2F and so on"
)
_SENDER: Final = re.compile(r"(?P<name>[^<>\"\\\x00-\x1f]{1,100}) <(?P<named>[^<>]{3,254})>|(?P<address>[^<>]{3,254})")
_ADDRESS: Final = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,188}[A-Za-z0-9])?")


class MailServer(SecretValue, frozen=True):
    """An SMTP server.

    `starttls` begins without encryption, and sends nothing before the connection is encrypted. `tls` is encrypted from
    the beginning, and `none` never is.
    """

    host: str
    port: int
    encryption: Encryption
    username: str | None = None
    password: str | None = None


class MailSender(Struct, frozen=True):
    """The name and address from which mails come. The name may be empty."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def parse_server(url: str) -> MailServer:
    """Returns the server of a URL such as `smtp://user:password@mail.example.com:587`.

    Raises ValueError, whose message contains no part of the URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname or parts.path.strip("/") or parts.fragment:
        raise ValueError(_NOT_A_SERVER)
    encryption, default_port = _SCHEMES[parts.scheme]
    if (parts.username is None) != (parts.password is None):
        raise ValueError("user and password belong together")
    if parts.query:
        encryption = _parse_option(parts.query, encryption, has_password=parts.password is not None)
    try:
        port = parts.port or default_port
    except ValueError:
        raise ValueError(_NOT_A_SERVER) from None
    username, password = (value and unquote(value) for value in (parts.username, parts.password))
    return MailServer(parts.hostname, port, encryption, username, password)


def _parse_option(query: str, encryption: Encryption, *, has_password: bool) -> Encryption:
    if query != "tls=off" or encryption != "starttls":
        raise ValueError("the only option is ?tls=off, for smtp://")
    if has_password:
        raise ValueError("a password is never sent without encryption, so ?tls=off goes without user and password")
    return "none"


def parse_sender(text: str) -> MailSender:
    """Returns the sender of a text such as `Todos <todos@example.com>`. Raises ValueError for other text."""
    found = _SENDER.fullmatch(text.strip())
    address = (found["named"] or found["address"]).strip() if found else ""
    if not found or not _ADDRESS.fullmatch(address):
        raise ValueError("it must be an address such as todos@example.com or Todos <todos@example.com>")
    return MailSender((found["name"] or "").strip(), address)


def _require_server(secret: SecretStr) -> SecretStr:
    try:
        parse_server(secret.get_secret_value())
    except ValueError as error:
        raise PydanticCustomError("mail_url", f"cannot be used: {error}") from None
    return secret


def _require_sender(text: str) -> str:
    try:
        parse_sender(text)
    except ValueError as error:
        raise PydanticCustomError("mail_from", f"cannot be used: {error}") from None
    return text


MailUrlSecret = Annotated[SecretStr, AfterValidator(_require_server)]
SenderText = Annotated[str, AfterValidator(_require_sender)]
