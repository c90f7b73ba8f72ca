"""Messages of the outbox. The transaction that causes a message writes it, so both happen or neither does."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal
from uuid import UUID

from msgspec import Struct, field

from todo_core.database.executor import Executor
from todo_core.database.statements import Statement
from todo_core.identifiers import new_id

MAIL: Final = "mail"
"""The kind of messages that are sent by mail."""
REMINDER_MAIL: Final = "reminder_mail"
"""The kind of mails that remind of a todo. They have no text before they are sent."""
PUSH: Final = "push"
"""The kind of messages that remind of a todo on a device, by web push."""
REMINDER_KINDS: Final = frozenset({REMINDER_MAIL, PUSH})
WEBHOOK: Final = "webhook"
"""The kind of messages to webhooks that their owner asks for: tests, and deliveries that are repeated."""

type MailTemplate = Literal[
    "register",
    "verify_email",
    "reset_password",
    "password_changed",
    "change_email",
    "take_back_email",
    "account_exists",
    "reminder",
    "webhook_off",
]
"""The name of a mail's text, which is a file of `todo_delivery/templates`."""
type LinkPurpose = Literal["register", "verify_email", "reset_password", "change_email", "take_back_email"]


class LinkRef(Struct, frozen=True):
    """A stored link. Its token is derived when the mail is sent, so the outbox never holds it."""

    id: UUID
    purpose: LinkPurpose


class Mail(Struct, frozen=True):
    """A mail to one address. Its template uses the `parameters`, and the URL of the `link`.

    With `user_id`, the mail is deleted with the user's account, if it waits then.
    """

    template: MailTemplate
    to: str
    user_id: UUID | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    link: LinkRef | None = None

    def to_payload(self) -> dict[str, Any]:
        """Returns the mail as JSON for the outbox, without the user's id, which has a column."""
        link = self.link and {"id": str(self.link.id), "purpose": self.link.purpose}
        return {"template": self.template, "to": self.to, "parameters": dict(self.parameters), "link": link}

    @classmethod
    def of_payload(cls, payload: Mapping[str, Any]) -> "Mail":
        """Returns the mail of a message in the outbox, without the user's id."""
        link = payload["link"] and LinkRef(UUID(payload["link"]["id"]), payload["link"]["purpose"])
        return cls(payload["template"], payload["to"], parameters=payload["parameters"], link=link)


_INSERT = Statement("""
    INSERT INTO outbox (id, kind, channel, user_id, payload)
    VALUES (:id, :kind, :channel, :user_id, CAST(:payload AS jsonb))
    RETURNING id
""")


async def enqueue(executor: Executor, mail: Mail) -> UUID:
    """Writes a mail into the outbox. Call it in the transaction of its cause. Returns the id of the message."""
    channel = mail.to.rpartition("@")[2].lower()
    return await add(executor, MAIL, channel=channel, user_id=mail.user_id, payload=mail.to_payload())


async def add(executor: Executor, kind: str, *, channel: str, user_id: UUID | None, payload: Mapping[str, Any]) -> UUID:
    """Writes a message into the outbox. Call it in the transaction of its cause. Returns the id of the message.

    `channel` names the receiver, whose slowness delays no messages of other channels.
    """
    message_id = new_id()
    await executor.write(
        _INSERT, id=message_id, kind=kind, channel=channel, user_id=user_id, payload=json.dumps(payload)
    )
    return message_id
