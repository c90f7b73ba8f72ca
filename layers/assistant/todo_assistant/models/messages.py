"""The interface to a language model: requests and completions as in the Chat Completions API."""

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
"""A tool in the format of Chat Completions: `{"type": "function", "function": {...}}`."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request to a model: the messages so far, the tools it may call, and the user's clock."""

    messages: Sequence[ChatMessage]
    tools: Sequence[ToolSchema]
    now: datetime
    timezone: ZoneInfo


@dataclass(frozen=True, slots=True)
class ToolCallRequest:
    """A tool call as the model wrote it: the arguments may be any text, the id may be empty."""

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
"""Receives a piece of streamed text and the number of the attempt. A later attempt replaces the text before it."""


class Model(Protocol):
    """A language model, or the command model that replaces it."""

    @property
    def name(self) -> str: ...

    async def answer(self, request: ModelRequest, *, deadline: float, on_text: OnText | None = None) -> Completion:
        """Returns the completion by `deadline`, a time of the event loop's clock. Text is streamed to `on_text`.

        Raises AssistantUnavailable and AssistantNotConfigured, and TimeoutError when the deadline passed.
        """
        ...

    async def prepare(self) -> None:
        """Imports the libraries that the first answer needs, so that it is not delayed."""
        ...

    async def close(self) -> None: ...
