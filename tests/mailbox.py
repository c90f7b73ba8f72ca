"""The mails that the service sends in a test run, and the links in them."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from tests.mail_server import MailServer, ReceivedMail
from tests.room import ROOM_SECONDS

SENDER: Final = "Todos <todos@example.com>"


@dataclass(frozen=True)
class MailWithLink:
    """Mail that the service has sent."""

    received: ReceivedMail

    @property
    def to(self) -> str:
        return self.received.recipient

    @property
    def subject(self) -> str:
        return str(self.received.message["subject"])

    @property
    def text(self) -> str:
        return self.received.text

    @property
    def link(self) -> str:
        """The only URL of the text."""
        (url,) = re.findall(r"https?://\S+", self.text)
        return str(url)

    @property
    def token(self) -> str:
        """The token of the link."""
        (token,) = parse_qs(urlsplit(self.link).query)["token"]
        return token


@dataclass(frozen=True)
class Mailbox:
    """The mails that have arrived. `deliver` delivers those in the outbox, for surfaces that have no loop for it."""

    server: MailServer
    deliver: Callable[[], object]

    def find(self, address: str) -> list[MailWithLink]:
        """Delivers the outbox. Returns the mails to the address so far, the oldest first."""
        self.deliver()
        return [MailWithLink(mail) for mail in list(self.server.mails) if mail.recipient.lower() == address.lower()]

    def wait_for(self, address: str, subject: str = "") -> MailWithLink:
        """Returns the newest mail to the address whose subject contains this text. Waits until there is one."""
        return self._wait(address, subject, 1)

    def wait_for_another(self, address: str, count: int) -> MailWithLink:
        """Returns the newest mail to the address. Waits until there are `count`."""
        return self._wait(address, "", count)

    def _wait(self, address: str, subject: str, count: int) -> MailWithLink:
        deadline = time.monotonic() + ROOM_SECONDS
        while time.monotonic() < deadline:
            found = [mail for mail in self.find(address) if subject in mail.subject]
            if len(found) >= count:
                return found[-1]
            time.sleep(0.05)
        raise TimeoutError(f"Less than {count} mails “{subject}” to {address} have arrived.")
