"""The data of a turn: the user's message, the model responses, their tool calls and the outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import msgspec
from pydantic import JsonValue

from todo_assistant.models.messages import Extras, Question
from todo_core.todos.changes import TurnChange
from todo_core.todos.project_undo import ProjectChange

KEY_LIFETIME: Final = timedelta(hours=24)
"""Time for which a repeat with the same Idempotency-Key gets the turn of the first request."""

type Status = Literal["running", "needs_approval", "done", "incomplete"]
type Reversal = Literal["undo", "redo"]
type StopReason = Literal["rounds", "tool_calls", "tokens", "deadline"]


@dataclass(slots=True)
class ToolCall:
    """A tool call of the model. `ok` and `result` are None until the call is executed or refused.

    `round` is the number of the model response that contains the call. `position` is the place of the call in that
    response. Both count from 1.
    """

    round: int
    position: int
    id: str
    name: str
    arguments: str
    ok: bool | None = None
    result: dict[str, JsonValue] | None = None
    extras: Extras = field(default_factory=dict)


@dataclass(slots=True)
class ModelResponse:
    """An answer of the model in a turn. `number` counts the answers of the turn from 1.

    A model response with its tool calls is called a round.
    """

    number: int
    content: str
    prompt_tokens: int
    completion_tokens: int
    calls: list[ToolCall] = field(default_factory=list)
    question: Question | None = None
    extras: Extras = field(default_factory=dict)


class ApprovalTodo(msgspec.Struct, frozen=True):
    """A todo that a tool call would change, as it was when the user was asked to approve the call."""

    id: UUID
    title: str
    version: int


class ApprovalCall(msgspec.Struct, frozen=True):
    """A tool call that needs the user's approval, which covers only these arguments and these versions of the todos."""

    position: int
    id: str
    name: str
    arguments: str
    deletes: bool
    todos: list[ApprovalTodo]


class Approval(msgspec.Struct):
    """The tool calls of one round that need the user's approval. `approved` is None until the user has answered."""

    round: int
    calls: list[ApprovalCall]
    approved: bool | None = None

    def find_call(self, call: ToolCall) -> ApprovalCall | None:
        """Returns this approval's entry for a tool call, or None if the call needed no approval."""
        if call.round != self.round:
            return None
        return next((waiting for waiting in self.calls if waiting.position == call.position), None)


@dataclass(slots=True)
class Turn:
    """A message of the user with all model responses to it so far.

    `lease` is the token with which this process may write to the turn. Without a lease the turn is only read.
    `reserved_tokens` are those that the turn may still spend. `token_name` is the name of the API token whose request
    runs the turn. It is not stored with the turn, but with its changes.
    """

    id: UUID
    user_id: UUID
    conversation_id: UUID
    message: str
    timezone: str
    status: Status
    stopped_by: StopReason | None
    response: str | None
    model: str
    approval: Approval | None
    created_at: datetime
    reserved_tokens: int = 0
    lease: UUID | None = None
    token_name: str | None = None
    model_responses: list[ModelResponse] = field(default_factory=list)

    @property
    def calls(self) -> list[ToolCall]:
        return [call for response in self.model_responses for call in response.calls]

    @property
    def question(self) -> Question | None:
        """Returns the question with which the turn ended, or None."""
        return self.model_responses[-1].question if self.model_responses else None

    @property
    def prompt_tokens(self) -> int:
        return sum(response.prompt_tokens for response in self.model_responses)

    @property
    def completion_tokens(self) -> int:
        return sum(response.completion_tokens for response in self.model_responses)

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A request for a turn. Without `conversation_id` a conversation is created.

    `digest` is the hash of the request body, to detect a different request that reuses the idempotency key. A client
    may choose the id of its conversation: with `opens_conversation`, one that does not exist yet is created.
    """

    message: str
    conversation_id: UUID | None
    timezone: str
    model: str
    idempotency_key: str | None
    digest: bytes
    key_lifetime: timedelta = KEY_LIFETIME
    opens_conversation: bool = False


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """The result of a turn that has ended, or that pauses until the user answers `approval`."""

    status: Status
    response: str | None = None
    stopped_by: StopReason | None = None
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class UndoResult:
    """The todos and projects that an undo restored, and as conflicts those that it left as they are.

    A conflict is a todo that was purged or is no longer as the turn left it. So is one that others changed during the
    turn, and a project that was changed since or has other todos.
    """

    todos: Sequence[TurnChange]
    conflicts: Sequence[TurnChange]
    projects: Sequence[ProjectChange]
    project_conflicts: Sequence[ProjectChange]
