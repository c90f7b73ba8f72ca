"""A turn as server-sent events: it runs while its events are sent, and no longer than someone listens."""

import json
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from fastapi import Response
from fastapi.sse import format_sse_event
from pydantic import BaseModel, JsonValue
from starlette.types import Receive, Scope, Send

from functions.chat.models import ToolCallRead
from todo_assistant.turns.model import ToolCall, Turn
from todo_core.errors import ServiceError
from todo_core.logs import log, place_of
from todo_core.web.problems import InternalError, log_server_error, make_problem

_HEARTBEAT_SECONDS: Final = 10.0
"""Proxies cut connections that are silent for longer than 30 to 60 seconds."""

_PATIENCE_SECONDS: Final = 20.0
"""Who does not read for so long is taken to be gone."""

_HEARTBEAT: Final = format_sse_event(comment="heartbeat")

type Emit = Callable[[str, BaseModel | dict[str, JsonValue]], Awaitable[None]]
"""Sends one event: its name and its data."""


class EventStream(Response):
    """Runs work that emits events. A client that goes away cancels the work."""

    media_type = "text/event-stream"

    def __init__(self, work: Callable[[Emit], Awaitable[None]], request_id: str, headers: dict[str, str]) -> None:
        # Proxies such as nginx would collect the events otherwise.
        super().__init__(headers=headers | {"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._work = work
        self._request_id = request_id

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        one_at_a_time = anyio.Lock()

        async with anyio.create_task_group() as group:

            async def write(chunk: bytes) -> None:
                async with one_at_a_time:
                    with anyio.move_on_after(_PATIENCE_SECONDS) as patience:
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
                if patience.cancelled_caught:
                    group.cancel_scope.cancel()

            group.start_soon(_beat, write)
            group.start_soon(_until_gone, receive, group.cancel_scope)
            await self._emit_all(write)
            group.cancel_scope.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _emit_all(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        async def emit(event: str, data: BaseModel | dict[str, JsonValue]) -> None:
            text = data.model_dump_json() if isinstance(data, BaseModel) else json.dumps(data)
            await write(format_sse_event(event=event, data_str=text))

        try:
            await self._work(emit)
        except ServiceError as error:
            log_server_error(error, self._request_id)
            await emit("error", self._problem(error))
        except Exception as error:  # noqa: BLE001 - the response has begun, so this is how a client hears of it
            log.error("Unexpected error", extra={"request_id": self._request_id, "error": place_of(error)})
            await emit("error", self._problem(InternalError()))

    def _problem(self, error: ServiceError) -> dict[str, JsonValue]:
        """The problem document, with what would be a header if the headers were not sent already."""
        document: dict[str, JsonValue] = make_problem(error, self._request_id).model_dump(exclude_none=True)
        return document if error.retry_after is None else document | {"retry_after": error.retry_after}


class EmittingListener:
    """Hears of a turn and tells it as events."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit

    async def on_turn(self, turn: Turn) -> None:
        identity = {"turn_id": str(turn.id), "conversation_id": str(turn.conversation_id), "model": turn.model}
        await self._emit("turn", dict(identity))

    async def on_text(self, text: str, round_number: int, attempt: int) -> None:
        await self._emit("token", {"text": text, "round": round_number, "attempt": attempt})

    async def on_call(self, call: ToolCall) -> None:
        await self._emit("tool_call", ToolCallRead.of(call))

    async def on_result(self, call: ToolCall) -> None:
        await self._emit("tool_result", ToolCallRead.of(call))


async def _beat(write: Callable[[bytes], Awaitable[None]]) -> None:
    while True:
        await anyio.sleep(_HEARTBEAT_SECONDS)
        await write(_HEARTBEAT)


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
