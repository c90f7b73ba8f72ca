"""Carrying out what the model asked for: each call once, in one transaction, and only with approval where it is due."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any, Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from todo_assistant.tools import TODO_TOOLS, Effect, Tool, ToolContext, ToolRegistry, ToolResult, sentence_of
from todo_assistant.tools.registry import Arguments
from todo_assistant.turns import store
from todo_assistant.turns.model import Approval, ApprovalCall, ApprovalTodo, ToolCall, Turn
from todo_core.actors import Actor
from todo_core.database.executor import Database, Transaction
from todo_core.todos import changes, operations
from todo_core.todos.model import Todo

LONGEST_ARGUMENTS: Final = 50_000
_MOST_CHANGES_UNASKED: Final = 5
_REFUSED: Final = "The user refused this. Nothing was changed. Do not try again unless the user asks for it."
_CHANGED_SINCE: Final = (
    "The todos have changed since the user was asked, so nothing was done. Look at them again before you ask again."
)


class CallListener(Protocol):
    """Hears of calls as they are made."""

    async def on_call(self, call: ToolCall) -> None: ...

    async def on_result(self, call: ToolCall) -> None: ...


class _Unusable(Exception):
    """Arguments, or a name, with which no tool can be called; the message is for the model."""


class ToolExecutor:
    """Carries out the calls of turns."""

    def __init__(self, db: Database, tools: ToolRegistry = TODO_TOOLS) -> None:
        self._db = db
        self._tools = tools

    async def carry_out(
        self, turn: Turn, calls: Sequence[ToolCall], *, deadline: float, listener: CallListener | None
    ) -> Approval | None:
        """Carries out calls of the last round, as many as there is time for until `deadline` (of the loop's clock).

        Gives what the user must be asked before the rest of them.
        """
        asked: list[ApprovalCall] = []
        together = await self._changes_together(turn, calls)
        for call in calls:
            if asyncio.get_running_loop().time() >= deadline:
                break
            if listener is not None:
                await listener.on_call(call)
            question = await self._carry_out(turn, call, together)
            if question is not None:
                asked.append(question)
            elif listener is not None:
                await listener.on_result(call)
        return Approval(turn.model_responses[-1].number, asked) if asked else None

    async def _changes_together(self, turn: Turn, calls: Sequence[ToolCall]) -> set[UUID]:
        """The todos that the calls of a round would change."""
        if len(calls) == 1:
            return set()
        async with self._db.transaction() as transaction:
            context = _context(transaction, turn)
            return {
                todo.id for call in calls for todo in await self._touched(context, await self._effect(context, call))
            }

    async def _carry_out(self, turn: Turn, call: ToolCall, together: set[UUID]) -> ApprovalCall | None:
        """Runs a call and stores its outcome in the same transaction, unless the user must be asked before."""
        started = monotonic()
        async with self._db.transaction() as transaction:
            await changes.lock_log(transaction, turn.user_id)
            await store.lock_leased_turn(transaction, turn)
            outcome = await self._outcome(_context(transaction, turn), turn, call, together)
            if isinstance(outcome, ApprovalCall):
                return outcome
            call.ok, call.result = outcome.ok, outcome.result
            await store.store_tool_result(transaction, turn, call, milliseconds=round((monotonic() - started) * 1000))
        return None

    async def _outcome(
        self, context: ToolContext, turn: Turn, call: ToolCall, together: set[UUID]
    ) -> ToolResult | ApprovalCall:
        """Where the user must be asked, nothing has been done yet."""
        try:
            tool, arguments = self._read(call)
        except _Unusable as error:
            return ToolResult.failed(str(error))
        effect = await arguments.effect(context)
        touched = [ApprovalTodo(todo.id, todo.title, todo.version) for todo in await self._touched(context, effect)]
        asked = turn.approval.find_call(call) if turn.approval else None
        if turn.approval is not None and asked is not None:
            if not turn.approval.approved:
                return ToolResult(ok=False, result={"error": _REFUSED, "refused": True})
            if await self._has_changed(context, turn, asked.todos, touched):
                return ToolResult.failed(_CHANGED_SINCE)
        elif touched and (effect.deletes or await self._is_too_much(context, turn, together, touched)):
            return ApprovalCall(call.position, call.id, call.name, call.arguments, effect.deletes, touched)
        return await tool.run(context, arguments)

    async def _has_changed(
        self, context: ToolContext, turn: Turn, asked: Sequence[ApprovalTodo], touched: Sequence[ApprovalTodo]
    ) -> bool:
        """Whether anyone but the turn itself has changed the todos since the user was asked.

        Those that the turn itself has changed already, along with others, may not be touched any more.
        """
        own = await changes.find_versions(context.db, context.user_id, turn.id)
        expected = {
            todo.id: todo.version + sum(version > todo.version for version in own.get(todo.id, ())) for todo in asked
        }
        return not _versions(touched).items() <= expected.items()

    async def _is_too_much(
        self, context: ToolContext, turn: Turn, together: set[UUID], touched: Sequence[ApprovalTodo]
    ) -> bool:
        """Whether the turn would have changed more todos than it may without asking, those it added not counted."""
        # Read anew: what an undo changes shows only once the undo before it in the same round is done.
        changed = await changes.find_changed_todos(context.db, context.user_id, turn.id)
        added = {todo_id for todo_id, was_added in changed.items() if was_added}
        return len(together.union(changed, _versions(touched)) - added) > _MOST_CHANGES_UNASKED

    async def _effect(self, context: ToolContext, call: ToolCall) -> Effect:
        """What a call would do; nothing if it cannot be carried out at all."""
        try:
            _, arguments = self._read(call)
        except _Unusable:
            return Effect()
        return await arguments.effect(context)

    async def _touched(self, context: ToolContext, effect: Effect) -> list[Todo]:
        """The user's todos that an effect is about, in the trash too; what is not theirs is nothing to ask about."""
        if not effect.todo_ids:
            return []
        return await operations.find_by_id(context.db, context.user_id, effect.todo_ids)

    def _read(self, call: ToolCall) -> tuple[Tool[Any], Arguments]:
        """Raises _Unusable."""
        tool = self._tools.find(call.name)
        if tool is None:
            names = ", ".join(each.name for each in self._tools)
            raise _Unusable(f"There is no tool of this name; there are {names}.")
        if len(call.arguments) > LONGEST_ARGUMENTS:
            raise _Unusable("The arguments are too long, so nothing was done; call with fewer items.")
        try:
            return tool, tool.read(call.arguments)
        except ValidationError as error:
            raise _Unusable(sentence_of(error)) from None


def _context(transaction: Transaction, turn: Turn) -> ToolContext:
    actor = Actor(turn.user_id, "assistant", turn.id, turn.timezone)
    return ToolContext(transaction, actor, turn.conversation_id, turn.created_at, ZoneInfo(turn.timezone))


def _versions(seen: Sequence[ApprovalTodo]) -> dict[UUID, int]:
    return {todo.id: todo.version for todo in seen}
