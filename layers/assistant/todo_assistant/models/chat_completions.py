"""The adapter of the Chat Completions API, in the dialects of OpenAI and of the many endpoints that imitate it."""

import re
from collections.abc import Mapping
from typing import Any, Final

from todo_assistant.models.arguments import to_valid_json
from todo_assistant.models.chat_chunks import ChatAccumulator
from todo_assistant.models.endpoint import Endpoint
from todo_assistant.models.messages import (
    AssistantMessage,
    Extras,
    Message,
    ModelRequest,
    ToolCallRequest,
    ToolMessage,
    UserMessage,
)
from todo_assistant.models.prompt import fence
from todo_assistant.models.refusals import Body
from todo_core.settings import OpenAISettings

_MAX_NAME_CHARACTERS: Final = 64
"""OpenAI's bound for the name of a tool. No tool of this service has a longer name."""


class ChatCompletions:
    """Converts requests and responses. `origin` marks the extras of this endpoint and model: no other gets them."""

    def __init__(self, settings: OpenAISettings, endpoint: Endpoint) -> None:
        self._settings = settings
        self._origin = f"chat {settings.model} {endpoint.address}"
        self._limit_name = "max_completion_tokens" if endpoint.is_openai else "max_tokens"

    def encode(self, request: ModelRequest, *, is_streamed: bool) -> Body:
        settings = self._settings
        options = {
            "reasoning_effort": settings.reasoning_effort,
            self._limit_name: settings.max_output_tokens,
            "stream": True if is_streamed else None,
            "stream_options": {"include_usage": True} if is_streamed else None,
        }
        return {
            "model": settings.model,
            "messages": [self._encode_message(message) for message in request.messages],
            "tools": request.tools,
            # "auto" is the default of OpenAI, but some other endpoints ignore the tools if it is missing.
            "tool_choice": "auto",
            **{name: value for name, value in options.items() if value is not None},
            **(settings.extra_body or {}),
        }

    def start(self, request: ModelRequest) -> ChatAccumulator:
        return ChatAccumulator(request, self._origin)

    def _encode_message(self, message: Message) -> dict[str, Any]:
        match message:
            case UserMessage():
                return {"role": "user", "content": message.content}
            case ToolMessage():
                return {"role": "tool", "tool_call_id": message.call_id, "content": fence(message.result)}
            case AssistantMessage():
                wire = {"role": "assistant", "content": message.content, **self._own(message.extras)}
                # The content may be an empty string: most endpoints accept it, and some reject null. `refusals` has the
                # other forms.
                return (
                    wire | {"tool_calls": [self._encode_call(call) for call in message.calls]}
                    if message.calls
                    else wire
                )
            case _:
                return {"role": "system", "content": message.content}

    def _encode_call(self, call: ToolCallRequest) -> dict[str, Any]:
        extras = self._own(call.extras)
        inner = extras.pop("function", {})
        function = {"name": to_wire_name(call.name), "arguments": to_valid_json(call.arguments)} | (
            inner if isinstance(inner, dict) else {}
        )
        return {"id": call.id, "type": "function", "function": function} | extras

    def _own(self, extras: Extras) -> dict[str, Any]:
        fields = extras.get("fields")
        return dict(fields) if extras.get("origin") == self._origin and isinstance(fields, Mapping) else {}


def to_wire_name(name: str) -> str:
    """Returns the name of a tool in the form that providers accept: at most 64 letters, digits, `_` and `-`.

    A model may call a tool that does not exist. Providers reject the whole next request if its name has another form.
    """
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:_MAX_NAME_CHARACTERS] or "_"
