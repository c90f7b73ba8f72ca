"""The assistant of an app, and the work that all chat protocols share: runs a turn, streams it, follows another's."""

from typing import Annotated, Final
from uuid import UUID

import anyio
from fastapi import Depends, FastAPI, Request, Response

from functions.chat.events import (
    CallBegan,
    CallEnded,
    Emit,
    EventEmitter,
    TextAdded,
    TurnBegan,
    TurnEnded,
    TurnProtocol,
    TurnStream,
    replay,
)
from todo_assistant.agent import TurnListener
from todo_assistant.assistant import Assistant
from todo_assistant.errors import NothingToApprove, TurnNotFound
from todo_assistant.turns import store
from todo_assistant.turns.model import Turn
from todo_core.database.executor import Executor
from todo_core.deadlines import extend
from todo_core.todos import changes
from todo_core.web.requests import Count
from todo_core.web.resources import get_resources
from todo_core.workload import waiting

_RESERVED_SECONDS: Final = 2.0
"""Time of a request after its turn, to store and send the answer."""
_FOLLOW_SECONDS: Final = 0.5
"""Time between two looks at a turn that another request runs."""


async def _get_assistant(request: Request) -> Assistant:
    return get_assistant(request.app)


CurrentAssistant = Annotated[Assistant, Depends(_get_assistant)]


def get_assistant(app: FastAPI) -> Assistant:
    """Returns the assistant of an app, which is created on first use."""
    state = app.state
    if not hasattr(state, "assistant"):
        resources = get_resources(app)
        state.assistant = Assistant.from_settings(resources.settings, resources.database)
    assistant: Assistant = state.assistant
    return assistant


async def run_agent(turn: Turn, assistant: Assistant, request: Request, listener: TurnListener | None = None) -> None:
    """Runs the agent within the time of the request and adds its tokens and tool calls to the metrics."""
    tokens_before, calls_before = turn.tokens, len(turn.calls)
    left = extend(assistant.turn_seconds + _RESERVED_SECONDS) - _RESERVED_SECONDS
    seconds = max(min(assistant.turn_seconds, left), 0)
    try:
        await assistant.agent.run(turn, seconds=seconds, listener=listener)
    finally:
        counts: dict[Count, int] = {
            "ChatTurns": 1,
            "ChatTokens": turn.tokens - tokens_before,
            "ToolCalls": len(turn.calls) - calls_before,
        }
        request.state.counts = counts


def stream_turn(
    turn: Turn, protocol: TurnProtocol, assistant: Assistant, request: Request, response: Response
) -> TurnStream:
    """Returns the response that runs the turn, unless it is finished, and streams it in the protocol."""

    async def emit_events(emit: Emit) -> None:
        emitter = EventEmitter(emit, protocol.replays_after)
        if turn.lease is not None:
            await run_agent(turn, assistant, request, emitter)
        else:
            await emitter.on_turn(turn)
        await emit(await load_ended(assistant.db, turn.user_id, turn.id))

    return TurnStream(emit_events, protocol, request.state.request_id, dict(response.headers))


def follow_turn(turn: Turn, protocol: TurnProtocol, assistant: Assistant, request: Request) -> TurnStream:
    """Returns the response that streams a turn which another request runs, as far as it is stored, until it ends.

    The stream changes nothing. It ends at the latest when the lease of the turn does.
    """

    async def emit_events(emit: Emit) -> None:
        await emit(TurnBegan(turn))
        shown: set[tuple[type, int, int]] = set()
        current, seconds_left = turn, extend(assistant.turn_seconds + _RESERVED_SECONDS) - _RESERVED_SECONDS
        with anyio.move_on_after(max(seconds_left, 0)):
            while True:
                current = await store.load(assistant.db, turn.user_id, turn.id)
                for event in replay(current, 0):
                    place = _find_place(event)
                    if place not in shown:
                        shown.add(place)
                        await emit(event)
                if current.status != "running":
                    break
                with waiting():
                    await anyio.sleep(_FOLLOW_SECONDS)
        await emit(await load_ended(assistant.db, turn.user_id, turn.id))

    return TurnStream(emit_events, protocol, request.state.request_id, {})


def _find_place(event: TextAdded | CallBegan | CallEnded) -> tuple[type, int, int]:
    """Returns what tells a stored event from all others of its turn."""
    if isinstance(event, TextAdded):
        return TextAdded, event.round, 0
    return type(event), event.call.round, event.call.position


async def load_ended(db: Executor, user_id: UUID, turn_id: UUID) -> TurnEnded:
    """Returns a turn in its current state with the todos that it has changed. Raises TurnNotFound."""
    turn = await store.load(db, user_id, turn_id)
    return TurnEnded(turn, list(await changes.find_changed_todos(db, user_id, turn_id)))


async def answer_or_load(  # noqa: PLR0913 - an answer to an approval and its place
    assistant: Assistant,
    user_id: UUID,
    conversation_id: UUID,
    turn_id: UUID,
    *,
    round_number: int,
    approved: bool,
) -> Turn:
    """Stores the answer to the approval of one round and returns the turn, leased to the caller.

    A repeat, or an answer that comes too late, gets the turn as it is now, without a lease. Raises TurnNotFound also
    for a turn of another conversation, TurnInProgress and TooManyTurns.
    """
    turn = await store.load(assistant.db, user_id, turn_id)
    if turn.conversation_id != conversation_id:
        raise TurnNotFound
    try:
        return await assistant.answer_approval(
            assistant.db, user_id, turn_id, approved=approved, round_number=round_number
        )
    except NothingToApprove:
        return await store.load(assistant.db, user_id, turn_id)
