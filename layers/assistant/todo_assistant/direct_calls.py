"""Tool calls of programs: each is a turn without a model, in the conversation of the program's token."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Final, Self
from uuid import UUID

import msgspec
from msgspec import Struct
from pydantic import JsonValue

from todo_assistant.agent import format_question
from todo_assistant.errors import NothingToApprove
from todo_assistant.models.messages import Completion, ToolCallRequest
from todo_assistant.tools.executor import CallRules, ToolExecutor
from todo_assistant.tools.registry import ToolRegistry, describe_failure
from todo_assistant.tools.todo_tools import TODO_TOOLS
from todo_assistant.turns import direct, store
from todo_assistant.turns.budget import TurnRules
from todo_assistant.turns.model import Approval, NewTurn, ToolCall, Turn, TurnOutcome
from todo_core.database.executor import Database
from todo_core.errors import ServiceError
from todo_core.settings import Settings

WINDOW: Final = timedelta(minutes=1)
"""The time within which the changes of a token's calls count together: more than five todos need approval."""

_LEASE: Final = timedelta(seconds=30)
_FINISHED: Final = "Done."


class DirectCall(Struct, frozen=True):
    """A tool call of a program. `client` is the name of its token, and `arguments` is JSON."""

    user_id: UUID
    token_id: UUID
    client: str
    timezone: str
    name: str
    arguments: str
    idempotency_key: str | None = None

    @property
    def digest(self) -> bytes:
        """The hash of the tool and its arguments."""
        return sha256(f"{self.name} {self.arguments}".encode()).digest()


class DirectCalls:
    """Runs the tool calls of programs."""

    def __init__(self, db: Database, rules: TurnRules, tools: ToolRegistry = TODO_TOOLS) -> None:
        self._db, self._rules = db, rules
        self._asking = ToolExecutor(db, tools, rules.quotas, CallRules(window=WINDOW, keeps_reads=False))
        self._unasked = ToolExecutor(db, tools, rules.quotas, CallRules(asks=False, keeps_reads=False))

    @classmethod
    def from_settings(cls, settings: Settings, db: Database) -> Self:
        assistant = settings.assistant
        rules = TurnRules(assistant.daily_quota, settings.quotas, 0, assistant.turns_at_once, _LEASE)
        return cls(db, rules)

    async def run(self, call: DirectCall, *, seconds: float, may_do_all: bool, refusal: str | None) -> Turn:
        """Runs a call and returns its turn, which holds the result, or the approval for which it waits.

        With `may_do_all`, no call needs approval. Otherwise a call that needs one fails with the sentence `refusal`,
        if there is one. Raises the errors of `turns.begin.begin`, and errors such as QuotaExceeded of the operations.
        """
        new = NewTurn(
            message=f"{call.client}: {call.name}",
            conversation_id=direct.conversation_of(call.token_id),
            timezone=call.timezone,
            model=direct.DIRECT_MODEL,
            idempotency_key=call.idempotency_key,
            digest=call.digest,
        )
        turn = await direct.begin(self._db, call.user_id, new, call.client, self._rules)
        turn.token_name = call.client
        if turn.lease is None:
            return turn
        if not turn.model_responses:
            request = ToolCallRequest("", call.name, call.arguments)
            completion = Completion(calls=[request], prompt_tokens=0, completion_tokens=0)
            await store.add_model_response(self._db, turn, completion, milliseconds=0)
        return await self._finish(turn, self._unasked if may_do_all else self._asking, seconds, refusal)

    async def answer(self, user_id: UUID, turn_id: UUID, client: str, *, approved: bool, seconds: float) -> Turn:
        """Runs the call of a turn that waits for approval, or refuses it. Returns the turn with the result.

        Each approval is answered once: later answers return the turn as it is. Raises TurnNotFound, TurnInProgress.
        """
        try:
            turn = await store.answer_approval(self._db, user_id, turn_id, self._rules, approved=approved)
        except NothingToApprove:
            return await store.load(self._db, user_id, turn_id)
        turn.token_name = client
        return await self._finish(turn, self._asking, seconds, None)

    async def give_up(self, turn: Turn) -> None:
        """Ends a turn that waits for approval, so that nobody can approve it any more."""
        async with self._db.transaction() as transaction:
            await direct.give_up(transaction, turn.user_id, turn.id)

    async def load(self, user_id: UUID, turn_id: UUID) -> Turn:
        return await store.load(self._db, user_id, turn_id)

    async def _finish(self, turn: Turn, executor: ToolExecutor, seconds: float, refusal: str | None) -> Turn:
        deadline = asyncio.get_running_loop().time() + seconds
        pending = [call for call in turn.calls if call.ok is None]
        try:
            approval = await executor.run_calls(turn, pending, deadline=deadline, listener=None)
        except ServiceError as error:
            await store.finish(self._db, turn, TurnOutcome("incomplete", error.sentence))
            raise
        if approval is not None and refusal is not None:
            await self._refuse(turn, pending[0], describe_failure("needs_approval", refusal, {}))
            approval = None
        await self._store_outcome(turn, approval)
        return turn

    async def _refuse(self, turn: Turn, call: ToolCall, failure: dict[str, JsonValue]) -> None:
        call.ok, call.result = False, failure
        async with self._db.transaction() as transaction:
            await store.lock_leased_turn(transaction, turn)
            await store.store_tool_result(transaction, turn, call, milliseconds=0)

    async def _store_outcome(self, turn: Turn, approval: Approval | None) -> None:
        if approval is not None:
            outcome = TurnOutcome("needs_approval", format_question(approval), approval=approval)
        elif any(call.ok is None for call in turn.calls):
            outcome = TurnOutcome("incomplete", "I ran out of time. Nothing was changed.", stopped_by="deadline")
        else:
            outcome = TurnOutcome("done", describe_outcome(turn.calls[0].result or {}))
        await store.finish(self._db, turn, outcome)
        turn.status, turn.response, turn.approval = outcome.status, outcome.response, outcome.approval


def describe_outcome(result: Mapping[str, JsonValue]) -> str:
    """Returns a sentence for the person who reads the conversation: the reason of a failure, or that it is done."""
    error = result.get("error")
    return error if isinstance(error, str) else _FINISHED


def encode_arguments(arguments: Mapping[str, JsonValue]) -> str:
    """Returns arguments as JSON with sorted keys, so that the same arguments are always the same text."""
    return msgspec.json.encode(arguments, order="sorted").decode()
