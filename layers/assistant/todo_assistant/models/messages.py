"""The interface to a language model: requests and completions in the terms of the Chat Completions API."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NotRequired, Protocol, TypedDict
from zoneinfo import ZoneInfo


class FunctionCall(TypedDict):
    name: str
    arguments: str


class ToolCallMessage(TypedDict):
    id: str
    type: Literal["function"]
    function: FunctionCall


class ChatMessage(TypedDict):
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: NotRequired[list[ToolCallMessage]]
    tool_call_id: NotRequired[str]


type ToolSchema = dict[str, Any]
"""The description of a tool in the format of Chat Completions: `{"type": "function", "function": {...}}`."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request to a model: the conversation's messages, the tools that the model may call, and the user's time zone.

    `now` is the instant at which the turn began.
    """

    messages: Sequence[ChatMessage]
    tools: Sequence[ToolSchema]
    now: datetime
    timezone: ZoneInfo


@dataclass(frozen=True, slots=True)
class ToolCallRequest:
    """A tool call as the model wrote it, not yet checked: the arguments may be invalid JSON, the id may be empty."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer to one request: text, tool calls, or both. Token counts are None if the model reports none."""

    content: str = ""
    calls: Sequence[ToolCallRequest] = field(default_factory=tuple)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


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
