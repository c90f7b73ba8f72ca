"""Delivers due messages and reminders: as a Lambda function, by a command, or in a loop of the container.

The command is `python -m functions.deliver`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from math import inf
from typing import Protocol

from fastapi import FastAPI

from functions.deliver.senders import make_senders
from todo_core import logs
from todo_core.database.command import connect_for_command
from todo_core.database.executor import Database
from todo_core.logs import log
from todo_core.outbox.deliverer import Deliverer
from todo_core.outbox.outbox import Outbox
from todo_core.reminders.firing import ReminderChannels, fire_due
from todo_core.settings import Settings, load
from todo_core.web.metrics import emit_outbox_metrics
from todo_core.web.resources import get_resources


class Invocation(Protocol):
    """The part of Lambda's context object that `handler` uses."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


def run(settings: Settings, *, seconds_left: Callable[[], float] = lambda: inf) -> Outbox:
    """Delivers the messages and reminders that are due, while enough seconds are left, and logs their numbers.

    Returns the outbox with its figures. Raises DatabaseUnavailable, SchemaOutdated and InvalidSettings.
    """
    outbox = asyncio.run(_run(settings, seconds_left))
    counts, backlog = outbox.counts, outbox.backlog
    numbers = {"delivered": counts.delivered, "failed": counts.failed, "died": counts.died, "waiting": backlog.waiting}
    numbers["reminders"] = counts.reminders
    log.info("Delivered", extra=numbers)
    return outbox


async def _run(settings: Settings, seconds_left: Callable[[], float]) -> Outbox:
    outbox = Outbox(can_send_mail=settings.can_send_mail)
    async with connect_for_command(settings.database, settings.data_folder / "postgres") as db:
        await _make_deliverer(settings, db, outbox).deliver_due(seconds_left=seconds_left)
    return outbox


@asynccontextmanager
async def delivering(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    """Delivers messages and reminders beside the routes of an app during the block.

    Without a mail server, logs a warning in production, where no mail can be sent then. Raises InvalidSettings.
    """
    resources = get_resources(app)
    if not settings.can_send_mail:
        log.warning("MAIL_URL is not set: requests that need mail are refused with mail_not_configured.")
    deliverer = _make_deliverer(settings, resources.database, resources.outbox)
    loop = asyncio.create_task(deliverer.run(poll_seconds=settings.mail.outbox_seconds))
    try:
        yield
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop


def _make_deliverer(settings: Settings, db: Database, outbox: Outbox) -> Deliverer:
    """Returns the deliverer of the kinds of messages that the settings make possible. Raises InvalidSettings."""
    channels = ReminderChannels(mail=settings.can_send_mail, push=settings.can_push)
    return Deliverer(db, outbox, make_senders(settings, db), partial(fire_due, db, channels, outbox.counts))


def handler(_event: object, context: Invocation) -> dict[str, int]:
    """Delivers the messages and reminders that are due, by Lambda's schedule and after requests.

    Returns the numbers of messages.
    """
    settings = load()
    logs.configure(settings)
    logs.correlate(function_request_id=context.aws_request_id)
    outbox = run(settings, seconds_left=lambda: context.get_remaining_time_in_millis() / 1000)
    emit_outbox_metrics(outbox)
    return {"delivered": outbox.counts.delivered, "failed": outbox.counts.failed, "waiting": outbox.backlog.waiting}
