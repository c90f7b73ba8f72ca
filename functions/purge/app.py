"""Takes away what has expired: on AWS as a Lambda by a schedule, as a Kubernetes CronJob by `python -m`."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Protocol

from todo_core import logs, purge
from todo_core.database import embedded
from todo_core.database.executor import Database
from todo_core.logs import log
from todo_core.purge import Purged
from todo_core.settings import Settings, load


class Invocation(Protocol):
    """What of Lambda's context counts here."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


def run(settings: Settings, *, seconds_left: Callable[[], float] = lambda: inf) -> Purged:
    """Raises DatabaseUnavailable and SchemaOutdated. What is done by then stays done."""
    purged = asyncio.run(_run(settings, seconds_left))
    log.info("Purged", extra={**purged.rows, "complete": purged.complete})
    return purged


async def _run(settings: Settings, seconds_left: Callable[[], float]) -> Purged:
    async with embedded.ensure_server(settings.database.url, settings.data_folder / "postgres") as url:
        db = Database.from_settings(settings.database.with_url(url))
        try:
            return await purge.purge(db, seconds_left=seconds_left)
        finally:
            await db.close()


def handler(_event: object, context: Invocation) -> dict[str, int | bool]:
    """Serves the schedule, whose event says nothing."""
    settings = load()
    logs.configure(settings)
    logs.correlate(function_request_id=context.aws_request_id)
    purged = run(settings, seconds_left=lambda: context.get_remaining_time_in_millis() / 1000)
    return {**purged.rows, "complete": purged.complete}
