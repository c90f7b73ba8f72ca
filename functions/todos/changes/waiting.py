"""Long polls: requests that wait for the next change. While they wait, they hold no connection to the database."""

import asyncio
from time import monotonic
from typing import Final
from uuid import UUID

from fastapi import Request

from functions.todos.changes.models import ChangesQuery
from todo_core.deadlines import REQUEST_SECONDS, extend
from todo_core.live.watchers import Watch
from todo_core.todos import changes
from todo_core.todos.changes import ChangePage
from todo_core.web.identity import check_again
from todo_core.web.requests import WAITED_SECONDS
from todo_core.web.resources import get_resources
from todo_core.workload import waiting

_ANSWER_SECONDS: Final = 2.0
"""Time that is left after the wait, to read the change and to answer. On Lambda, the invocation would end."""


async def wait_for_page(request: Request, user_id: UUID, query: ChangesQuery) -> ChangePage:
    """Returns the next page after `since`. Waits for the next change, or returns an empty page after `query.wait`.

    Raises TooManyStreams, DatabaseUnavailable, ChangesExpired, and NotAuthenticated if the session ends meanwhile.
    """
    resources = get_resources(request)
    async with resources.live.watch(user_id, "wait", query.since) as watch:
        end = monotonic() + min(query.wait, extend(query.wait + REQUEST_SECONDS) - _ANSWER_SECONDS)
        leaving = asyncio.create_task(_end_at_disconnect(request, watch))
        try:
            while True:
                page = await changes.find_since(resources.database, user_id, query.since, limit=query.limit)
                if page.changes or watch.has_ended or not await _wait(request, watch, end - monotonic()):
                    return page
                extend(REQUEST_SECONDS)
                await check_again(request)
        finally:
            leaving.cancel()


async def _wait(request: Request, watch: Watch, seconds: float) -> bool:
    """Waits until there may be a change. Returns False at the end of the time."""
    began = monotonic()
    with waiting():
        is_woken = await watch.wait(max(seconds, 0))
    state = request.scope["state"]
    state[WAITED_SECONDS] = state.get(WAITED_SECONDS, 0) + monotonic() - began
    return is_woken


async def _end_at_disconnect(request: Request, watch: Watch) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    watch.end()
