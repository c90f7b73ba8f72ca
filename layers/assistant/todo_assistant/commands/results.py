"""The tool results of a conversation, with the names of their tools."""

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
        """Returns whether the answer shows todos with numbers, to which a command can refer."""
        return self.tool in _LISTING_TOOLS

    @property
    def todos(self) -> list[dict[str, Any]]:
        """Returns the todos of a listing in the order of their numbers."""
        fields = ("todos",) if self.tool == "search_todos" else ("overdue", "due")
        return [todo for field in fields for todo in self.result.get(field, [])]


def read_results(messages: Iterable[ChatMessage]) -> Iterator[NamedResult]:
    """Yields the tool results among the messages; the call of each must be among the messages, too."""
    tools: dict[str, str] = {}
    for message in messages:
        for call in message.get("tool_calls", []):
            tools[call["id"]] = call["function"]["name"]
        if message["role"] == "tool":
            yield NamedResult(tools[message["tool_call_id"]], unfence(message["content"]))
