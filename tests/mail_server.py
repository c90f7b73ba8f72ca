"""A real SMTP server for tests, which keeps the mails that it takes."""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Final, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.certificates import Certificate
from tests.serving import free_port, wait_until

USER: Final = "todos@example.com"
PASSWORD: Final = "p/ss word+1"
QUOTED_CREDENTIALS: Final = "todos%40example.com:p%2Fss%20word%2B1"

type Command = Literal["MAIL", "RCPT", "DATA"]


@dataclass(frozen=True)
class ReceivedMail:
    """A mail as it arrived, with facts about its connection."""

    message: EmailMessage
    sender: str
    recipient: str
    is_encrypted: bool
    user: str | None
    arrived_at: float = field(default_factory=time.time)
    """Seconds since 1970."""

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        assert isinstance(part, EmailMessage)
        return str(part.get_content()).replace("\r\n", "\n")


@dataclass
class MailServer:
    """The state of the server: what it received, and how it replies."""

    url: str = ""
    mails: list[ReceivedMail] = field(default_factory=list)
    replies: dict[Command, deque[str]] = field(
        default_factory=lambda: {"MAIL": deque(), "RCPT": deque(), "DATA": deque()}
    )
    """Replies that replace the next ones, in this order."""
    hangs_at: Command | None = None
    """The command to which the server does not reply."""
    takes_and_hangs: bool = False
    """True if the server takes mails, but does not say so."""
    delay_seconds: float = 0.0
    """Time from the end of a mail to the reply."""

    def wait_for(self, count: int) -> list[ReceivedMail]:
        wait_until(lambda: len(self.mails) >= count)
        return self.mails

    # The names of the methods below are those that aiosmtpd calls.

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self._reply("MAIL")

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        reply = await self._reply("RCPT")
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = await self._reply("DATA")
        if reply.startswith("2"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            is_encrypted, user = session.ssl is not None, session.auth_data
            (recipient,) = envelope.rcpt_tos
            self.mails.append(ReceivedMail(message, envelope.mail_from or "", recipient, is_encrypted, user))
        await asyncio.sleep(3600 if self.takes_and_hangs else self.delay_seconds)
        return reply

    async def _reply(self, command: Command) -> str:
        if self.hangs_at == command:
            await asyncio.sleep(3600)
        waiting = self.replies[command]
        return waiting.popleft() if waiting else "250 OK"


def _check_password(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
    assert isinstance(given, LoginPassword)
    matches = (given.login.decode(), given.password.decode()) == (USER, PASSWORD)
    return AuthResult(success=matches, handled=False, auth_data=given.login.decode())


@contextmanager
def mail_server(
    certificate: Certificate | None = None,
    *,
    encryption: Literal["none", "starttls", "tls"] = "none",
    needs_password: bool = False,
    host: str = "localhost",
) -> Iterator[MailServer]:
    """Runs a server in another thread until the end of the block. `host` is the address on which it listens.

    Its URL has user and password if it needs them, and `?tls=off` without encryption.
    """
    state, port = MailServer(), free_port()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        context.load_cert_chain(certificate.chain, certificate.key)
    controller = Controller(
        state,
        host,
        port,
        ssl_context=context if encryption == "tls" else None,
        tls_context=context if encryption == "starttls" else None,
        require_starttls=encryption == "starttls",
        # With TLS from the beginning, aiosmtpd does not see that the connection is encrypted.
        auth_required=needs_password and encryption == "starttls",
        auth_require_tls=encryption == "starttls",
        authenticator=_check_password,
        enable_SMTPUTF8=True,
    )
    credentials = f"{QUOTED_CREDENTIALS}@" if needs_password else ""
    scheme, options = ("smtps" if encryption == "tls" else "smtp"), ("?tls=off" if encryption == "none" else "")
    state.url = f"{scheme}://{credentials}localhost:{port}{options}"
    controller.start()
    try:
        yield state
    finally:
        controller.stop(no_assert=True)
