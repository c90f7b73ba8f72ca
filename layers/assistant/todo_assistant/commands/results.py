"""Reads the turns of a conversation from its messages: the words of the user, tool calls, results and answers."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from todo_assistant.models.messages import AssistantMessage, Message, Question, ToolMessage, UserMessage

type TodoView = dict[str, Any]
"""A todo as the tools describe it to a model. In long lists it has only the members `id` and `title`."""

_LISTS: Final = ("todos", "overdue", "due")
"""Members of a tool result that list todos, in the order in which an answer numbers them."""
_CHANGED: Final = ("undone", "redone")
"""Members of a tool result that list the todos that an undo or a redo changed."""


@dataclass(frozen=True, slots=True)
class NamedResult:
    """The result of a tool call, with the name of the tool."""

    tool: str
    result: dict[str, Any]

    @property
    def has_failed(self) -> bool:
        """Returns whether the whole call failed. Single items may have failed even if this is false."""
        return "error" in self.result

    @property
    def items(self) -> list[dict[str, Any]]:
        """Returns the results of the items of a tool that takes several todos or projects."""
        return list(self.result.get("results", ()))

    @property
    def todos(self) -> list[TodoView]:
        """Returns the listed todos in the order of the numbers that the user sees: overdue todos before due ones."""
        return [todo for name in _LISTS for todo in self.result.get(name, ())]

    @property
    def changed(self) -> list[TodoView]:
        """Returns the todos that the call changed, added or moved to the trash."""
        changed = [todo for name in _CHANGED for todo in self.result.get(name, ())]
        return changed + [item["todo"] for item in self.items if item.get("ok") and "todo" in item]


@dataclass(frozen=True, slots=True)
class Round:
    """The tool calls of one completion, as pairs of name and arguments, with their results."""

    calls: list[tuple[str, str]]
    results: list[NamedResult]

    @property
    def called_ids(self) -> list[str]:
        """Returns the ids of the todos that the calls name in their arguments, also if they did not run yet."""
        return [todo_id for _, arguments in self.calls for todo_id in _read_ids(arguments)]


@dataclass(slots=True)
class PastTurn:
    """One turn of the conversation: the user's message, its rounds of tool calls, and the answer if there is one."""

    typed: str
    rounds: list[Round] = field(default_factory=list)
    answer: str = ""
    question: Question | None = None

    @property
    def results(self) -> Iterator[NamedResult]:
        return (result for done in self.rounds for result in done.results)


def read_turns(messages: Sequence[Message]) -> list[PastTurn]:
    """Returns the turns of a conversation, the oldest first. The last one is the turn that needs a completion."""
    turns: list[PastTurn] = []
    for message in messages:
        match message:
            case UserMessage():
                turns.append(PastTurn(message.content))
            case AssistantMessage() if turns and message.calls:
                turns[-1].rounds.append(Round([(call.name, call.arguments) for call in message.calls], []))
            case AssistantMessage() if turns:
                turns[-1].answer, turns[-1].question = message.content, message.question
            case ToolMessage() if turns and turns[-1].rounds:
                turns[-1].rounds[-1].results.append(NamedResult(message.tool, dict(message.result)))
    return turns


def _read_ids(arguments: str) -> list[str]:
    """Returns the ids in the arguments of a tool call, which another model may have written as invalid JSON."""
    try:
        parsed = json.loads(arguments or "{}")
        return [*parsed.get("ids", ()), *(change["id"] for change in parsed.get("changes", ()))]
    except (ValueError, AttributeError, KeyError, TypeError):
        return []
