"""Execution of tool calls: each call once, in its own transaction, and after the user's approval if it needs one."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Any, Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from pydantic import ValidationError

from todo_assistant.tools.registry import (
    Arguments,
    Effect,
    Tool,
    ToolContext,
    ToolRegistry,
    ToolResult,
    describe_invalid_arguments,
)
from todo_assistant.turns import store, undo
from todo_assistant.turns.direct import find_recent_changes
from todo_assistant.turns.model import Approval, ApprovalCall, ApprovalTodo, ToolCall, Turn
from todo_core.actors import Actor
from todo_core.database.executor import Database, Transaction
from todo_core.limits import Quotas
from todo_core.todos import changes, operations

MAX_ARGUMENT_CHARACTERS: Final = 50_000
_MAX_CHANGES_WITHOUT_APPROVAL: Final = 5
_REFUSED: Final = "The user refused this. Nothing was changed. Do not try again unless the user asks for it."
_CHANGED_SINCE: Final = (
    "The todos have changed since the user was asked, so nothing was done. Look at them again before you ask again."
)


class ToolCallListener(Protocol):
    """Receives each tool call before it runs, and again when it has a result.

    A call that must wait for approval has no result yet.
    """

    async def on_call(self, call: ToolCall) -> None: ...

    async def on_result(self, call: ToolCall) -> None: ...


class _CallRejected(Exception):
    """A tool call with an unknown tool, or with invalid or too long arguments. The message is for the model."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code: Final = code


class CallRules(Struct, frozen=True):
    """Rules of tool calls.

    With `asks=False`, no call needs the user's approval. With a `window`, todos that earlier turns of the
    conversation changed within this time count for the turn. With `keeps_reads=False`, the results of calls
    that only read are not stored.
    """

    asks: bool = True
    window: timedelta | None = None
    keeps_reads: bool = True


_CHAT_RULES: Final = CallRules()


class ToolExecutor:
    """Runs the tool calls of turns and stores their results."""

    def __init__(self, db: Database, tools: ToolRegistry, quotas: Quotas, rules: CallRules = _CHAT_RULES) -> None:
        self._db = db
        self._tools = tools
        self._quotas = quotas
        self._rules = rules

    async def run_calls(
        self, turn: Turn, calls: Sequence[ToolCall], *, deadline: float, listener: ToolCallListener | None
    ) -> Approval | None:
        """Runs tool calls of the turn's last model response and stores their results.

        Begins no call after `deadline`, a time of the event loop's clock. Returns the approval that some of the calls
        wait for, or None. Raises TurnInProgress when the lease of the turn is lost, and TurnNotFound.
        """
        waiting: list[ApprovalCall] = []
        planned_ids = await self._find_planned_ids(turn, calls)
        for call in calls:
            if asyncio.get_running_loop().time() >= deadline:
                break
            if listener is not None:
                await listener.on_call(call)
            waiting_call = await self._run_call(turn, call, planned_ids)
            if waiting_call is not None:
                waiting.append(waiting_call)
            elif listener is not None:
                await listener.on_result(call)
        return Approval(turn.model_responses[-1].number, waiting) if waiting else None

    async def _find_planned_ids(self, turn: Turn, calls: Sequence[ToolCall]) -> set[UUID]:
        """Returns the ids of all todos that several calls together would change.

        They are counted before the first call runs, as too many changes need approval. Empty for a single call.
        """
        if len(calls) == 1:
            # Before a call runs, its own todos are counted anyway.
            return set()
        async with self._db.transaction() as transaction:
            context = self._create_context(transaction, turn, turn.timezone)
            effects = [await self._predict_effect(context, call) for call in calls]
            return {
                todo.id
                for effect in effects
                for todo in await _find_affected_todos(context, effect)
                if todo.id not in effect.without_consent
            }

    async def _run_call(self, turn: Turn, call: ToolCall, planned_ids: set[UUID]) -> ApprovalCall | None:
        """Runs a tool call and stores its result in the same transaction.

        Returns None, or the request for approval if the call needs the user's approval and so did not run.
        """
        started = monotonic()
        async with self._db.transaction() as transaction:
            # An undo locks the change log first and the turn second. The opposite order here could deadlock with it.
            await changes.lock_log(transaction, turn.user_id)
            timezone = await store.lock_leased_turn(transaction, turn)
            context = self._create_context(transaction, turn, timezone)
            result = await self._run_if_allowed(context, turn, call, planned_ids)
            if isinstance(result, ApprovalCall):
                return result
            call.ok, call.result = result.ok, result.result
            milliseconds = round((monotonic() - started) * 1000)
            await store.store_tool_result(transaction, turn, self._shorten(call), milliseconds=milliseconds)
        return None

    def _shorten(self, call: ToolCall) -> ToolCall:
        """Returns the tool call as it is stored: without the result of a successful call that only reads, if so set."""
        tool = self._tools.find(call.name)
        is_left_out = not self._rules.keeps_reads and call.ok and tool is not None and tool.traits.reads
        return replace(call, result={"left_out": True}) if is_left_out else call

    async def _run_if_allowed(
        self, context: ToolContext, turn: Turn, call: ToolCall, planned_ids: set[UUID]
    ) -> ToolResult | ApprovalCall:
        """Runs the tool call, or refuses it, and returns the result for the model.

        If the user must approve the call first, returns an ApprovalCall and changes nothing.
        """
        try:
            tool, arguments = self._parse(call)
        except _CallRejected as error:
            return ToolResult.failed(error.code, str(error))
        effect = await arguments.effect(context)
        affected = await _find_affected_todos(context, effect)
        answered = turn.approval.find_call(call) if turn.approval else None
        if turn.approval is not None and answered is not None:
            if not turn.approval.approved:
                return ToolResult(ok=False, result={"error": _REFUSED, "code": "refused", "refused": True})
            if await _have_todos_changed(context, turn, answered.todos, affected):
                return ToolResult.failed("changed_since", _CHANGED_SINCE)
        elif await self._must_ask(context, turn, effect, affected, planned_ids):
            return ApprovalCall(call.position, call.id, call.name, call.arguments, effect.deletes, affected)
        result = await tool.run(context, arguments)
        if arguments.reversal is None:
            await undo.end_reversal(context.db, context.actor)
        return result

    async def _must_ask(
        self,
        context: ToolContext,
        turn: Turn,
        effect: Effect,
        affected: Sequence[ApprovalTodo],
        planned_ids: set[UUID],
    ) -> bool:
        """Returns True if the user must approve the call: it deletes, or the turn would change too many todos."""
        if not affected or not self._rules.asks:
            return False
        if effect.deletes:
            return True
        counted = _versions_of(affected).keys() - set(effect.without_consent)
        window = self._rules.window
        recent = await find_recent_changes(context.db, turn, window) if window and counted else {}
        return await _changes_too_many(context, turn, planned_ids, counted, recent)

    async def _predict_effect(self, context: ToolContext, call: ToolCall) -> Effect:
        """Returns the todos that a call would change: none for an unknown tool or invalid arguments."""
        try:
            _, arguments = self._parse(call)
        except _CallRejected:
            return Effect()
        return await arguments.effect(context)

    def _parse(self, call: ToolCall) -> tuple[Tool[Any], Arguments]:
        """Returns the tool and the arguments of a call. Raises _CallRejected."""
        tool = self._tools.find(call.name)
        if tool is None:
            names = ", ".join(tool.name for tool in self._tools)
            raise _CallRejected("unknown_tool", f"There is no tool of this name; there are {names}.")
        if len(call.arguments) > MAX_ARGUMENT_CHARACTERS:
            raise _CallRejected("too_long", "The arguments are too long, so nothing was done; call with fewer items.")
        try:
            return tool, tool.parse_arguments(call.arguments)
        except ValidationError as error:
            raise _CallRejected("invalid", describe_invalid_arguments(error)) from None

    def _create_context(self, transaction: Transaction, turn: Turn, account_timezone: str) -> ToolContext:
        """Returns the context of a tool call. Phrases have the turn's time zone, recurrences the account's."""
        actor = Actor(turn.user_id, "assistant", turn.id, account_timezone, self._quotas, turn.token_name)
        return ToolContext(transaction, actor, turn.conversation_id, turn.created_at, ZoneInfo(turn.timezone))


async def _find_affected_todos(context: ToolContext, effect: Effect) -> list[ApprovalTodo]:
    """Returns the existing todos of an effect that belong to the user, in its order, also those in the trash."""
    if not effect.todo_ids:
        return []
    found = await operations.find_by_id(context.db, context.user_id, effect.todo_ids)
    todos = {todo.id: todo for todo in found}
    ids = [todo_id for todo_id in dict.fromkeys(effect.todo_ids) if todo_id in todos]
    return [ApprovalTodo(todo_id, todos[todo_id].title, todos[todo_id].version) for todo_id in ids]


async def _have_todos_changed(
    context: ToolContext, turn: Turn, approved: Sequence[ApprovalTodo], affected: Sequence[ApprovalTodo]
) -> bool:
    """Returns True if an approved call would now change other todos or versions than the user approved.

    Versions that the turn itself made count as approved: an approved call may also change todos of the next call.
    """
    versions_by_turn = await changes.find_versions(context.db, context.user_id, turn.id)
    expected = {
        todo.id: todo.version + sum(version > todo.version for version in versions_by_turn.get(todo.id, ()))
        for todo in approved
    }
    return not _versions_of(affected).items() <= expected.items()


async def _changes_too_many(
    context: ToolContext, turn: Turn, planned_ids: set[UUID], affected: set[UUID], recent: Mapping[UUID, bool]
) -> bool:
    """Returns True if the turn would change more than five existing todos, which needs the user's approval.

    Todos that the turn, or one of the `recent` turns, has added do not count.
    """
    if not affected:
        return False
    # The turn's changes are queried again before each call: `planned_ids` lacks the todos of a second undo call, which
    # are known only after the first.
    changed = {**recent, **await changes.find_changed_todos(context.db, context.user_id, turn.id)}
    added = {todo_id for todo_id, was_added in changed.items() if was_added}
    return len(planned_ids.union(changed, affected) - added) > _MAX_CHANGES_WITHOUT_APPROVAL


def _versions_of(todos: Sequence[ApprovalTodo]) -> Mapping[UUID, int]:
    return {todo.id: todo.version for todo in todos}
