"""Mails of the tests, and their way to a server."""

import asyncio
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Final
from uuid import UUID

from tests.core.databases import run
from todo_core.mail_servers import MailSender, parse_server
from todo_delivery.mail import smtp
from todo_delivery.mail.composing import compose
from todo_delivery.mail.rendering import RenderedMail

SENDER: Final = MailSender("Todos", "todos@example.com")
MESSAGE_ID: Final = UUID("0198c5a1-6e57-7d2c-9d2b-0b1e6a7c9f10")
WRITTEN_AT: Final = datetime(2030, 1, 31, 17, tzinfo=UTC)
TEXT: Final = RenderedMail("Hello", "Hello!\n", "<p>Hello!</p>\n")


def compose_to(address: str, mail: RenderedMail = TEXT) -> EmailMessage:
    return compose(mail, to=address, sender=SENDER, message_id=MESSAGE_ID, created_at=WRITTEN_AT)


def send(url: str, *, to: str = "ada@example.com", mail: RenderedMail = TEXT) -> None:
    """Sends a mail to the server of a URL, as the setting MAIL_URL has it."""

    async def attempt() -> None:
        try:
            await smtp.send(parse_server(url), SENDER, compose_to(to, mail), to=to)
        finally:
            await asyncio.sleep(0.05)  # the closed connection ends in a later step of the loop

    run(attempt())
