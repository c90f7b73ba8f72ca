"""The outbox of a process: whether it can send mail, the call that a message may wait, and figures for metrics."""

from collections.abc import Callable

from msgspec import Struct

from todo_core.outbox.backlog import Backlog
from todo_core.outbox.errors import MailNotConfigured
from todo_core.outbox.messages import REMINDER_KINDS


class DeliveryCounts(Struct):
    """The attempts of this process: messages delivered, attempts that failed, and messages that died.

    Also the reminders that fired, those of them that were late, and the delivered messages of reminders.
    """

    delivered: int = 0
    failed: int = 0
    died: int = 0
    reminders: int = 0
    late_reminders: int = 0
    reminders_sent: int = 0

    def count_end(self, kind: str, *, is_delivered: bool) -> None:
        """Counts a message that was delivered or dropped."""
        self.delivered += is_delivered
        self.reminders_sent += is_delivered and kind in REMINDER_KINDS


class Outbox:
    """Connects the requests of a process, which write messages, with the delivery, which may be in another process."""

    def __init__(self, *, can_send_mail: bool) -> None:
        self.counts = DeliveryCounts()
        self.backlog = Backlog()
        """The messages that were not delivered when this process looked last."""
        self.can_mail = can_send_mail
        self._is_called = False
        self._listener: Callable[[], object] | None = None

    def require_mail(self) -> None:
        """Checks that mails can be delivered. Raises MailNotConfigured if not."""
        if not self.can_mail:
            raise MailNotConfigured

    def wake(self) -> None:
        """Asks for the delivery of messages that are due. Call it after the transaction that wrote one.

        A route that may write a message calls it in any case: the time of its response must not tell which.
        """
        self._is_called = True
        if self._listener is not None:
            self._listener()

    def take_call(self) -> bool:
        """Returns True if `wake` was called since the last time."""
        was_called, self._is_called = self._is_called, False
        return was_called

    def on_wake(self, listener: Callable[[], object] | None) -> None:
        """Sets the function that `wake` calls in this process."""
        self._listener = listener
