"""The turn of the assistant: ask the model, carry out what it asks for, until it is done or a bound is hit.

Between two steps everything is in the database, and no connection is held while the model thinks.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from anyio import move_on_after

from todo_assistant.errors import AssistantFailure, AssistantUnavailable
from todo_assistant.models.messages import ChatMessage, Completion, Model, ModelRequest, OnText, ToolCallRequest
from todo_assistant.tools import TODO_TOOLS, ToolRegistry
from todo_assistant.tools.executor import LONGEST_ARGUMENTS, CallListener, ToolExecutor
from todo_assistant.turns import budget, history, store
from todo_assistant.turns.model import Approval, StopReason, Turn, TurnOutcome
from todo_core.database.executor import Database
from todo_core.errors import ServiceError
from todo_core.todos import changes

_LONGEST_NAME: Final = 64
_CLOSING_SECONDS: Final = 5
_NO_WORDS: Final = "I have no answer to that. Please say it in other words."
_STOPPED: Final[Mapping[StopReason, str]] = {
    "rounds": "I stopped because this took too many steps.",
    "tool_calls": "I stopped because this took too many tool calls.",
    "tokens": "I stopped because this used up the tokens of one turn.",
    "deadline": "I ran out of time.",
}


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """How much one turn may take; tokens are the model's."""

    rounds: int = 8
    tool_calls: int = 25
    tokens: int = 60_000
    history_tokens: int = 8_000


class Listener(CallListener, Protocol):
    """Hears of a turn as it goes on."""

    async def on_turn(self, turn: Turn) -> None: ...

    async def on_text(self, text: str, round_number: int, attempt: int) -> None: ...


class Agent:
    """Takes turns from where they are to their end."""

    def __init__(self, db: Database, model: Model, bounds: TurnLimits, tools: ToolRegistry = TODO_TOOLS) -> None:
        self._db = db
        self._model = model
        self._bounds = bounds
        self._schemas = tools.schemas
        self._calls = ToolExecutor(db, tools)

    async def run(self, turn: Turn, *, seconds: float, listener: Listener | None = None) -> None:
        """Goes on with a leased turn until it is done, incomplete, or needs an approval.

        Raises AssistantUnavailable and AssistantNotConfigured, which tell what had been changed by then; the turn can
        be taken up again.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            await self._go_on(turn, deadline, listener)
        except AssistantFailure as failure:
            raise failure.after(turn.id, await self._changed(turn)) from failure.__cause__
        finally:
            if turn.lease is not None:
                # Also when the client went away: whoever asks next may go on at once.
                with move_on_after(_CLOSING_SECONDS, shield=True), suppress(ServiceError):
                    await store.release_lease(self._db, turn)

    async def _go_on(self, turn: Turn, deadline: float, listener: Listener | None) -> None:
        if listener is not None:
            await listener.on_turn(turn)
        earlier = await history.messages_before(self._db, turn, max_tokens=self._bounds.history_tokens)
        while True:
            # A call beyond the bound is stored, so that a turn that is taken up again ends as this one would.
            pending = [call for call in turn.calls[: self._bounds.tool_calls] if call.ok is None]
            if pending:
                approval = await self._calls.carry_out(turn, pending, deadline=deadline, listener=listener)
                if approval is not None:
                    asks = _with_last_words(turn, _question(approval))
                    await store.finish(self._db, turn, TurnOutcome("needs_approval", asks, approval=approval))
                    return
            elif turn.model_responses and not turn.model_responses[-1].calls:
                await store.finish(self._db, turn, TurnOutcome("done", turn.model_responses[-1].content))
                return
            messages = [*earlier, *history.messages_of(turn)]
            if (bound := self._bound_hit(turn, messages, deadline)) is not None:
                await self._stop(turn, bound)
                return
            try:
                await self._ask(turn, messages, deadline, listener)
            except TimeoutError:
                if not turn.model_responses:
                    raise AssistantUnavailable from None
                await self._stop(turn, "deadline")
                return

    def _bound_hit(self, turn: Turn, messages: Sequence[ChatMessage], deadline: float) -> StopReason | None:
        if turn.model_responses and asyncio.get_running_loop().time() >= deadline:
            return "deadline"
        if len(turn.calls) > self._bounds.tool_calls:
            return "tool_calls"
        if len(turn.model_responses) >= self._bounds.rounds:
            return "rounds"
        spent = turn.prompt_tokens + turn.completion_tokens
        if turn.model_responses and spent + history.estimate_tokens(messages) > self._bounds.tokens:
            return "tokens"
        return None

    async def _stop(self, turn: Turn, bound: StopReason) -> None:
        """Ends the turn before the model did. What is done stays, and is told."""
        changed = len(await self._changed(turn))
        done = "Nothing was changed." if not changed else f"Changed so far: {changed} todo{'s' if changed > 1 else ''}."
        response = _with_last_words(turn, f"{_STOPPED[bound]} {done}")
        await store.finish(self._db, turn, TurnOutcome("incomplete", response, stopped_by=bound))

    async def _ask(
        self, turn: Turn, messages: Sequence[ChatMessage], deadline: float, listener: Listener | None
    ) -> None:
        """Adds a round."""
        request = ModelRequest(messages, self._schemas, turn.created_at, ZoneInfo(turn.timezone))
        started = monotonic()
        try:
            reply = await self._model.answer(
                request, deadline=deadline, on_text=_to(listener, len(turn.model_responses) + 1)
            )
        except BaseException:
            # What was asked costs as much as if the answer had been waited for.
            with move_on_after(_CLOSING_SECONDS, shield=True), suppress(ServiceError):
                await budget.count_tokens(self._db, turn.user_id, history.estimate_tokens(messages))
            raise
        room = self._bounds.tool_calls - len(turn.calls)
        kept = Completion(
            content=_storable(reply.content).strip() or ("" if reply.calls else _NO_WORDS),
            calls=[_kept(call) for call in reply.calls[: room + 1]],
            prompt_tokens=_counted(reply.prompt_tokens, messages),
            completion_tokens=_counted(reply.completion_tokens, reply),
        )
        await store.add_model_response(self._db, turn, kept, milliseconds=round((monotonic() - started) * 1000))

    async def _changed(self, turn: Turn) -> list[UUID]:
        return list(await changes.find_changed_todos(self._db, turn.user_id, turn.id))


def _to(listener: Listener | None, round_number: int) -> OnText | None:
    if listener is None:
        return None

    async def on_text(text: str, attempt: int) -> None:
        await listener.on_text(text, round_number, attempt)

    return on_text


def _with_last_words(turn: Turn, sentence: str) -> str:
    said = [each.content for each in turn.model_responses[-1:] if each.content]
    return "\n\n".join([*said, sentence])


def _question(approval: Approval) -> str:
    """What the user is asked, in a sentence that no todo and no model has a part in but by titles."""
    parts = []
    for verb, deletes in (("delete", True), ("change", False)):
        titles = {
            todo.id: f"“{todo.title}”" for call in approval.calls if call.deletes is deletes for todo in call.todos
        }
        if titles:
            parts.append(f"{verb} {', '.join(titles.values())}")
    return f"This needs your approval: {'; '.join(parts)}."


def _counted(tokens: int | None, otherwise: object) -> int:
    """What the provider counted, or an estimate if it did not count."""
    return history.estimate_tokens(otherwise) if tokens is None else tokens


def _kept(call: ToolCallRequest) -> ToolCallRequest:
    """A call as it is stored and told again: what is too long to be of use is not kept whole."""
    call_id, name = _storable(call.id)[:_LONGEST_NAME], _storable(call.name)[:_LONGEST_NAME]
    return ToolCallRequest(call_id, name, _storable(call.arguments)[: LONGEST_ARGUMENTS + 1])


def _storable(text: str) -> str:
    """What PostgreSQL takes: a model may write the NUL, or half of a character."""
    return text.replace("\0", "").encode(errors="replace").decode()
