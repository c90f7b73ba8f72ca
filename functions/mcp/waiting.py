"""The stream of an older revision that asks the client's person, and waits for the answer.

The answer comes as another request, perhaps to another process: that one runs the tool. This one looks into the
database until the turn has ended.
"""

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final

import anyio
import msgspec
from fastapi.sse import format_sse_event

from functions.mcp.caller import Caller
from functions.mcp.questions import make_form
from functions.mcp.wire import Json, RequestId, encode_result
from todo_assistant.turns.model import Turn
from todo_core.deadlines import REQUEST_SECONDS, extend
from todo_core.errors import ServiceError
from todo_core.web.event_stream import EventStream, Write
from todo_core.web.requests import WAITED_SECONDS
from todo_core.web.resources import get_resources
from todo_core.workload import waiting

WAIT_SECONDS: Final = 60
"""The time for an answer. Clients give up a request after a minute, if they were not told otherwise."""
_LOOK_SECONDS: Final = 0.5
_HEARTBEAT: Final = format_sse_event(comment="waiting")
_LOOKS_PER_HEARTBEAT: Final = 20


class QuestionStream(EventStream):
    """A response that asks the person, and ends with the result of the call. `request_id` is set by the route."""

    request_id: RequestId

    def __init__(self, caller: Caller, turn: Turn, question: str, describe: Callable[[Turn], Json]) -> None:
        super().__init__(self._ask, {"Cache-Control": "no-store"})
        self._caller, self._turn, self._question, self._describe = caller, turn, question, describe

    async def _ask(self, write: Write) -> str | None:
        request = {
            "jsonrpc": "2.0",
            "id": self._question,
            "method": "elicitation/create",
            "params": make_form(self._turn),
        }
        live, user = get_resources(self._caller.request).live, self._caller.user
        turn = self._turn
        code: str | None = None
        try:
            # Counts as a stream of the user, of which each may have some only.
            async with live.watch(user.id, "stream", user.last_seq):
                await write(_format(msgspec.json.encode(request)))
                turn = await self._wait(write)
        except ServiceError as error:
            with suppress(ServiceError):
                await self._caller.direct_calls.give_up(turn)
            turn.response, code = error.sentence, error.code
        await write(_format(encode_result(self.request_id, self._describe(turn))))
        return code

    async def _wait(self, write: Write) -> Turn:
        """Returns the turn when it has ended, or after the time for an answer, when it is given up."""
        calls, state = self._caller.direct_calls, self._caller.request.scope["state"]
        ends_at, looks = monotonic() + WAIT_SECONDS, 0
        while True:
            with waiting():
                await anyio.sleep(_LOOK_SECONDS)
            state[WAITED_SECONDS] = state.get(WAITED_SECONDS, 0) + _LOOK_SECONDS
            extend(REQUEST_SECONDS)
            turn = await calls.load(self._turn.user_id, self._turn.id)
            if turn.status not in {"needs_approval", "running"}:
                return turn
            if monotonic() >= ends_at and turn.status == "needs_approval":
                await calls.give_up(turn)
            looks += 1
            if looks % _LOOKS_PER_HEARTBEAT == 0:
                await write(_HEARTBEAT)


def _format(message: bytes) -> bytes:
    return format_sse_event(event="message", data_str=message.decode())
