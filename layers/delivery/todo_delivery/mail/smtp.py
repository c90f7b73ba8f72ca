"""Sends mails to an SMTP server, each on a connection of its own.

A connection with STARTTLS or TLS is encrypted and its certificate checked, or nothing is sent.
"""

import re
import ssl
from contextlib import suppress
from email.message import EmailMessage
from functools import cache
from typing import Final

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from todo_core.mail_servers import MailSender, MailServer
from todo_core.outbox.errors import DeliveryFailed
from todo_delivery.mail.composing import encode_domain

_REPLY_SECONDS: Final = 20
"""Time for the connection, and for each reply of the server."""
_GOODBYE_SECONDS: Final = 2
_MAX_REASON_CHARACTERS: Final = 500
_ADDRESS: Final = re.compile(r"[^\s<>]{1,64}@[^\s<>]{1,255}")
"""Matches an address in a server's reply: the log and the outbox keep none."""
_PERMANENT: Final = range(500, 600)
"""Replies after which the same command must not be repeated (RFC 5321)."""


async def send(server: MailServer, sender: MailSender, message: EmailMessage, *, to: str) -> None:
    """Sends a message to an address.

    Raises DeliveryFailed: finally if the server refuses the address or the message for good. Other failures may be of
    the server or of the settings, so that a repeat can succeed.
    """
    client = _make_client(server, sender)
    try:
        await client.connect()
        await client.send_message(message, sender=sender.address, recipients=[encode_domain(to)])
        # The server has taken the message, whatever it says to the goodbye.
        with suppress(SMTPException, OSError):
            await client.quit(timeout=_GOODBYE_SECONDS)
    except (SMTPException, OSError) as error:
        reason = _ADDRESS.sub("(address)", _describe(error)[:_MAX_REASON_CHARACTERS])
        raise DeliveryFailed(reason, is_final=_is_final(error)) from None
    finally:
        client.close()


def _make_client(server: MailServer, sender: MailSender) -> SMTP:
    return SMTP(
        hostname=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        # Without it, the library asks the DNS for a name of this machine, which may take long.
        local_hostname=sender.domain,
        timeout=_REPLY_SECONDS,
        use_tls=server.encryption == "tls",
        start_tls=server.encryption == "starttls",
        tls_context=None if server.encryption == "none" else _load_certificates(),
    )


@cache
def _load_certificates() -> ssl.SSLContext:
    """Returns the settings of TLS with the certificate authorities of this machine, or of the file SSL_CERT_FILE."""
    return ssl.create_default_context()


def _is_final(error: SMTPException | OSError) -> bool:
    match error:
        case SMTPRecipientsRefused(recipients=[refusal, *_]):
            return refusal.code in _PERMANENT
        case SMTPDataError(code=code):
            return code in _PERMANENT
        case _:
            return isinstance(error, SMTPNotSupported)


def _describe(error: SMTPException | OSError) -> str:
    """Returns the server's reply, or the kind of the error."""
    match error:
        case SMTPRecipientsRefused(recipients=[refusal, *_]):
            return f"{refusal.code} {refusal.message}"
        case SMTPResponseException(code=code, message=message):
            return f"{code} {message}"
        case _:
            return f"{type(error).__name__}: {error}"
