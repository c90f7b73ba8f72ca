"""The model that takes the place of a language model when there is none: the grammar of `docs/commands.md`, offline.

It stands behind the same interface and goes the same way, by tool calls in rounds. It remembers nothing: what to do
next follows from the messages, the command that came last and the results since.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import JsonValue

from todo_assistant import grammar
from todo_assistant.grammar import (
    HELP,
    Add,
    Command,
    Complete,
    Delete,
    Find,
    Help,
    Overview,
    Reopen,
    Reschedule,
    Restore,
    Target,
    Undo,
    Unknown,
    Update,
)
from todo_assistant.messages import Message, ModelRequest, OnText, Reply, RequestedCall
from todo_assistant.prompt import unfence

type OnTodos = Complete | Reopen | Reschedule | Update | Delete | Restore
"""The commands that say which todos they are about."""

_MOST_SHOWN: Final = 50
_LISTING: Final = ("search_todos", "day_overview")
_DONE: Final = {
    "add_todos": "Added",
    "complete_todos": "Completed",
    "reopen_todos": "Reopened",
    "reschedule_todos": "Moved",
    "update_todos": "Changed",
    "delete_todos": "Deleted",
    "restore_todos": "Restored",
}
_TOLD_IN_FULL: Final = {"add_todos", "reschedule_todos", "update_todos"}
_PLACES: Final[dict[type[OnTodos], str]] = {
    Complete: "open todo",
    Reopen: "completed todo",
    Restore: "todo in the trash",
}


@dataclass(frozen=True, slots=True)
class _Result:
    """What came of a call of a tool."""

    name: str
    result: dict[str, Any]

    @property
    def todos(self) -> list[dict[str, Any]]:
        """The todos that a listing shows, in its order."""
        shown = ("todos",) if self.name == "search_todos" else ("overdue", "due")
        return [todo for part in shown for todo in self.result.get(part, [])]


class CommandModel:
    """Understands commands and quick-add text, in English, and says what it understood."""

    name = "commands"

    async def answer(self, request: ModelRequest, *, deadline: float, on_text: OnText | None = None) -> Reply:  # noqa: ARG002 - it needs no time
        """Never fails."""
        last = max(index for index, message in enumerate(request.messages) if message["role"] == "user")
        command = grammar.parse(request.messages[last]["content"], now=request.now, timezone=request.timezone)
        done = list(_results(request.messages[last:]))
        shown = [result for result in _results(request.messages[:last]) if result.name in _LISTING]
        reply = replace(_next(command, done, shown[-1].todos if shown else []), prompt_tokens=0, completion_tokens=0)
        if on_text is not None and reply.content:
            await on_text(reply.content, 1)
        return reply

    async def close(self) -> None:
        """Nothing is open."""


def _results(messages: Iterable[Message]) -> Iterable[_Result]:
    asked: dict[str, str] = {}
    for message in messages:
        for call in message.get("tool_calls", []):
            asked[call["id"]] = call["function"]["name"]
        if message["role"] == "tool":
            yield _Result(asked[message["tool_call_id"]], unfence(message["content"]))


def _next(command: Command, done: Sequence[_Result], shown: Sequence[dict[str, Any]]) -> Reply:
    match command:
        case Help():
            return Reply(HELP)
        case Unknown():
            return Reply(f"I did not understand that.\n\n{HELP}")
        case Add() | Find() | Overview() | Undo():
            return Reply(_told(done[-1])) if done else _call(*_first_call(command))
        case _:
            return _on_todos(command, done, shown)


def _first_call(command: Add | Find | Overview | Undo) -> tuple[str, dict[str, JsonValue]]:
    match command:
        case Add(todos):
            return "add_todos", {
                "todos": [
                    {"title": new.title, "due": new.due, "priority": new.priority, "tags": list(new.tags)}
                    for new in todos
                ]
            }
        case Find():
            return "search_todos", {
                "text": command.text,
                "tags": list(command.tags),
                "completed": None if command.trashed else command.completed,
                "priority": command.priority,
                "overdue": command.overdue,
                "due_from": command.due,
                "due_to": command.due,
                "trashed": command.trashed,
            }
        case Overview():
            return "day_overview", {"day": None}
        case Undo():
            return "undo_last_turn", {}


def _on_todos(command: OnTodos, done: Sequence[_Result], shown: Sequence[dict[str, Any]]) -> Reply:
    """Finds the todos that are meant, then does what is asked."""
    number = command.target.number
    if done and done[-1].name != "search_todos":
        return Reply(_told(done[-1]))
    if number is not None:
        if not 1 <= number <= len(shown):
            return Reply(f"There is no number {number} in the list that I showed last. Type `list` to see one.")
        return _act(command, [shown[number - 1]])
    if not done:
        return _call("search_todos", _search(command))
    return _on_found(command, done[-1].todos)


def _on_found(command: OnTodos, found: Sequence[dict[str, Any]]) -> Reply:
    target = command.target
    meant = _meant(target, found)
    if not meant:
        place = _PLACES.get(type(command), "todo")
        return Reply(f"I found no {place} that fits {_spoken(target)}. Type `list` to see what there is.")
    if len(meant) > 1 and not target.every:
        return Reply(f"Several todos fit {_spoken(target)}; say more of the title, or `all`:\n{_lines(meant)}")
    return _act(command, meant)


def _search(command: OnTodos) -> dict[str, JsonValue]:
    target = command.target
    state = {Complete: False, Reopen: True}.get(type(command), target.completed)
    return {
        "text": target.text,
        "tags": list(target.tags),
        "completed": state,
        "overdue": target.overdue,
        "trashed": isinstance(command, Restore),
    }


def _meant(target: Target, found: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """The todo whose title is exactly the text, if there is one; else all that were found."""
    same = [todo for todo in found if target.text and todo["title"].casefold() == target.text.casefold()]
    return same[:1] if same and not target.every else found


def _act(command: OnTodos, todos: Sequence[dict[str, Any]]) -> Reply:
    ids: list[JsonValue] = [todo["id"] for todo in todos]
    match command:
        case Complete():
            return _call("complete_todos", {"ids": ids})
        case Reopen():
            return _call("reopen_todos", {"ids": ids})
        case Reschedule():
            return _call("reschedule_todos", {"ids": ids, "due": command.due})
        case Delete():
            return _call("delete_todos", {"ids": ids})
        case Restore():
            return _call("restore_todos", {"ids": ids})
        case Update():
            change: dict[str, JsonValue] = {
                "title": command.title,
                "priority": command.priority,
                "add_tags": list(command.add_tags),
                "remove_tags": list(command.remove_tags),
            }
            return _call("update_todos", {"changes": [{"id": todo_id} | change for todo_id in ids]})


def _call(name: str, arguments: dict[str, JsonValue]) -> Reply:
    return Reply(calls=[RequestedCall("", name, json.dumps(arguments))])


def _told(outcome: _Result) -> str:
    """What came of a call, in words."""
    result = outcome.result
    if result.get("refused"):
        return "All right, nothing was changed."
    if "error" in result:
        return str(result["error"])
    match outcome.name:
        case "search_todos":
            return _lines(outcome.todos, more=bool(result.get("more"))) if outcome.todos else "Nothing found."
        case "day_overview":
            return _overview(result)
        case "undo_last_turn":
            return _undone(result)
        case name:
            return "\n".join(_item(name, item) for item in result["results"])


def _item(tool: str, item: dict[str, Any]) -> str:
    if not item["ok"]:
        return str(item["error"])
    todo = item["todo"]
    others = [_moment(reading) for reading in item.get("other_readings_of_due", [])]
    asides = f" (or did you mean {' or '.join(others)}?)" if others else ""
    return f"{_DONE[tool]} {_spelled(todo) if tool in _TOLD_IN_FULL else _titles([todo])}{asides}."


def _undone(result: dict[str, Any]) -> str:
    parts = []
    if result["undone"]:
        parts.append(f"Undone: {_titles(result['undone'])}.")
    if result["left_alone"]:
        parts.append(f"Left alone, because of later changes: {_titles(result['left_alone'])}.")
    return " ".join(parts) or "There was nothing left to undo."


def _overview(result: dict[str, Any]) -> str:
    parts = [f"{result['day']}:"]
    if result["overdue"]:
        parts.append(f"Overdue:\n{_lines(result['overdue'])}")
    due = _lines(result["due"], first=len(result["overdue"]) + 1)
    parts.append(f"Due:\n{due}" if result["due"] else "Nothing is due.")
    return "\n".join(parts)


def _lines(todos: Sequence[dict[str, Any]], *, first: int = 1, more: bool = False) -> str:
    lines = [f"{number}. {_spelled(todo)}" for number, todo in enumerate(todos[:_MOST_SHOWN], start=first)]
    return "\n".join([*lines, "... and more."] if more else lines)


def _spelled(todo: dict[str, Any]) -> str:
    facts = [
        "done" if todo["completed"] else "",
        f"due {_moment(todo['due'])}" if todo["due"] else "",
        f"{todo['priority']} priority" if todo["priority"] != "none" else "",
        " ".join(f"#{tag}" for tag in todo["tags"]),
    ]
    return ", ".join([f"“{todo['title']}”", *filter(None, facts)])


def _moment(due: str) -> str:
    """`Monday 2030-01-31T17:00+01:00` as it is read: without the zone, which is the user's."""
    return re.sub(r"T(\d\d:\d\d).*", r" \1", due)


def _titles(todos: Iterable[dict[str, Any]]) -> str:
    return ", ".join(f"“{todo['title']}”" for todo in todos)


def _spoken(target: Target) -> str:
    words = [f"“{target.text}”" if target.text else "", *(f"#{tag}" for tag in target.tags)]
    return " ".join(filter(None, words)) or "that"
