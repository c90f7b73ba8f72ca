"""Composes the message of a mail (RFC 5322) from its texts."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from uuid import UUID

import idna

from todo_core.mail_servers import MailSender
from todo_delivery.mail.rendering import RenderedMail

_PLAIN_LINE_CHARACTERS: Final = 900
"""The longest line that is sent as it is. RFC 5322 allows 998."""


def compose(mail: RenderedMail, *, to: str, sender: MailSender, message_id: UUID, created_at: datetime) -> EmailMessage:
    """Returns the message. Each attempt composes the same one, whose Message-ID shows receivers a repeat."""
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = f"<{message_id}@{sender.domain}>"
    message["Date"] = format_datetime(created_at)
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["To"] = encode_domain(to)
    message["Subject"] = mail.subject
    # Tells vacation responders not to reply (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    _set_content(message, mail)
    # A random boundary would make each attempt another message.
    message.set_boundary(f"={message_id}=")
    return message


def _set_content(message: EmailMessage, mail: RenderedMail) -> None:
    message.set_content(mail.text, cte=_find_encoding(mail.text))
    message.add_alternative(mail.html, subtype="html", cte=_find_encoding(mail.html))


def _find_encoding(text: str) -> str:
    """Returns the encoding that keeps plain texts, and so their links, readable in a terminal."""
    is_plain = text.isascii() and max(map(len, text.splitlines()), default=0) <= _PLAIN_LINE_CHARACTERS
    return "7bit" if is_plain else "quoted-printable"


def encode_domain(address: str) -> str:
    """Returns the address with its domain in ASCII, as all servers understand it. The part before `@` stays."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}"
