"""Sends reminders by web push: encrypts them, and passes them on to the push service of the browser."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Final, Protocol

from todo_core.outbox.deliverer import Outcome, Send
from todo_core.outbox.errors import DeliveryFailed
from todo_core.outbox.leases import LeasedMessage
from todo_core.reminders.due import DueReminder
from todo_core.reminders.push_subscriptions import NewSubscription
from todo_core.settings import PushSettings
from todo_delivery.mail.reminders import BuildTodoUrl, shorten
from todo_delivery.reminder_wording import describe_delay, describe_due

_TTL: Final = timedelta(days=1)
"""The time for which the push service keeps a message for a browser that is off."""
_MAX_TITLE_CHARACTERS: Final = 200
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
"""Answers for a subscription that the browser has ended (RFC 8030)."""
_FINAL: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})


class Answer(Protocol):
    """The part of an answer that this module uses."""

    @property
    def status(self) -> int: ...


class Post(Protocol):
    """Sends a request to a URL that a client has given. Raises DeliveryFailed without an answer."""

    async def __call__(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Answer: ...


type FindReminder = Callable[[LeasedMessage], Awaitable[tuple[DueReminder, NewSubscription] | None]]
"""Returns the reminder of a message with its subscription, or None if it does not hold any more."""
type Drop = Callable[[LeasedMessage], Awaitable[None]]
"""Deletes the subscription of a message."""


def make_push_sender(
    settings: PushSettings, build_todo_url: BuildTodoUrl, find_reminder: FindReminder, drop: Drop, post: Post
) -> Send:
    """Returns the function that delivers messages of the kind `push`."""

    async def send(message: LeasedMessage) -> Outcome:
        found = await find_reminder(message)
        if found is None:
            return "dropped"
        reminder, subscription = found
        content = build_content(message, reminder, build_todo_url)
        body, headers = await asyncio.to_thread(_prepare, content, reminder, subscription, settings)
        answer = await post(subscription.endpoint, content=body, headers=headers)
        if answer.status in _GONE:
            await drop(message)
            return "dropped"
        _require_success(answer.status)
        return "delivered"

    return send


def build_content(message: LeasedMessage, reminder: DueReminder, build_todo_url: BuildTodoUrl) -> bytes:
    """Returns the JSON that the page's service worker gets. `id` is the same in each repeat of the message."""
    document = {
        "type": "reminder",
        "id": str(message.id),
        "todo_id": str(reminder.todo_id),
        "title": shorten(reminder.title, _MAX_TITLE_CHARACTERS),
        "due": describe_due(reminder),
        "reminder_at": f"{reminder.reminder_at:%Y-%m-%dT%H:%M:%SZ}",
        "delay": describe_delay(reminder),
        "url": build_todo_url(reminder.todo_id),
    }
    return json.dumps(document, ensure_ascii=False).encode()


def _prepare(
    content: bytes, reminder: DueReminder, subscription: NewSubscription, settings: PushSettings
) -> tuple[bytes, dict[str, str]]:
    """Returns the encrypted body and the headers of the request. Takes some milliseconds."""
    # The libraries are loaded here, with the first message and beside the event loop.
    from todo_delivery.push import encryption  # noqa: PLC0415

    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": str(round(_TTL.total_seconds())),
        "Urgency": "high",
        # A later reminder of the same todo replaces one that waits for the browser.
        "Topic": urlsafe_b64encode(reminder.todo_id.bytes).rstrip(b"=").decode(),
        "Authorization": encryption.sign(subscription.endpoint, settings, reminder.sent_at),
    }
    return encryption.encrypt(content, subscription), headers


def _require_success(status: int) -> None:
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise DeliveryFailed(f"The push service answered {status}", is_final=status in _FINAL)
