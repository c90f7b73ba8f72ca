"""The transport to an SMTP server."""

import asyncio
from email.message import EmailMessage
from importlib import import_module

from todo_core.mail_servers import MailSender, MailServer
from todo_core.outbox.messages import Mail
from todo_delivery.mail.sending import Transport


def send_to(server: MailServer, sender: MailSender) -> Transport:
    """Returns a transport to an SMTP server. Its library is loaded with the first mail, beside the event loop."""

    async def send(message: EmailMessage, mail: Mail, _url: str | None) -> None:
        smtp = await asyncio.to_thread(import_module, "todo_delivery.mail.smtp")
        await smtp.send(server, sender, message, to=mail.to)

    return send
