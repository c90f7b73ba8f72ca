"""Shortens messages of long turns: todos keep their ids and titles, and long texts are cut with a mark."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pydantic import JsonValue

from todo_assistant.models.messages import AssistantMessage, Message, ToolCallRequest, ToolMessage, UserMessage

_MAX_MESSAGE_CHARACTERS: Final = 1_000
_MAX_TEXT_CHARACTERS: Final = 200
_LISTS: Final = ("todos", "overdue", "due")
"""The members of a tool result that list todos, to which the user may refer by number."""


def shorten(messages: Iterable[Message], *, max_items: int | None) -> list[Message]:
    """Returns the messages with short texts, and with only the id and title of each todo in tool results.

    Lists keep their first `max_items` items, or all if that is None. What a provider must get back stays as it is.
    """
    shortener = _Shortener(max_items)
    return [shortener.shorten_message(message) for message in messages]


def list_todos(messages: Iterable[Message]) -> bool:
    """Returns whether some tool result among the messages lists todos."""
    results = (message.result for message in messages if isinstance(message, ToolMessage))
    return any(result.get(name) for result in results for name in _LISTS)


@dataclass(frozen=True, slots=True)
class _Shortener:
    max_items: int | None

    def shorten_message(self, message: Message) -> Message:
        match message:
            case UserMessage():
                return UserMessage(_cut(message.content, _MAX_MESSAGE_CHARACTERS))
            case AssistantMessage():
                calls = [self._shorten_call(call) for call in message.calls]
                return replace(message, content=_cut(message.content, _MAX_MESSAGE_CHARACTERS), calls=calls)
            case ToolMessage():
                return replace(message, result=dict(self._shorten_members(message.result)))
            case _:
                return message

    def _shorten_call(self, call: ToolCallRequest) -> ToolCallRequest:
        try:
            shortened = json.dumps(self._shorten_value(json.loads(call.arguments)), ensure_ascii=False)
        except (ValueError, RecursionError):
            return call
        return replace(call, arguments=shortened)

    def _shorten_value(self, value: JsonValue) -> JsonValue:
        match value:
            case str():
                return _cut(value, _MAX_TEXT_CHARACTERS)
            case list():
                return [self._shorten_value(item) for item in value[: self.max_items]]
            case {"id": str(todo_id), "title": str(title), "completed": bool()}:
                return {"id": todo_id, "title": _cut(title, _MAX_TEXT_CHARACTERS)}
            case dict():
                return dict(self._shorten_members(value))
            case _:
                return value

    def _shorten_members(self, members: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
        """Yields the members of a JSON object. After a list that is cut, yields how many of its items are left out."""
        for name, value in members.items():
            yield name, self._shorten_value(value)
            if self.max_items is not None and isinstance(value, Sequence) and not isinstance(value, str):
                left_out = len(value) - self.max_items
                if left_out > 0:
                    yield f"{name}_left_out", left_out


def _cut(text: str, max_characters: int) -> str:
    return text if len(text) <= max_characters else f"{text[:max_characters]} …"
