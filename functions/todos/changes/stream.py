"""The stream of a user's changes as server-sent events.

A stream holds no page, no connection to the database and no place in the workload while it waits. It keeps its position
in the change log alone, so it can neither miss a change nor send one twice.
"""

import random
from collections.abc import Mapping
from time import monotonic
from typing import Final
from uuid import UUID

import anyio
import msgspec
from fastapi import Request, Response
from fastapi.sse import format_sse_event
from starlette.types import Receive, Scope, Send

from functions.todos.changes.models import build_change_json
from todo_core.deadlines import REQUEST_SECONDS, extend
from todo_core.errors import ServiceError
from todo_core.live.watchers import Watch
from todo_core.logs import format_stack, log
from todo_core.todos import changes
from todo_core.todos.changes import Change, ChangePage
from todo_core.web.event_stream import EventStream, Write
from todo_core.web.identity import check_again
from todo_core.web.problems import InternalError, make_problem_document
from todo_core.web.requests import IS_HEAD, WAITED_SECONDS
from todo_core.web.resources import get_resources
from todo_core.workload import waiting, waiting_in_turn

_HEARTBEAT_SECONDS: Final = 15.0
"""Time between two comments at most. With each one, the session is checked again."""
_PAGE_CHANGES: Final = 50
_PAGE_BYTES: Final = 64 * 1024
"""The size of the pages of a stream: the most that one holds in memory for its client, but for a single change."""
_OUTAGE_PAUSE_SECONDS: Final = 1.0
_RETRY_MILLISECONDS: Final = 2000
_TEMPORARY: Final = {429, 503}
"""The statuses of errors that a stream survives: the database is away, or has too much to do."""

_NO_CHANGES: Final = ChangePage([], has_more=False)
_HEARTBEAT: Final = format_sse_event(comment="heartbeat")
EVENTS_EXAMPLE: Final = (
    'retry: 2000\n\nid: 7\nevent: change\ndata: {"seq":7,"kind":"todo","op":"create","before":null}\n\n: heartbeat\n\n'
)


class ChangeStream(Response):
    """The response that streams a user's changes after `since`, until the client goes or the session ends.

    Ends after a page on Lambda, where a response is sent as a whole.
    """

    def __init__(self, request: Request, user_id: UUID, since: int, api_url: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        self._stream_headers = headers
        self._request = request
        self._resources = get_resources(request)
        self._user_id = user_id
        self._since = since
        self._api_url = api_url
        self._is_single_page = "aws.event" in request.scope or IS_HEAD in request.scope["state"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_single_page:
            await self._respond(Watch(self._user_id, "stream", self._since), scope, receive, send)
            return
        async with self._resources.live.watch(self._user_id, "stream", self._since) as watch:
            await self._respond(watch, scope, receive, send)

    async def _respond(self, watch: Watch, scope: Scope, receive: Receive, send: Send) -> None:
        # Read before the status is sent, so that an error is answered as a problem document.
        first = await self._find_page(watch)

        async def work(write: Write) -> str | None:
            return await self._work(watch, first, write)

        await EventStream(work, self._stream_headers)(scope, receive, send)

    async def _work(self, watch: Watch, first: ChangePage, write: Write) -> str | None:
        """Streams the changes. Returns the code of the error that ended the stream, or None."""
        code = None
        try:
            await write(format_sse_event(retry=_RETRY_MILLISECONDS))
            await self._stream(watch, first, write)
        except ServiceError as error:
            code = error.code
            await write(self._format_error(error))
        except Exception as error:  # noqa: BLE001 - the status line is sent already, so the error must be an event
            code = InternalError.code
            log.error("Unexpected error", extra={"request_id": self._request_id, "error": format_stack(error)})
            await write(self._format_error(InternalError()))
        # All streams of a process end together: their clients should not come back together.
        await write(format_sse_event(retry=round(_RETRY_MILLISECONDS * random.uniform(0.5, 2))))  # noqa: S311
        return code

    async def _stream(self, watch: Watch, page: ChangePage, write: Write) -> None:
        beats_at = _plan_heartbeat()
        while True:
            is_woken = True
            async with waiting_in_turn():
                for change in page.changes:
                    await write(self._format_change(change))
                if watch.has_ended or self._is_single_page:
                    return
                if not page.has_more:
                    is_woken = await self._wait(watch, beats_at - monotonic())
            extend(REQUEST_SECONDS)
            if monotonic() >= beats_at:
                beats_at = _plan_heartbeat()
                await write(_HEARTBEAT)
                await self._check()
            page = await self._read_page(watch) if is_woken else _NO_CHANGES

    async def _wait(self, watch: Watch, seconds: float) -> bool:
        began = monotonic()
        is_woken = await watch.wait(max(seconds, 0))
        state = self._request.scope["state"]
        state[WAITED_SECONDS] = state.get(WAITED_SECONDS, 0) + monotonic() - began
        return is_woken

    async def _check(self) -> None:
        """Checks the session and keeps the user followed. Raises NotAuthenticated and InsufficientScope."""
        try:
            await check_again(self._request)
            await self._resources.live.keep_following(self._user_id)
        except ServiceError as error:
            if error.status not in _TEMPORARY:
                raise

    async def _read_page(self, watch: Watch) -> ChangePage:
        """Returns the next page. While the database is away, returns an empty page after a pause, to be read again."""
        try:
            return await self._find_page(watch)
        except ServiceError as error:
            if error.status not in _TEMPORARY:
                raise
            with waiting():
                await anyio.sleep(_OUTAGE_PAUSE_SECONDS)
            watch.wake()
            return _NO_CHANGES

    async def _find_page(self, watch: Watch) -> ChangePage:
        page = await changes.find_since(
            self._resources.database, self._user_id, watch.seq, limit=_PAGE_CHANGES, max_bytes=_PAGE_BYTES
        )
        if page.changes:
            watch.seq = page.changes[-1].seq
        return page

    @property
    def _request_id(self) -> str:
        request_id: str = self._request.state.request_id
        return request_id

    def _format_change(self, change: Change) -> bytes:
        data = msgspec.json.encode(build_change_json(change, self._api_url))
        return b"id: %d\nevent: change\ndata: %b\n\n" % (change.seq, data)

    def _format_error(self, error: ServiceError) -> bytes:
        document = make_problem_document(error, self._request_id)
        return format_sse_event(event="error", data_str=msgspec.json.encode(document).decode())


def _plan_heartbeat() -> float:
    """Returns the time of the next heartbeat, by the monotonic clock. Spreads those of streams that began together."""
    return monotonic() + _HEARTBEAT_SECONDS * random.uniform(0.8, 1)  # noqa: S311 - not a secret
