"""The data of a turn: the user's message, the model responses, their tool calls and the outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from pydantic import JsonValue

from todo_core.todos.changes import TurnChange

type Status = Literal["running", "needs_approval", "done", "incomplete"]
type StopReason = Literal["rounds", "tool_calls", "tokens", "deadline"]


@dataclass(slots=True)
class ToolCall:
    """A tool call of the model. `ok` and `result` are None until it is executed or refused.

    `round` is the number of the model response that contains the call, `position` its place there; both count from 1.
    """

    round: int
    position: int
    id: str
    name: str
    arguments: str
    ok: bool | None = None
    result: dict[str, JsonValue] | None = None


@dataclass(slots=True)
class ModelResponse:
    """A completion as stored in a turn. Its number counts from 1; a response with its tool calls is a round."""

    number: int
    content: str
    prompt_tokens: int
    completion_tokens: int
    calls: list[ToolCall] = field(default_factory=list)


class ApprovalTodo(msgspec.Struct, frozen=True):
    """A todo at the time when the user is asked for approval."""

    id: UUID
    title: str
    version: int


class ApprovalCall(msgspec.Struct, frozen=True):
    """A tool call that waits for approval. The approval holds for these arguments and these versions only."""

    position: int
    id: str
    name: str
    arguments: str
    deletes: bool
    todos: list[ApprovalTodo]


class Approval(msgspec.Struct):
    """An approval that a turn waits for. `approved` is None until the user has answered."""

    round: int
    calls: list[ApprovalCall]
    approved: bool | None = None

    def find_call(self, call: ToolCall) -> ApprovalCall | None:
        """Returns the entry about a tool call, or None if the call needed no approval."""
        if call.round != self.round:
            return None
        return next((waiting for waiting in self.calls if waiting.position == call.position), None)


@dataclass(slots=True)
class Turn:
    """A message of the user with all model responses to it so far.

    `lease` is the token with which this process may write to the turn. Without a lease the turn is only read.
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
    lease: UUID | None = None
    model_responses: list[ModelResponse] = field(default_factory=list)

    @property
    def calls(self) -> list[ToolCall]:
        return [call for response in self.model_responses for call in response.calls]

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

    `digest` is the hash of the request body, to detect another request with the same idempotency key.
    """

    message: str
    conversation_id: UUID | None
    timezone: str
    model: str
    idempotency_key: str | None
    digest: bytes


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """The end of a turn, or its pause with an approval to wait for."""

    status: Status
    response: str | None = None
    stopped_by: StopReason | None = None
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class UndoResult:
    """The todos that an undo restored, and as conflicts those that were changed after the turn."""

    todos: Sequence[TurnChange]
    conflicts: Sequence[TurnChange]
