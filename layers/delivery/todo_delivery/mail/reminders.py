"""Sends reminders by mail. Their text is made when they are sent, from the todo as it is then."""

import asyncio
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Final
from uuid import UUID

from todo_core.mail_servers import MailSender
from todo_core.outbox.deliverer import Outcome, Send
from todo_core.outbox.leases import LeasedMessage
from todo_core.outbox.messages import Mail
from todo_core.reminders.due import DueReminder
from todo_delivery.mail.sending import Transport
from todo_delivery.reminder_wording import describe_due, describe_time

_MAX_SUBJECT_CHARACTERS: Final = 150

type FindReminder = Callable[[LeasedMessage], Awaitable[DueReminder | None]]
"""Returns the reminder of a message, or None if it does not hold any more. Raises DeliveryHeld."""
type BuildTodoUrl = Callable[[UUID], str | None]


def make_reminder_sender(
    sender: MailSender, build_todo_url: BuildTodoUrl, find_reminder: FindReminder, transport: Transport
) -> Send:
    """Returns the function that delivers messages of the kind `reminder_mail`."""

    async def send(message: LeasedMessage) -> Outcome:
        reminder = await find_reminder(message)
        if reminder is None:
            return "dropped"
        url = build_todo_url(reminder.todo_id)
        composed = await asyncio.to_thread(_compose, reminder, url, sender, message)
        await transport(composed, Mail("reminder", reminder.email), url)
        return "delivered"

    return send


def _compose(reminder: DueReminder, url: str | None, sender: MailSender, message: LeasedMessage) -> EmailMessage:
    # Jinja2 is loaded here, with the first mail and beside the event loop.
    from todo_delivery.mail import composing, rendering  # noqa: PLC0415

    rendered = rendering.render("reminder", _list_variables(reminder, url))
    return composing.compose(
        rendered, to=reminder.email, sender=sender, message_id=message.id, created_at=message.created_at
    )


def _list_variables(reminder: DueReminder, url: str | None) -> dict[str, str | None]:
    return {
        "title": reminder.title,
        "short_title": shorten(reminder.title, _MAX_SUBJECT_CHARACTERS),
        "due": describe_due(reminder),
        "meant": describe_time(reminder.reminder_at, reminder.timezone),
        "sent": describe_time(reminder.sent_at, reminder.timezone) if reminder.is_late else None,
        "timezone": reminder.timezone,
        "url": url,
    }


def shorten(text: str, characters: int) -> str:
    """Returns the text in one line: titles may contain separators of lines, which a header must not."""
    text = " ".join(text.split())
    return text if len(text) <= characters else f"{text[: characters - 1].rstrip()}…"
