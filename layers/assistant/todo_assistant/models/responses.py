"""The adapter of OpenAI's Responses API, without state at the provider: each request holds the whole conversation."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import JsonValue

from todo_assistant.models import answers
from todo_assistant.models.arguments import read_arguments, to_valid_json
from todo_assistant.models.chat_completions import to_wire_name
from todo_assistant.models.endpoint import Endpoint, Event
from todo_assistant.models.messages import (
    AssistantMessage,
    Completion,
    Message,
    ModelRequest,
    ToolCallRequest,
    ToolMessage,
    ToolSchema,
    UserMessage,
)
from todo_assistant.models.prompt import fence
from todo_assistant.models.provider_errors import EmptyAnswer, ProviderError
from todo_assistant.models.refusals import Body
from todo_core.settings import OpenAISettings

_CALL_FIELDS: Final = {"call_id", "name", "arguments"}
"""Fields of a call that the neutral form holds. The rest of the item is kept as extras."""

_TEXT_EVENTS: Final = {"response.output_text.delta", "response.refusal.delta"}
_LAST_EVENTS: Final = {"response.completed", "response.incomplete", "response.failed"}


class Responses:
    """Converts requests and responses. The extras of a message are all items of its response in their order.

    `origin` marks the extras of this endpoint and model: no other gets them.
    """

    def __init__(self, settings: OpenAISettings, endpoint: Endpoint) -> None:
        self._settings = settings
        self._origin = f"responses {settings.model} {endpoint.address}"

    def encode(self, request: ModelRequest, *, is_streamed: bool) -> Body:
        settings = self._settings
        effort = settings.reasoning_effort
        options = {
            "reasoning": {"effort": effort} if effort else None,
            "max_output_tokens": settings.max_output_tokens,
            "stream": True if is_streamed else None,
        }
        return {
            "model": settings.model,
            "input": [item for message in request.messages for item in self._encode_message(message)],
            "tools": [_encode_tool(tool) for tool in request.tools],
            "tool_choice": "auto",
            "store": False,
            # Without state at the provider, reasoning comes and goes in encrypted form.
            "include": ["reasoning.encrypted_content"],
            **{name: value for name, value in options.items() if value is not None},
            **(settings.extra_body or {}),
        }

    def start(self, _request: ModelRequest) -> "ResponseAccumulator":
        return ResponseAccumulator(self._origin)

    def _encode_message(self, message: Message) -> Iterator[Mapping[str, Any]]:
        match message:
            case UserMessage():
                yield {"role": "user", "content": message.content}
            case ToolMessage():
                yield {"type": "function_call_output", "call_id": message.call_id, "output": fence(message.result)}
            case AssistantMessage():
                items = message.extras.get("items") if message.extras.get("origin") == self._origin else None
                yield from _replay(message, items if isinstance(items, list) else _items_of(message))
            case _:
                yield {"role": "system", "content": message.content}


class ResponseAccumulator:
    """Joins the events of a stream. A whole response is treated as the last event of a stream."""

    restarts = 0

    def __init__(self, origin: str) -> None:
        self.size = 0
        self._origin = origin
        self._items: dict[int, dict[str, JsonValue]] = {}
        self._response: dict[str, JsonValue] | None = None
        self._characters = answers.WholeCharacters()

    def add(self, event: Event) -> str:
        """Adds an event and returns the text in it. Raises TypeError for a value of a wrong type."""
        if event is None:
            return ""
        kind = event.get("type")
        if event.get("object") == "response" or kind in _LAST_EVENTS:
            self._response = answers.require_object(event.get("response", event))
        elif kind == "response.output_item.done":
            index = event.get("output_index")
            self._items[index if isinstance(index, int) else len(self._items)] = answers.require_object(event["item"])
            # Counts as one, since an endless stream of empty items would also fill the memory.
            self.size += 1
        delta = event.get("delta")
        self.size += len(delta) if isinstance(delta, str) else 0
        return self._characters.add(answers.require_text(delta)) if kind in _TEXT_EVENTS else ""

    def finish(self) -> Completion:
        """Returns the completion.

        Raises EmptyAnswer, and ProviderError if the response failed or the stream ended too early. A stream that was
        cut for its size needs no end.
        """
        response = self._response
        if response is None:
            if self.size <= answers.MAX_COMPLETION_CHARACTERS:
                raise ProviderError(None, "the stream broke off") if self.size else EmptyAnswer
            response = {}
        if response.get("status") == "failed":
            raise ProviderError(None, response.get("error"))
        output = response.get("output") or [item for _, item in sorted(self._items.items())]
        items = [answers.require_object(item) for item in (output if isinstance(output, list) else [])]
        content = "".join(map(_text_of, items))[: answers.MAX_COMPLETION_CHARACTERS]
        calls = [_read_call(item) for item in items if item.get("type") == "function_call"]
        if response.get("status") == "incomplete":
            content, calls = _end_incomplete(response, content, calls)
            # Without calls, the next request contains the text that the user saw instead of the items.
            items = items if calls else []
        usage = response.get("usage")
        return Completion(
            content,
            calls,
            answers.read_token_count(usage, "input_tokens"),
            answers.read_token_count(usage, "output_tokens"),
            {"origin": self._origin, "items": [_without_call(item) for item in items]} if items else {},
        )


def _encode_tool(tool: ToolSchema) -> dict[str, Any]:
    return {"type": "function", **tool["function"]}


def _items_of(message: AssistantMessage) -> list[JsonValue]:
    """Returns items for a message that another model wrote."""
    text: list[JsonValue] = [{"role": "assistant", "content": message.content}] if message.content else []
    calls: list[JsonValue] = [{"type": "function_call"} for _ in message.calls]
    return text + calls


def _replay(message: AssistantMessage, items: list[JsonValue]) -> Iterator[Mapping[str, Any]]:
    """Yields the items with the calls of the message, which are in the same order.

    A cut call is not in the message, so its item is left out, together with the reasoning before it. OpenAI refuses
    reasoning without the item that followed.
    """
    calls = iter(message.calls)
    held: list[Mapping[str, Any]] = []
    for item in items:
        fields = answers.require_object(item)
        if fields.get("type") == "reasoning":
            held.append(fields)
        elif fields.get("type") != "function_call":
            yield from [*held, fields]
            held = []
        elif call := next(calls, None):
            yield from [*held, fields | _encode_call(call)]
            held = []


def _encode_call(call: ToolCallRequest) -> dict[str, Any]:
    return {"call_id": call.id, "name": to_wire_name(call.name), "arguments": to_valid_json(call.arguments)}


def _read_call(item: Mapping[str, JsonValue]) -> ToolCallRequest:
    name, arguments = answers.require_text(item.get("name")), read_arguments(item.get("arguments"))
    return ToolCallRequest(answers.require_text(item.get("call_id")), name, arguments)


def _without_call(item: Mapping[str, JsonValue]) -> JsonValue:
    if item.get("type") != "function_call":
        return dict(item)
    return {name: value for name, value in item.items() if name not in _CALL_FIELDS}


def _text_of(item: Mapping[str, JsonValue]) -> str:
    """Returns the text of a message, or the model's reason if it refused to answer."""
    if item.get("type") != "message":
        return ""
    parts = item.get("content")
    texts = [answers.require_object(part) for part in (parts if isinstance(parts, list) else [])]
    return "".join(answers.require_text(part.get("text") or part.get("refusal")) for part in texts)


def _end_incomplete(
    response: Mapping[str, JsonValue], content: str, calls: list[ToolCallRequest]
) -> tuple[str, list[ToolCallRequest]]:
    """Returns text and calls of a response that the provider or the limit of tokens ended. No cut call remains."""
    if answers.require_object(response.get("incomplete_details")).get("reason") == "content_filter":
        return answers.end_early(content, answers.DECLINED), []
    calls = list(answers.without_cut_call(calls))
    return (content if calls else answers.end_early(content, answers.CUT_OFF)), calls
