"""Errors of the outbox: what a client learns when mail cannot leave, and why a message was not delivered."""

from datetime import datetime

from todo_core.errors import ServiceError


class MailNotConfigured(ServiceError):
    status = 503
    code = "mail_not_configured"
    title = "Mail not configured"
    detail = "This service cannot send mail, which this request needs; the operator of the service must set MAIL_URL."
    is_expected = True


class DeliveryFailed(Exception):
    """A message was not delivered. `is_final` means that a repeat would fail too, for example without such a mailbox.

    The text is for the operator, and contains neither passwords nor the text of the message.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


class DeliveryHeld(Exception):
    """A message must not be delivered before a time, for example within the quiet hours of its user."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"Held until {until}")
        self.until = until
