"""Deletes expired rows: as a scheduled Lambda function, or as a Kubernetes CronJob by `python -m functions.purge`."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Protocol

from todo_core import logs, purge
from todo_core.accounts import (  # noqa: F401 - they register their tables
    api_tokens,
    challenges,
    connections,
    grants,
    invites,
    links,
    oauth_clients,
    rate_limits,
    registrations,
    sessions,
)
from todo_core.database import idempotency  # noqa: F401 - it registers its table
from todo_core.database.command import connect_for_command
from todo_core.logs import log
from todo_core.outbox import dead_letters  # noqa: F401 - it registers the outbox
from todo_core.purge import PurgeResult
from todo_core.settings import Settings, load
from todo_core.todos import log_cut, trash  # noqa: F401 - they register the change log and the todos
from todo_core.webhooks import deliveries  # noqa: F401 - it registers the deliveries


class Invocation(Protocol):
    """The part of Lambda's context object that `handler` uses."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


def run(settings: Settings, *, seconds_left: Callable[[], float] = lambda: inf) -> PurgeResult:
    """Deletes the expired rows of all tables in chunks, while enough seconds are left, and logs their numbers.

    Raises DatabaseUnavailable and SchemaOutdated; the rows of chunks before the error stay deleted.
    """
    result = asyncio.run(_run(settings, seconds_left))
    log.info("Purged", extra={**result.rows, "complete": result.complete})
    return result


async def _run(settings: Settings, seconds_left: Callable[[], float]) -> PurgeResult:
    async with connect_for_command(settings.database, settings.data_folder / "postgres") as db:
        return await purge.purge(db, settings.retention, seconds_left=seconds_left)


def handler(_event: object, context: Invocation) -> dict[str, int | bool]:
    """Deletes expired rows on Lambda's schedule.

    Returns the number of deleted rows per table, and `complete`: whether all expired rows were deleted.
    """
    settings = load()
    logs.configure(settings)
    logs.correlate(function_request_id=context.aws_request_id)
    result = run(settings, seconds_left=lambda: context.get_remaining_time_in_millis() / 1000)
    return {**result.rows, "complete": result.complete}
