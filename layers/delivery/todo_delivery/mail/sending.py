"""Sends the mails of the outbox: finds the link, renders and composes the message, and passes it on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from email.message import EmailMessage

from todo_core.mail_servers import MailSender
from todo_core.outbox.deliverer import Outcome, Send
from todo_core.outbox.leases import LeasedMessage
from todo_core.outbox.messages import LinkRef, Mail

type FindUrl = Callable[[LinkRef], Awaitable[str | None]]
"""Returns the URL of a link, or None if the link is used up or has expired."""
type Transport = Callable[[EmailMessage, Mail, str | None], Awaitable[None]]
"""Passes on a message, which was composed from a mail and the URL of its link. Raises DeliveryFailed."""


def make_sender(sender: MailSender, link_base: str, find_url: FindUrl, transport: Transport) -> Send:
    """Returns the function that delivers messages of the kind `mail`.

    Templates get the URL of the mail's link as `url`, and the start of all URLs as `base`.
    """

    async def send(message: LeasedMessage) -> Outcome:
        mail = Mail.of_payload(message.payload)
        url = await find_url(mail.link) if mail.link else None
        if mail.link and url is None:
            return "dropped"
        variables = {**mail.parameters, "base": link_base} | ({"url": url} if url else {})
        composed = await asyncio.to_thread(_compose, mail, variables, sender, message)
        await transport(composed, mail, url)
        return "delivered"

    return send


def _compose(mail: Mail, variables: Mapping[str, str], sender: MailSender, message: LeasedMessage) -> EmailMessage:
    # Jinja2 is loaded here, with the first mail and beside the event loop.
    from todo_delivery.mail import composing, rendering  # noqa: PLC0415

    rendered = rendering.render(mail.template, variables)
    return composing.compose(rendered, to=mail.to, sender=sender, message_id=message.id, created_at=message.created_at)
