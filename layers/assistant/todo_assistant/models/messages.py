"""The interface to a language model: messages, requests and completions in a form that no provider defines.

An adapter converts them to the wire format of its provider and back.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from pydantic import JsonValue

type ToolSchema = dict[str, Any]
"""The description of a tool: `{"type": "function", "function": {...}}`, as in Chat Completions."""
type Extras = Mapping[str, JsonValue]
"""Data that the provider must get back unchanged, such as signatures of reasoning. Only its adapter reads them."""


class Option(msgspec.Struct, frozen=True):
    """One answer to a question. `message` is the command that the answer stands for.

    `todo_id` is the todo that the label describes; None if there is none. The command changes this todo, unless the
    question has `moved_ids`.
    """

    label: str
    message: str
    todo_id: UUID | None = None


class Question(msgspec.Struct, frozen=True):
    """A question of the command model to the user, with numbered options. The next message may answer it.

    `takes_many` is true if the user may choose several options: `all`, `1 and 3`. `moved_ids` are the todos that the
    command moves under the todo of the chosen option. `takes_yes` is true if `yes` chooses the first option.
    """

    options: list[Option]
    takes_many: bool = False
    moved_ids: list[UUID] = []
    takes_yes: bool = False


@dataclass(frozen=True, slots=True)
class ToolCallRequest:
    """A tool call as the model wrote it, not yet checked: the arguments may be invalid JSON, the id may be empty."""

    id: str
    name: str
    arguments: str
    extras: Extras = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SystemMessage:
    content: str


@dataclass(frozen=True, slots=True)
class UserMessage:
    content: str


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """An earlier completion of the model, or a sentence of the service on how an earlier turn ended."""

    content: str = ""
    calls: Sequence[ToolCallRequest] = ()
    extras: Extras = field(default_factory=dict)
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class ToolMessage:
    """The result of one tool call, with the name of its tool. Each call of an assistant message has one."""

    call_id: str
    tool: str
    result: Mapping[str, JsonValue]


type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request to a model: the conversation's messages, the tools that the model may call, and the user's time zone.

    `now` is the instant at which the turn began.
    """

    messages: Sequence[Message]
    tools: Sequence[ToolSchema]
    now: datetime
    timezone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer to one request: text, tool calls, or both. Token counts are None if the model reports none.

    `question` is set if the text asks the user to choose among options.
    """

    content: str = ""
    calls: Sequence[ToolCallRequest] = ()
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    extras: Extras = field(default_factory=dict)
    question: Question | None = None


type OnText = Callable[[str, int], Awaitable[None]]
"""A function that receives a piece of a completion's text and the number of the attempt, from 1.

The text of a later attempt replaces that of the failed attempt before it.
"""


class Model(Protocol):
    """A language model, or the command model that replaces it."""

    @property
    def name(self) -> str: ...

    async def answer(self, request: ModelRequest, *, deadline: float, on_text: OnText | None = None) -> Completion:
        """Returns the completion before `deadline`, a time of the event loop's clock.

        Also passes the completion's text to `on_text`, in pieces if the model streams.
        Raises AssistantUnavailable and AssistantNotConfigured, and TimeoutError when the deadline passed.
        """
        ...

    async def prepare(self) -> None:
        """Imports the libraries that the model needs, so that the import does not delay the first answer."""
        ...

    async def close(self) -> None: ...
