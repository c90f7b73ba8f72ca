"""Delivers messages, reminders and changes: as a Lambda function, by a command, or in a loop of the container.

The command is `python -m functions.deliver`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from math import inf
from typing import Final, Protocol

from fastapi import FastAPI

from functions.deliver.senders import make_senders, make_sending
from todo_core import logs
from todo_core.database.command import connect_for_command
from todo_core.database.executor import Database
from todo_core.logs import log
from todo_core.outbox.deliverer import Deliverer
from todo_core.outbox.outbox import Outbox
from todo_core.reminders.firing import ReminderChannels, fire_due
from todo_core.settings import Settings, load
from todo_core.web.metrics import emit_outbox_metrics, emit_webhook_metrics
from todo_core.web.resources import get_resources
from todo_core.webhooks.deliverer import Sending, WebhookDeliverer
from todo_core.webhooks.figures import WebhookFigures

_DAY_SECONDS: Final = 86_400.0


class Invocation(Protocol):
    """The part of Lambda's context object that `handler` uses."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


def run(settings: Settings, *, seconds_left: Callable[[], float] = lambda: inf) -> tuple[Outbox, WebhookFigures]:
    """Delivers the messages, reminders and changes that are due, while enough seconds are left, and logs their numbers.

    Returns the outbox with its figures, and those of webhooks. Raises DatabaseUnavailable, SchemaOutdated and
    InvalidSettings.
    """
    outbox, webhooks = asyncio.run(_run(settings, seconds_left))
    counts, backlog = outbox.counts, outbox.backlog
    numbers = {"delivered": counts.delivered, "failed": counts.failed, "died": counts.died, "waiting": backlog.waiting}
    numbers["reminders"] = counts.reminders
    numbers |= {"webhooks_delivered": webhooks.delivered, "webhooks_failed": webhooks.failed}
    log.info("Delivered", extra=numbers)
    return outbox, webhooks


async def _run(settings: Settings, seconds_left: Callable[[], float]) -> tuple[Outbox, WebhookFigures]:
    outbox, figures, sending = Outbox(can_send_mail=settings.can_send_mail), WebhookFigures(), make_sending(settings)
    async with connect_for_command(settings.database, settings.data_folder / "postgres") as db:
        subjects: list[Deliverer | WebhookDeliverer] = [_make_deliverer(settings, db, outbox, sending)]
        if sending is not None:
            subjects.append(WebhookDeliverer(db, sending, figures))
        await asyncio.gather(*(subject.deliver_due(seconds_left=seconds_left) for subject in subjects))
    return outbox, figures


@asynccontextmanager
async def delivering(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    """Delivers messages, reminders and changes beside the routes of an app during the block.

    Without a mail server, logs a warning in production, where no mail can be sent then. Raises InvalidSettings.
    """
    resources = get_resources(app)
    if not settings.can_send_mail:
        log.warning("MAIL_URL is not set: requests that need mail are refused with mail_not_configured.")
    sending = make_sending(settings)
    db, poll_seconds = resources.database, settings.mail.outbox_seconds
    deliverer = _make_deliverer(settings, db, resources.outbox, sending)
    loops = [asyncio.create_task(deliverer.run(poll_seconds=poll_seconds))]
    if sending is not None:
        webhooks = WebhookDeliverer(db, sending, resources.webhook_figures, resources.live)
        # The outbox's question covers webhooks: an idle process without any asks once for both.
        deliverer.on_count(lambda found: webhooks.note_webhooks(are_there=found.has_webhooks))
        loops.append(asyncio.create_task(webhooks.run(poll_seconds=poll_seconds, idle_seconds=_DAY_SECONDS)))
    try:
        yield
    finally:
        for loop in loops:
            loop.cancel()
        for loop in loops:
            with suppress(asyncio.CancelledError):
                await loop


def _make_deliverer(settings: Settings, db: Database, outbox: Outbox, sending: Sending | None) -> Deliverer:
    """Returns the deliverer of the kinds of messages that the settings make possible. Raises InvalidSettings."""
    channels = ReminderChannels(mail=settings.can_send_mail, push=settings.can_push)
    return Deliverer(db, outbox, make_senders(settings, db, sending), partial(fire_due, db, channels, outbox.counts))


def handler(_event: object, context: Invocation) -> dict[str, int]:
    """Delivers the messages, reminders and changes that are due, by Lambda's schedule and after requests.

    Returns the numbers of messages.
    """
    settings = load()
    logs.configure(settings)
    logs.correlate(function_request_id=context.aws_request_id)
    outbox, webhooks = run(settings, seconds_left=lambda: context.get_remaining_time_in_millis() / 1000)
    emit_outbox_metrics(outbox)
    emit_webhook_metrics(webhooks)
    return {"delivered": outbox.counts.delivered, "failed": outbox.counts.failed, "waiting": outbox.backlog.waiting}
