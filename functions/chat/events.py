"""Events of an assistant's turn, and the response that streams them in the protocol that the client speaks.

The agent reports a turn as `TurnEvent` objects. A `TurnProtocol` writes them as the server-sent events of one protocol:
`own_protocol` of this service, `ai_sdk` and `ag_ui` of libraries for front ends.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final, Protocol
from uuid import UUID

import anyio
from fastapi.sse import format_sse_event
from msgspec import Struct
from pydantic import JsonValue

from todo_assistant.turns.model import ToolCall, Turn
from todo_core.errors import ServiceError
from todo_core.logs import format_stack, log
from todo_core.web.event_stream import EventStream, Write
from todo_core.web.problems import InternalError, log_server_error, make_problem_document

_HEARTBEAT_SECONDS: Final = 10.0
"""Time between two heartbeats. The strictest proxies close a connection that is silent for 30 seconds."""

_HEARTBEAT: Final = format_sse_event(comment="heartbeat")


class TurnBegan(Struct, frozen=True):
    """The first event of each stream."""

    turn: Turn


class TextAdded(Struct, frozen=True):
    """A piece of the model's text. A higher `attempt` of the same `round` replaces the text before it."""

    text: str
    round: int
    attempt: int


class CallBegan(Struct, frozen=True):
    """A tool call before it runs. A call that must wait for approval gets no `CallEnded`."""

    call: ToolCall


class CallEnded(Struct, frozen=True):
    call: ToolCall


class TurnEnded(Struct, frozen=True):
    """The turn as it is stored, with its model responses, and the ids of the todos that it has changed."""

    turn: Turn
    changed: list[UUID]


class TurnFailed(Struct, frozen=True):
    """The problem document of the error that ended the stream. It comes instead of `TurnEnded`."""

    problem: dict[str, JsonValue]


type TurnEvent = TurnBegan | TextAdded | CallBegan | CallEnded | TurnEnded | TurnFailed
type Emit = Callable[[TurnEvent], Awaitable[None]]
"""Function that sends one event to the client."""


class TurnProtocol(Protocol):
    """Writes the events of one stream as a protocol's server-sent events."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the response, besides those of each stream."""
        ...

    @property
    def replays_after(self) -> int | None:
        """The round after which a stream begins with what is stored of its turn. None for a protocol without replay."""
        ...

    def encode(self, event: TurnEvent) -> Iterator[bytes]: ...


class TurnStream(EventStream):
    """A response that runs `work` and streams the events that it emits. A client that disconnects cancels the work."""

    def __init__(
        self,
        work: Callable[[Emit], Awaitable[None]],
        protocol: TurnProtocol,
        request_id: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(self._run, {**headers, **protocol.headers})
        self._emitting_work = work
        self._protocol = protocol
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

        async def emit(event: TurnEvent) -> None:
            for chunk in self._protocol.encode(event):
                await write(chunk)

        try:
            await self._emitting_work(emit)
        except ServiceError as error:
            log_server_error(error, self._request_id)
            await emit(TurnFailed(make_problem_document(error, self._request_id)))
            return error.code
        except Exception as error:  # noqa: BLE001 - the status line is sent already, so the error must be an event
            log.error("Unexpected error", extra={"request_id": self._request_id, "error": format_stack(error)})
            await emit(TurnFailed(make_problem_document(InternalError(), self._request_id)))
            return InternalError.code
        return None


class EventEmitter:
    """Listener of a turn that emits its events, first those that are stored already if `replays_after` is given."""

    def __init__(self, emit: Emit, replays_after: int | None) -> None:
        self._emit = emit
        self._replays_after = replays_after

    async def on_turn(self, turn: Turn) -> None:
        await self._emit(TurnBegan(turn))
        if self._replays_after is not None:
            for event in replay(turn, self._replays_after):
                await self._emit(event)

    async def on_text(self, text: str, round_number: int, attempt: int) -> None:
        await self._emit(TextAdded(text, round_number, attempt))

    async def on_call(self, call: ToolCall) -> None:
        await self._emit(CallBegan(call))

    async def on_result(self, call: ToolCall) -> None:
        await self._emit(CallEnded(call))


def replay(turn: Turn, after_round: int) -> Iterator[TextAdded | CallBegan | CallEnded]:
    """Yields the stored events of a turn after a round. Of this round itself it yields the results of its calls."""
    for response in turn.model_responses:
        if response.number > after_round:
            if response.content:
                yield TextAdded(response.content, response.number, 1)
            yield from map(CallBegan, response.calls)
        if response.number >= after_round:
            yield from (CallEnded(call) for call in response.calls if call.ok is not None)


def find_unsent_text(turn: Turn, sent: str) -> str:
    """Returns the end of the turn's response that the stream has not sent yet, such as the question for approval.

    `sent` is the text of the last round that was sent.
    """
    response = turn.response or ""
    return response.removeprefix(sent.strip())


async def _send_heartbeats(write: Write) -> None:
    while True:
        await anyio.sleep(_HEARTBEAT_SECONDS)
        await write(_HEARTBEAT)
