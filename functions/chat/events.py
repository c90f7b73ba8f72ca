"""Streams the events of an assistant's turn as server-sent events. A client that disconnects cancels the turn."""

import json
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from fastapi.sse import format_sse_event
from pydantic import BaseModel, JsonValue

from functions.chat.models import ToolCallRead
from todo_assistant.turns.model import ToolCall, Turn
from todo_core.errors import ServiceError
from todo_core.logs import format_stack, log
from todo_core.web.event_stream import EventStream, Write
from todo_core.web.problems import InternalError, log_server_error, make_problem_document

_HEARTBEAT_SECONDS: Final = 10.0
"""Time between two heartbeats. The strictest proxies close a connection that is silent for 30 seconds."""

_HEARTBEAT: Final = format_sse_event(comment="heartbeat")

type Emit = Callable[[str, BaseModel | dict[str, JsonValue]], Awaitable[None]]
"""Function that sends one event to the client, given the name and the data of the event."""


class TurnStream(EventStream):
    """A response that runs `work` and streams the events that it emits. A client that disconnects cancels the work."""

    def __init__(self, work: Callable[[Emit], Awaitable[None]], request_id: str, headers: dict[str, str]) -> None:
        super().__init__(self._run, headers)
        self._emitting_work = work
        self._request_id = request_id

    async def _run(self, write: Write) -> str | None:
        lock = anyio.Lock()

        async def write_alone(chunk: bytes) -> None:
            async with lock:
                await write(chunk)

        async with anyio.create_task_group() as group:
            group.start_soon(_send_heartbeats, write_alone)
            problem = await self._run_work(write_alone)
            group.cancel_scope.cancel()
        return problem

    async def _run_work(self, write: Write) -> str | None:
        """Runs the work. Returns the code of the error that ended it, or None."""

        async def emit(event: str, data: BaseModel | dict[str, JsonValue]) -> None:
            text = data.model_dump_json() if isinstance(data, BaseModel) else json.dumps(data)
            await write(format_sse_event(event=event, data_str=text))

        try:
            await self._emitting_work(emit)
        except ServiceError as error:
            log_server_error(error, self._request_id)
            await emit("error", make_problem_document(error, self._request_id))
            return error.code
        except Exception as error:  # noqa: BLE001 - the status line is sent already, so the error must be an event
            log.error("Unexpected error", extra={"request_id": self._request_id, "error": format_stack(error)})
            await emit("error", make_problem_document(InternalError(), self._request_id))
            return InternalError.code
        return None


class EventEmitter:
    """Listener of a turn that sends each event of the turn to the client."""

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


async def _send_heartbeats(write: Write) -> None:
    while True:
        await anyio.sleep(_HEARTBEAT_SECONDS)
        await write(_HEARTBEAT)
