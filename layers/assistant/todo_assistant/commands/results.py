"""Reads the tool results in the messages of a conversation, each with the name of its tool."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from todo_assistant.models.messages import Message, ToolMessage

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


def read_results(messages: Iterable[Message]) -> Iterator[NamedResult]:
    """Yields the tool results in the messages, in their order."""
    for message in messages:
        if isinstance(message, ToolMessage):
            yield NamedResult(message.tool, dict(message.result))
