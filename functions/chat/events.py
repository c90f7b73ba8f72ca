"""Streams the events of an assistant's turn as server-sent events. A client that disconnects cancels the turn."""

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
from todo_core.logs import format_stack, log
from todo_core.web.problems import InternalError, log_server_error, make_problem

_HEARTBEAT_SECONDS: Final = 10.0
"""Time between two heartbeats. The strictest proxies close a connection that is silent for 30 seconds."""

_SEND_TIMEOUT_SECONDS: Final = 20.0
"""Time limit to send one chunk. A client that accepts nothing for so long counts as disconnected."""

_HEARTBEAT: Final = format_sse_event(comment="heartbeat")

type Emit = Callable[[str, BaseModel | dict[str, JsonValue]], Awaitable[None]]
"""Function that sends one event to the client, given the name and the data of the event."""


class EventStream(Response):
    """A response that runs `work` and streams the events that it emits. A client that disconnects cancels the work."""

    media_type = "text/event-stream"

    def __init__(self, work: Callable[[Emit], Awaitable[None]], request_id: str, headers: dict[str, str]) -> None:
        # Without X-Accel-Buffering, proxies such as nginx buffer the events, so the client gets them late.
        super().__init__(headers=headers | {"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._work = work
        self._request_id = request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        send_lock = anyio.Lock()

        async with anyio.create_task_group() as group:

            async def write(chunk: bytes) -> None:
                async with send_lock:
                    with anyio.move_on_after(_SEND_TIMEOUT_SECONDS) as timeout:
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
                if timeout.cancelled_caught:
                    group.cancel_scope.cancel()

            group.start_soon(_send_heartbeats, write)
            group.start_soon(_cancel_on_disconnect, receive, group.cancel_scope)
            scope["state"]["problem"] = await self._run_work(write)
            group.cancel_scope.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _run_work(self, write: Callable[[bytes], Awaitable[None]]) -> str | None:
        """Runs the work. Returns the code of the error that ended it, or None."""

        async def emit(event: str, data: BaseModel | dict[str, JsonValue]) -> None:
            text = data.model_dump_json() if isinstance(data, BaseModel) else json.dumps(data)
            await write(format_sse_event(event=event, data_str=text))

        try:
            await self._work(emit)
        except ServiceError as error:
            log_server_error(error, self._request_id)
            await emit("error", self._problem_document(error))
            return error.code
        except Exception as error:  # noqa: BLE001 - the status line is sent already, so the error must be an event
            log.error("Unexpected error", extra={"request_id": self._request_id, "error": format_stack(error)})
            await emit("error", self._problem_document(InternalError()))
            return InternalError.code
        return None

    def _problem_document(self, error: ServiceError) -> dict[str, JsonValue]:
        """Returns the problem document of an error, for an event.

        Its member `retry_after` replaces the Retry-After header, because the headers are sent already.
        """
        document: dict[str, JsonValue] = make_problem(error, self._request_id).model_dump(exclude_none=True)
        return document if error.retry_after is None else document | {"retry_after": error.retry_after}


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


async def _send_heartbeats(write: Callable[[bytes], Awaitable[None]]) -> None:
    while True:
        await anyio.sleep(_HEARTBEAT_SECONDS)
        await write(_HEARTBEAT)


async def _cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
