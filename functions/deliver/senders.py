"""The senders of messages, by their kind."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from todo_core.accounts import links
from todo_core.database.executor import Database
from todo_core.outbox.deliverer import Send
from todo_core.outbox.leases import LeasedMessage
from todo_core.outbox.messages import MAIL, PUSH, REMINDER_MAIL, WEBHOOK
from todo_core.reminders import due, push_subscriptions
from todo_core.settings import Settings
from todo_core.webhooks import deliveries
from todo_core.webhooks.deliverer import Sending
from todo_core.webhooks.secrets import WebhookSecrets
from todo_delivery.mail.files import write_to
from todo_delivery.mail.reminders import make_reminder_sender
from todo_delivery.mail.sending import make_sender
from todo_delivery.mail.servers import send_to
from todo_delivery.push.requests import make_post
from todo_delivery.push.sending import make_push_sender
from todo_delivery.webhooks.sending import make_message_sender


def make_sending(settings: Settings) -> Sending | None:
    """Returns the objects by which messages to webhooks are made and sent. None without a key, which they need."""
    if not settings.has_secret_keys:
        return None
    return Sending(
        make_message_sender(allow_private=settings.webhooks.allow_private),
        WebhookSecrets(settings.secret_keys),
        settings.service_url,
        can_mail=settings.can_send_mail,
    )


def make_senders(settings: Settings, db: Database, sending: Sending | None) -> Mapping[str, Send]:
    """Returns the senders that the settings make possible. Messages of other kinds stay in the outbox.

    Raises InvalidSettings in production if nothing says where links in mails lead.
    """
    senders: dict[str, Send] = {}
    if sending is not None:
        senders[WEBHOOK] = partial(deliveries.send_requested, db, sending)
    if settings.can_send_mail:
        senders |= _make_mail_senders(settings, db)
    if settings.can_push:
        senders[PUSH] = _make_push_sender(settings, db)
    return senders


def _make_mail_senders(settings: Settings, db: Database) -> Mapping[str, Send]:
    """Returns the senders of mails: to the server of MAIL_URL, or without one into files."""
    server, sender = settings.mail.server, settings.mail.sender
    transport = send_to(server, sender) if server else write_to(settings.data_folder / "mail")
    find_reminder = partial(due.find_for_mail, db)
    return {
        MAIL: make_sender(sender, settings.link_base, partial(links.build_url, db, settings), transport),
        REMINDER_MAIL: make_reminder_sender(sender, settings.build_todo_url, find_reminder, transport),
    }


def _make_push_sender(settings: Settings, db: Database) -> Send:
    async def drop(message: LeasedMessage) -> None:
        assert message.user_id is not None  # noqa: S101 - reminders have a user
        await push_subscriptions.drop(db, message.user_id, UUID(message.payload["device"]))

    find_reminder, post = partial(due.find_for_push, db), make_post(allow_private=settings.webhooks.allow_private)
    return make_push_sender(settings.push, settings.build_todo_url, find_reminder, drop, post)
