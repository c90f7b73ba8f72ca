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
from pydantic import ValidationError

from todo_assistant import history, turns
from todo_assistant.errors import AssistantFailure, AssistantUnavailable
from todo_assistant.messages import Model, ModelRequest, OnText, Reply, RequestedCall
from todo_assistant.tools import TODO_TOOLS, Effect, Outcome, Toolbox, ToolContext, sentence_of
from todo_assistant.turns import Approval, ApprovalCall, ApprovalTodo, Bound, Ending, ToolCall, Turn
from todo_core import todos
from todo_core.actors import Actor
from todo_core.database import Database, Transaction
from todo_core.errors import ServiceError
from todo_core.todos import changes

_MOST_CHANGES_UNASKED: Final = 5
_LONGEST_ARGUMENTS: Final = 50_000
_LONGEST_NAME: Final = 64
_RELEASE_SECONDS: Final = 5
_REFUSED: Final = "The user refused this. Nothing was changed. Do not try again unless the user asks for it."
_CHANGED_SINCE: Final = (
    "The todos have changed since the user was asked, so nothing was done. Look at them again before you ask again."
)
_NO_WORDS: Final = "I have no answer to that. Please say it in other words."
_STOPPED: Final[Mapping[Bound, str]] = {
    "rounds": "I stopped because this took too many steps.",
    "tool_calls": "I stopped because this took too many tool calls.",
    "tokens": "I stopped because this used up the tokens of one turn.",
    "deadline": "I ran out of time.",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one turn may take; tokens are the model's."""

    rounds: int = 8
    tool_calls: int = 25
    tokens: int = 60_000
    history_tokens: int = 8_000


class Listener(Protocol):
    """Hears of a turn as it goes on."""

    async def on_text(self, text: str, round_number: int, attempt: int) -> None: ...

    async def on_call(self, call: ToolCall) -> None: ...

    async def on_result(self, call: ToolCall) -> None: ...


class _NeedsApproval(Exception):
    """Raised inside the transaction of a call, so that it ends without effect."""


class Agent:
    """Takes turns from where they are to their end."""

    def __init__(self, db: Database, model: Model, bounds: Bounds, tools: Toolbox = TODO_TOOLS) -> None:
        self._db = db
        self._model = model
        self._bounds = bounds
        self._tools = tools

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
                with move_on_after(_RELEASE_SECONDS, shield=True), suppress(ServiceError):
                    await turns.release(self._db, turn)

    async def _go_on(self, turn: Turn, deadline: float, listener: Listener | None) -> None:
        cut = False
        while True:
            if turn.pending:
                if (approval := await self._act(turn, listener)) is not None:
                    asks = _with_last_words(turn, _question(approval))
                    await turns.finish(self._db, turn, Ending("needs_approval", asks, approval=approval))
                    return
            elif turn.rounds and not turn.rounds[-1].calls and not cut:
                await turns.finish(self._db, turn, Ending("done", turn.rounds[-1].content))
                return
            if (bound := self._bound_hit(turn, deadline, cut=cut)) is not None:
                await self._stop(turn, bound)
                return
            try:
                cut = await self._ask(turn, deadline, listener)
            except TimeoutError:
                if not turn.rounds:
                    raise AssistantUnavailable from None
                await self._stop(turn, "deadline")
                return

    def _bound_hit(self, turn: Turn, deadline: float, *, cut: bool) -> Bound | None:
        if cut:
            return "tool_calls"
        if len(turn.rounds) >= self._bounds.rounds:
            return "rounds"
        if turn.prompt_tokens + turn.completion_tokens >= self._bounds.tokens:
            return "tokens"
        if turn.rounds and asyncio.get_running_loop().time() >= deadline:
            return "deadline"
        return None

    async def _stop(self, turn: Turn, bound: Bound) -> None:
        """Ends the turn before the model did. What is done stays, and is told."""
        changed = len(await self._changed(turn))
        done = "Nothing was changed." if not changed else f"Changed so far: {changed} todo{'s' if changed > 1 else ''}."
        response = _with_last_words(turn, f"{_STOPPED[bound]} {done}")
        await turns.finish(self._db, turn, Ending("incomplete", response, stopped_by=bound))

    async def _ask(self, turn: Turn, deadline: float, listener: Listener | None) -> bool:
        """Adds a round. Tells whether the model asked for more calls than the turn has left."""
        timezone = ZoneInfo(turn.timezone)
        messages = await history.messages(self._db, turn, timezone, most_tokens=self._bounds.history_tokens)
        request = ModelRequest(messages, self._tools.schemas, turn.created_at, timezone)
        started = monotonic()
        reply = await self._model.answer(request, deadline=deadline, on_text=_to(listener, len(turn.rounds) + 1))
        milliseconds = round((monotonic() - started) * 1000)
        room = self._bounds.tool_calls - len(turn.calls)
        kept = Reply(
            content=_storable(reply.content).strip() or ("" if reply.calls else _NO_WORDS),
            calls=[_kept(call) for call in reply.calls[:room]],
            prompt_tokens=_counted(reply.prompt_tokens, messages),
            completion_tokens=_counted(reply.completion_tokens, reply),
        )
        await turns.add_round(self._db, turn, kept, milliseconds=milliseconds)
        return len(reply.calls) > room

    async def _act(self, turn: Turn, listener: Listener | None) -> Approval | None:
        """Carries out the calls of the last round. Gives what the user must be asked before the rest of them."""
        asked: list[ApprovalCall] = []
        together = await self._changes_together(turn)
        for call in turn.pending:
            if listener is not None:
                await listener.on_call(call)
            try:
                await self._carry_out(turn, call, together)
            except _NeedsApproval:
                asked.append(await self._approval_of(turn, call))
                continue
            if listener is not None:
                await listener.on_result(call)
        return Approval(turn.rounds[-1].number, asked) if asked else None

    async def _changes_together(self, turn: Turn) -> set[UUID]:
        """The todos that this turn has changed, and those that the calls of its last round would change."""
        together: set[UUID] = set()
        async with self._db.transaction() as transaction:
            context = _context(transaction, turn)
            together.update(await changes.existing_changed_in_turn(transaction, turn.user_id, turn.id))
            for call in turn.pending:
                together.update((await self._effect(context, call)).todo_ids)
            return {todo.id for todo in await todos.find_by_id(transaction, turn.user_id, list(together))}

    async def _carry_out(self, turn: Turn, call: ToolCall, together: set[UUID]) -> None:
        """Runs a call and stores its outcome in the same transaction. Raises _NeedsApproval instead of doing harm."""
        started = monotonic()
        async with self._db.transaction() as transaction:
            await changes.lock(transaction, turn.user_id)
            await turns.hold(transaction, turn)
            outcome = await self._outcome(_context(transaction, turn), turn, call, together)
            call.ok, call.result = outcome.ok, outcome.result
            await turns.record(transaction, turn, call, milliseconds=round((monotonic() - started) * 1000))

    async def _outcome(self, context: ToolContext, turn: Turn, call: ToolCall, together: set[UUID]) -> Outcome:
        tool = self._tools.find(call.name)
        if tool is None:
            names = ", ".join(each.name for each in self._tools)
            return Outcome.failed(f"There is no tool of this name; there are {names}.")
        if len(call.arguments) > _LONGEST_ARGUMENTS:
            return Outcome.failed("The arguments are too long, so nothing was done; call with fewer items.")
        try:
            arguments = tool.read(call.arguments)
        except ValidationError as error:
            return Outcome.failed(sentence_of(error))
        asked = turn.approval.of(call) if turn.approval else None
        if turn.approval is not None and asked is not None:
            if not turn.approval.approved:
                return Outcome(ok=False, result={"error": _REFUSED, "refused": True})
            if await self._versions(context, call) != {todo.id: todo.version for todo in asked.todos}:
                return Outcome.failed(_CHANGED_SINCE)
        else:
            await self._require_no_approval(context, turn, call, together)
        return await tool.run(context, arguments)

    async def _require_no_approval(self, context: ToolContext, turn: Turn, call: ToolCall, together: set[UUID]) -> None:
        effect = await self._effect(context, call)
        if not effect.todo_ids:
            return
        existing = {todo.id for todo in await todos.find_by_id(context.db, context.user_id, effect.todo_ids)}
        # What an undo changes shows only once the undo before it in the same round is done.
        changed = await changes.existing_changed_in_turn(context.db, context.user_id, turn.id)
        if existing and (effect.deletes or len(existing.union(together, changed)) > _MOST_CHANGES_UNASKED):
            raise _NeedsApproval

    async def _approval_of(self, turn: Turn, call: ToolCall) -> ApprovalCall:
        async with self._db.transaction() as transaction:
            context = _context(transaction, turn)
            effect = await self._effect(context, call)
            found = await todos.find_by_id(transaction, turn.user_id, effect.todo_ids)
        asked = [ApprovalTodo(todo.id, todo.title, todo.version) for todo in found]
        return ApprovalCall(call.position, call.id, call.name, call.arguments, effect.deletes, asked)

    async def _versions(self, context: ToolContext, call: ToolCall) -> dict[UUID, int]:
        effect = await self._effect(context, call)
        found = await todos.find_by_id(context.db, context.user_id, effect.todo_ids)
        return {todo.id: todo.version for todo in found}

    async def _effect(self, context: ToolContext, call: ToolCall) -> Effect:
        """What a call would do; nothing if it cannot be carried out at all."""
        tool = self._tools.find(call.name)
        if tool is None or len(call.arguments) > _LONGEST_ARGUMENTS:
            return Effect()
        try:
            arguments = tool.read(call.arguments)
        except ValidationError:
            return Effect()
        effect: Effect = await arguments.effect(context)
        return effect

    async def _changed(self, turn: Turn) -> Sequence[UUID]:
        return await changes.changed_in_turn(self._db, turn.user_id, turn.id)


def _context(transaction: Transaction, turn: Turn) -> ToolContext:
    actor = Actor(turn.user_id, "assistant", turn.id)
    return ToolContext(transaction, actor, turn.conversation_id, turn.created_at, ZoneInfo(turn.timezone))


def _to(listener: Listener | None, round_number: int) -> OnText | None:
    if listener is None:
        return None

    async def on_text(text: str, attempt: int) -> None:
        await listener.on_text(text, round_number, attempt)

    return on_text


def _with_last_words(turn: Turn, sentence: str) -> str:
    said = [each.content for each in turn.rounds[-1:] if each.content]
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
    return history.tokens_of(otherwise) if tokens is None else tokens


def _kept(call: RequestedCall) -> RequestedCall:
    """A call as it is stored and told again: what is too long to be of use is not kept whole."""
    call_id, name = _storable(call.id)[:_LONGEST_NAME], _storable(call.name)[:_LONGEST_NAME]
    return RequestedCall(call_id, name, _storable(call.arguments)[: _LONGEST_ARGUMENTS + 1])


def _storable(text: str) -> str:
    """What PostgreSQL takes: a model may write the NUL, or half of a character."""
    return text.replace("\0", "").encode(errors="replace").decode()
