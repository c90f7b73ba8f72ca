"""The senders of messages, by their kind."""

from collections.abc import Mapping
from functools import partial

from todo_core.accounts import links
from todo_core.database.executor import Database
from todo_core.outbox.deliverer import Send
from todo_core.outbox.messages import MAIL
from todo_core.settings import Settings
from todo_delivery.mail.files import write_to
from todo_delivery.mail.sending import make_sender
from todo_delivery.mail.servers import send_to


def make_senders(settings: Settings, db: Database) -> Mapping[str, Send]:
    """Returns the sender of mails: to the server of MAIL_URL, or without one into files.

    Raises InvalidSettings in production if nothing says where links lead.
    """
    server, sender = settings.mail.server, settings.mail.sender
    transport = send_to(server, sender) if server else write_to(settings.data_folder / "mail")
    return {MAIL: make_sender(sender, settings.link_base, partial(links.build_url, db, settings), transport)}
