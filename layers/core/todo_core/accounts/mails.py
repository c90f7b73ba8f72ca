"""Mails that account operations cause. Each is written to the outbox in the transaction of its operation."""

from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.accounts import rate_limits
from todo_core.accounts.errors import TooManyAttempts
from todo_core.accounts.links import LinkTokens
from todo_core.accounts.login_limits import digest_email
from todo_core.accounts.user import User
from todo_core.database.executor import Database, Executor
from todo_core.limits import RateLimits
from todo_core.outbox.errors import MailNotConfigured
from todo_core.outbox.messages import LinkRef, Mail, MailTemplate, enqueue

_NO_PARAMETERS: Final[dict[str, str]] = {}


class AccountMails(Struct, frozen=True):
    """The objects of a process by which account operations write mails."""

    tokens: LinkTokens
    limits: RateLimits
    is_configured: bool

    def require_configured(self) -> None:
        """Checks that the service can send mail. Raises MailNotConfigured."""
        if not self.is_configured:
            raise MailNotConfigured

    async def count(self, db: Database, email_key: str) -> None:
        """Counts a mail to a mailbox. Raises TooManyAttempts when the mailbox gets no more mails in this window."""
        key = f"mails:mailbox:{digest_email(email_key)}"
        await rate_limits.count_attempt(db, {key: self.limits.mails_per_mailbox}, self.limits.mails_window)

    async def has_room(self, db: Database, email_key: str) -> bool:
        """Counts a mail to a mailbox. Returns False when the mailbox gets no more mails in this window.

        For answers that must not tell whether a mail was sent.
        """
        try:
            await self.count(db, email_key)
        except TooManyAttempts:
            return False
        return True

    async def count_for_account(self, db: Database, email_key: str) -> None:
        """Counts a mail that an account sends to a mailbox that may be another person's. Raises TooManyAttempts."""
        key = f"mails:account:{digest_email(email_key)}"
        await rate_limits.count_attempt(db, {key: self.limits.mails_per_account}, self.limits.mails_window)

    async def tell_of_new_password(self, db: Executor, user: User) -> None:
        """Writes a mail that tells the user of a changed password, if the service can send mail.

        Without the limit of the mailbox: others could use it up, and the owner would not be told.
        """
        if self.is_configured:
            await send(db, "password_changed", user.email, user_id=user.id)


async def send(  # noqa: PLR0913 - all that a mail is made of
    db: Executor,
    template: MailTemplate,
    to: str,
    *,
    user_id: UUID | None,
    link: LinkRef | None = None,
    parameters: dict[str, str] = _NO_PARAMETERS,
) -> None:
    """Writes a mail to the outbox. The mails of a user are deleted with the account."""
    await enqueue(db, Mail(template, to, user_id, parameters, link))
