"""Request and response bodies of the chat routes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from todo_assistant.models.messages import Question
from todo_assistant.turns.conversations import Message
from todo_assistant.turns.model import Approval, Status, ToolCall, Turn, UndoResult
from todo_core.text import Text
from todo_core.times import TimeZoneName
from todo_core.todos.project_undo import ProjectChange
from todo_core.web.query import PageQuery

_TURN: Final = "0198c5a1-9000-7c11-8a70-5b1f0d2e3c44"
_CONVERSATION: Final = "0198c5a1-8f00-7d2a-9e10-0a2b4c6d8e10"
_TODO: Final = "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22"
_PROJECT: Final = "0198c5a1-6b00-7f4d-9a21-3c5e8d7b1f60"
_CALL: Final[dict[str, JsonValue]] = {
    "id": "call_1",
    "name": "complete_todos",
    "arguments": {"ids": [_TODO]},
    "ok": True,
    "result": {"results": [{"ok": True, "todo": {"id": _TODO, "title": "Buy milk", "completed": True}}]},
}

EVENTS_EXAMPLE: Final = f"""\
event: turn
data: {{"turn_id": "{_TURN}", "conversation_id": "{_CONVERSATION}", "model": "commands"}}

event: token
data: {{"text": "Completed “Buy milk”.", "round": 2, "attempt": 1}}
"""
"""The beginning of a stream. A higher `attempt` of the same `round` replaces the text before it."""

_JSON: Final[TypeAdapter[JsonValue]] = TypeAdapter(JsonValue)

MessageText = Annotated[str, Text(min_length=1, max_length=4_000, multiline=True)]
ConversationTitle = Annotated[str, Text(min_length=1, max_length=200)]


class ChatRequest(BaseModel):
    model_config: ClassVar = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"message": "add call mum tomorrow 5pm #family !high"}]}
    )

    message: MessageText
    conversation_id: UUID | None = Field(default=None, description="A new conversation if left out.")
    timezone: TimeZoneName | None = Field(default=None, description="The account's if left out.")


class Decision(BaseModel):
    model_config: ClassVar = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"approve": True}]})

    approve: Annotated[bool, Field(strict=True)]


class ToolCallRead(BaseModel):
    """A tool call. `ok` and `result` are null while it waits for an approval."""

    id: str
    name: str
    arguments: JsonValue
    ok: bool | None
    result: dict[str, JsonValue] | None

    @classmethod
    def of(cls, call: ToolCall) -> Self:
        return cls(
            id=call.id, name=call.name, arguments=parse_arguments(call.arguments), ok=call.ok, result=call.result
        )


class ApprovalTodoRead(BaseModel):
    id: UUID
    title: str
    version: int


class ApprovalCallRead(BaseModel):
    """A tool call that waits for approval. The approval holds for these arguments and versions only."""

    id: str
    name: str
    arguments: JsonValue
    deletes: bool
    todos: list[ApprovalTodoRead]


class ApprovalRead(BaseModel):
    """The question to the user. Answer it once, with `POST /turns/{turn_id}/approval`."""

    calls: list[ApprovalCallRead]

    @classmethod
    def of(cls, approval: Approval) -> Self:
        return cls(
            calls=[
                ApprovalCallRead(
                    id=call.id,
                    name=call.name,
                    arguments=parse_arguments(call.arguments),
                    deletes=call.deletes,
                    todos=[ApprovalTodoRead(id=todo.id, title=todo.title, version=todo.version) for todo in call.todos],
                )
                for call in approval.calls
            ]
        )


class OptionRead(BaseModel):
    """An option of a question. `number` counts from 1. `todo_id` is the todo that the option means, if any."""

    number: int
    label: str
    todo_id: UUID | None


class QuestionRead(BaseModel):
    """A question with options, which `response` lists too. The next message of the conversation may answer it.

    Such a message is a number (`2`), several (`1 and 3`, `all`) if `takes_many` is true, or `none`. A front end can
    show a button for each option and send its number. Any other message leaves the question unanswered.
    """

    options: list[OptionRead]
    takes_many: bool

    @classmethod
    def of(cls, question: Question) -> Self:
        return cls(
            options=[
                OptionRead(number=number, label=option.label, todo_id=option.todo_id)
                for number, option in enumerate(question.options, start=1)
            ],
            takes_many=question.takes_many,
        )


class UsageRead(BaseModel):
    """The tokens that the turn used, as the language model counts them."""

    prompt_tokens: int
    completion_tokens: int


class TurnRead(BaseModel):
    """A turn of the assistant. `incomplete`: it reached a limit or was interrupted; its changes stay."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "conversation_id": _CONVERSATION,
                    "turn_id": _TURN,
                    "response": "Completed “Buy milk”.",
                    "tool_calls": [_CALL],
                    "changed": [_TODO],
                    "status": "done",
                    "approval": None,
                    "question": None,
                    "model": "commands",
                    "usage": {"prompt_tokens": 0, "completion_tokens": 0},
                }
            ]
        }
    )

    conversation_id: UUID
    turn_id: UUID
    response: str
    tool_calls: list[ToolCallRead]
    changed: list[UUID]
    status: Status
    approval: ApprovalRead | None
    question: QuestionRead | None
    model: str
    usage: UsageRead

    @classmethod
    def of(cls, turn: Turn, changed: Iterable[UUID]) -> Self:
        approval = turn.approval if turn.status == "needs_approval" else None
        return cls(
            conversation_id=turn.conversation_id,
            turn_id=turn.id,
            response=turn.response or "",
            tool_calls=[ToolCallRead.of(call) for call in turn.calls],
            changed=list(changed),
            status=turn.status,
            approval=ApprovalRead.of(approval) if approval else None,
            question=QuestionRead.of(turn.question) if turn.status == "done" and turn.question else None,
            model=turn.model,
            usage=UsageRead(prompt_tokens=turn.prompt_tokens, completion_tokens=turn.completion_tokens),
        )


class MessageRead(BaseModel):
    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c5a1-9001-7a00-9000-000000000001",
                    "conversation_id": _CONVERSATION,
                    "turn_id": _TURN,
                    "role": "assistant",
                    "content": "Completed “Buy milk”.",
                    "tool_calls": [_CALL],
                    "created_at": "2030-01-01T08:00:00Z",
                }
            ]
        }
    )

    id: UUID
    conversation_id: UUID
    turn_id: UUID
    role: Literal["user", "assistant"]
    content: str
    tool_calls: list[ToolCallRead]
    created_at: datetime

    @classmethod
    def of(cls, message: Message) -> Self:
        return cls(
            id=message.id,
            conversation_id=message.conversation_id,
            turn_id=message.turn_id,
            role=message.role,
            content=message.content,
            tool_calls=[ToolCallRead.of(call) for call in message.tool_calls],
            created_at=message.created_at,
        )


class ConversationRead(BaseModel):
    model_config: ClassVar = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": _CONVERSATION,
                    "title": "add buy milk",
                    "created_at": "2030-01-01T08:00:00Z",
                    "active_at": "2030-01-01T08:05:00Z",
                }
            ]
        },
    )

    id: UUID
    title: str
    created_at: datetime
    active_at: datetime


class ConversationRename(BaseModel):
    model_config: ClassVar = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"title": "Groceries"}]})

    title: ConversationTitle


class UndoneTodo(BaseModel):
    id: UUID
    title: str | None = Field(description="null if the todo was deleted permanently.")


class UndoneProject(BaseModel):
    id: UUID
    name: str = Field(description="Its last name if the project is gone.")


class UndoneRead(BaseModel):
    """The todos and projects that an undo restored, and as conflicts those that were changed after the turn.

    A project that the turn added is a conflict too if it has other todos by now.
    """

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "undone": [{"id": _TODO, "title": "Buy milk"}],
                    "conflicts": [],
                    "undone_projects": [{"id": _PROJECT, "name": "Home"}],
                    "project_conflicts": [],
                }
            ]
        }
    )

    undone: list[UndoneTodo]
    conflicts: list[UndoneTodo]
    undone_projects: list[UndoneProject]
    project_conflicts: list[UndoneProject]

    @classmethod
    def of(cls, undone: UndoResult) -> Self:
        return cls(
            undone=[UndoneTodo(id=change.todo_id, title=change.title) for change in undone.todos],
            conflicts=[UndoneTodo(id=change.todo_id, title=change.title) for change in undone.conflicts],
            undone_projects=[_read_project(change) for change in undone.projects],
            project_conflicts=[_read_project(change) for change in undone.project_conflicts],
        )


def _read_project(change: ProjectChange) -> UndoneProject:
    return UndoneProject(id=change.project_id, name=change.name)


class HistoryQuery(PageQuery):
    conversation_id: UUID | None = Field(default=None, description="The latest conversation if left out.")


def parse_arguments(arguments: str) -> JsonValue:
    """Returns the arguments as JSON, or as the text that the model wrote if that is not JSON."""
    try:
        return _JSON.validate_json(arguments or "{}")
    except ValidationError:
        return arguments
