"""Reads the tool results in the messages of a conversation, each with the name of its tool."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from todo_assistant.models.messages import ChatMessage
from todo_assistant.models.prompt import unfence

_LISTING_TOOLS: Final = frozenset({"search_todos", "day_overview"})


@dataclass(frozen=True, slots=True)
class NamedResult:
    """The result of a tool call, with the name of the tool."""

    tool: str
    result: dict[str, Any]

    @property
    def is_listing(self) -> bool:
        """Returns whether the tool lists todos, to which a later command can refer by number: `done 2`."""
        return self.tool in _LISTING_TOOLS

    @property
    def todos(self) -> list[dict[str, Any]]:
        """Returns the listed todos in the order of the numbers that the user sees: overdue todos before due ones."""
        fields = ("todos",) if self.tool == "search_todos" else ("overdue", "due")
        return [todo for field in fields for todo in self.result.get(field, [])]


def read_results(messages: Iterable[ChatMessage]) -> Iterator[NamedResult]:
    """Yields the tool results in the messages. Raises KeyError if the messages lack the call of a result."""
    tools: dict[str, str] = {}
    for message in messages:
        for call in message.get("tool_calls", []):
            tools[call["id"]] = call["function"]["name"]
        if message["role"] == "tool":
            yield NamedResult(tools[message["tool_call_id"]], unfence(message["content"]))
