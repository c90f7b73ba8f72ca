"""What goes to a model and what comes back, in the words of the Chat Completions API."""

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
"""The description of a tool, as Chat Completions takes it: `{"type": "function", "function": {...}}`."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a model is asked: the conversation so far, the tools it may call, and the user's clock."""

    messages: Sequence[ChatMessage]
    tools: Sequence[ToolSchema]
    now: datetime
    timezone: ZoneInfo


@dataclass(frozen=True, slots=True)
class ToolCallRequest:
    """A call as the model wrote it: the arguments may be anything, the id may be missing."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer to one request: text, calls of tools, or both, and what it cost in tokens (None: not told)."""

    content: str = ""
    calls: Sequence[ToolCallRequest] = field(default_factory=tuple)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


type OnText = Callable[[str, int], Awaitable[None]]
"""Takes a piece of text as it comes, and the attempt that it belongs to: a later attempt begins from nothing."""


class Model(Protocol):
    """A language model, or what stands in its place."""

    @property
    def name(self) -> str: ...

    async def answer(self, request: ModelRequest, *, deadline: float, on_text: OnText | None = None) -> Completion:
        """Answers by `deadline` (of the event loop's clock, in seconds), text piece by piece where `on_text` is given.

        Raises AssistantUnavailable and AssistantNotConfigured, and TimeoutError when the deadline passed.
        """
        ...

    async def prepare(self) -> None:
        """Loads what the first answer would otherwise have to wait for."""
        ...

    async def close(self) -> None: ...
