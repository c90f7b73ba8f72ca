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

from todo_assistant.commands import grammar
from todo_assistant.commands.grammar import (
    HELP,
    Add,
    Command,
    Complete,
    Delete,
    Find,
    Help,
    MoveTo,
    NewProject,
    NewTodo,
    Overview,
    Projects,
    Reopen,
    Repeat,
    Reschedule,
    Restore,
    Target,
    Undo,
    Unknown,
    Update,
)
from todo_assistant.models.messages import ChatMessage, Completion, ModelRequest, OnText, ToolCallRequest
from todo_assistant.models.prompt import unfence

type OnTodos = Complete | Reopen | Reschedule | Repeat | MoveTo | Update | Delete | Restore
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

    async def answer(self, request: ModelRequest, *, deadline: float, on_text: OnText | None = None) -> Completion:  # noqa: ARG002 - it needs no time
        """Never fails."""
        last = max(index for index, message in enumerate(request.messages) if message["role"] == "user")
        command = grammar.parse(request.messages[last]["content"], now=request.now, timezone=request.timezone)
        done = list(_results(request.messages[last:]))
        shown = [result for result in _results(request.messages[:last]) if result.name in _LISTING]
        reply = replace(_next(command, done, shown[-1].todos if shown else []), prompt_tokens=0, completion_tokens=0)
        if on_text is not None and reply.content:
            await on_text(reply.content, 1)
        return reply

    async def prepare(self) -> None:
        """All is here."""

    async def close(self) -> None:
        """Nothing is open."""


def _results(messages: Iterable[ChatMessage]) -> Iterable[_Result]:
    asked: dict[str, str] = {}
    for message in messages:
        for call in message.get("tool_calls", []):
            asked[call["id"]] = call["function"]["name"]
        if message["role"] == "tool":
            yield _Result(asked[message["tool_call_id"]], unfence(message["content"]))


def _next(command: Command, done: Sequence[_Result], shown: Sequence[dict[str, Any]]) -> Completion:
    match command:
        case Help():
            return Completion(HELP)
        case Unknown():
            return Completion(f"I did not understand that.\n\n{HELP}")
        case Find() | Overview() | Undo() | Projects() | NewProject():
            return Completion(_told(done[-1])) if done else _call(*_first_call(command))
    places = _Destinations(done)
    if (asked := places.ask_for(command)) is not None:
        return asked
    match command:
        case Add():
            reply = Completion(_told(places.rest[-1])) if places.rest else _add(command, places)
        case _:
            reply = _on_todos(command, places, shown)
    return replace(reply, content="\n".join([*places.news, reply.content])) if reply.content else reply


def _first_call(command: Find | Overview | Undo | Projects | NewProject) -> tuple[str, dict[str, JsonValue]]:
    match command:
        case Find():
            return "search_todos", {
                "text": command.text,
                "tags": list(command.tags),
                "completed": None if command.trashed else command.completed,
                "priority": command.priority,
                "overdue": command.overdue,
                "due_from": command.due,
                "due_to": command.due,
                "project": command.project,
                "trashed": command.trashed,
            }
        case Overview():
            return "day_overview", {"day": None}
        case Undo():
            return "undo_last_turn", {}
        case Projects():
            return "list_projects", {}
        case NewProject(name):
            return "add_projects", {"names": [name]}


class _Destinations:
    """Where a command puts todos: makes sure of its projects, then finds its parents, before all else is done.

    `rest` are the results of what came after that, `news` what there is to tell of it.
    """

    def __init__(self, done: Sequence[_Result]) -> None:
        self.rest = list(done)
        self.news: list[str] = []
        self._parents: dict[str, dict[str, Any] | None] = {}

    def ask_for(self, command: Add | OnTodos) -> Completion | None:
        """What to call, or to say, before the places are known."""
        named: Sequence[NewTodo | MoveTo] = command.todos if isinstance(command, Add) else ()
        if isinstance(command, MoveTo):
            named = [command]
        projects = list(dict.fromkeys(each.project for each in named if each.project))
        parents = list(dict.fromkeys(each.parent for each in named if each.parent))
        asked = (self._make(projects) if projects else None) or self._find(parents)
        if asked is None and isinstance(command, MoveTo) and command.parent and not self.parent_id(command.parent):
            return Completion(f"I found no open todo that fits “{command.parent}”. Type `list` to see what there is.")
        return asked

    def parent_id(self, words: str | None) -> str | None:
        parent = self._parents[words] if words else None
        return parent["id"] if parent else None

    def _make(self, projects: Sequence[str]) -> Completion | None:
        if not self.rest:
            return _call("list_projects", {})
        there = {project["name"].casefold() for project in self.rest.pop(0).result["projects"]}
        missing: list[JsonValue] = [name for name in projects if name.casefold() not in there]
        if not missing:
            return None
        if not self.rest:
            return _call("add_projects", {"names": missing})
        made = self.rest.pop(0)
        self.news.append(_told(made))
        return (
            None
            if made.result.get("results") and all(item["ok"] for item in made.result["results"])
            else Completion(_told(made))
        )

    def _find(self, parents: Sequence[str]) -> Completion | None:
        for words in parents:
            if not self.rest:
                return _call("search_todos", {"text": words, "completed": False})
            self._parents[words] = _parent(words, self.rest.pop(0).result.get("todos", []))
        return None


def _parent(words: str, found: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The one whose title is these words, or else the only one that begins with them."""
    titled = [todo for todo in found if todo["title"].casefold() == words.casefold()]
    begun = [todo for todo in found if todo["title"].casefold().startswith(words.casefold())]
    return titled[0] if titled else begun[0] if len(begun) == 1 else None


def _add(command: Add, places: _Destinations) -> Completion:
    return _call("add_todos", {"todos": [_new(new, places.parent_id(new.parent)) for new in command.todos]})


def _new(new: NewTodo, parent_id: str | None) -> dict[str, JsonValue]:
    # What is not under a todo is under the bed.
    title = f"{new.title} under {new.parent}" if new.parent and parent_id is None else new.title
    return {
        "title": title,
        "due": new.due,
        "recurrence": new.recurrence,
        "priority": new.priority,
        "tags": list(new.tags),
        "project": new.project,
        "parent_id": parent_id,
    }


def _on_todos(command: OnTodos, places: _Destinations, shown: Sequence[dict[str, Any]]) -> Completion:
    """Finds the todos that are meant, then does what is asked."""
    number, done = command.target.number, places.rest
    if done and (done[-1].name != "search_todos" or "error" in done[-1].result):
        return Completion(_told(done[-1]))
    if number is not None:
        if 1 <= number <= len(shown):
            return _act(command, [shown[number - 1]], places)
        return Completion(f"There is no number {number} in the list that I showed last. Type `list` to see one.")
    if not done:
        return _call("search_todos", _search(command))
    return _on_found(command, done[-1].todos, places)


def _on_found(command: OnTodos, found: Sequence[dict[str, Any]], places: _Destinations) -> Completion:
    target = command.target
    meant = _meant(target, found)
    if not meant:
        place = _PLACES.get(type(command), "todo")
        return Completion(f"I found no {place} that fits {_spoken(target)}. Type `list` to see what there is.")
    if len(meant) > 1 and not target.every:
        return Completion(f"Several todos fit {_spoken(target)}; say more of the title, or `all`:\n{_lines(meant)}")
    return _act(command, meant, places)


def _search(command: OnTodos) -> dict[str, JsonValue]:
    target = command.target
    state = {Complete: False, Reopen: True}.get(type(command), target.completed)
    return {
        "text": target.text,
        "tags": list(target.tags),
        "completed": state,
        "overdue": target.overdue,
        "project": target.project,
        "trashed": isinstance(command, Restore),
    }


def _meant(target: Target, found: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """The todo whose title is exactly the text, if there is one; else all that were found."""
    same = [todo for todo in found if target.text and todo["title"].casefold() == target.text.casefold()]
    return same[:1] if same and not target.every else found


def _act(command: OnTodos, todos: Sequence[dict[str, Any]], places: _Destinations) -> Completion:
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
        case Repeat() | MoveTo() | Update():
            change = _change(command, places)
            return _call("update_todos", {"changes": [{"id": todo_id} | change for todo_id in ids]})


def _change(command: Repeat | MoveTo | Update, places: _Destinations) -> dict[str, JsonValue]:
    match command:
        case Repeat():
            return {"recurrence": command.recurrence or ""}
        case MoveTo():
            return {
                "project": command.project,
                "parent_id": places.parent_id(command.parent),
                "to_top_level": command.parent == "",
            }
        case Update():
            return {
                "title": command.title,
                "priority": command.priority,
                "add_tags": list(command.add_tags),
                "remove_tags": list(command.remove_tags),
            }


def _call(name: str, arguments: dict[str, JsonValue]) -> Completion:
    return Completion(calls=[ToolCallRequest("", name, json.dumps(arguments))])


def _told(outcome: _Result) -> str:
    """What came of a call, in words."""
    result = outcome.result
    if "error" in result:
        return "All right, nothing was changed." if result.get("refused") else str(result["error"])
    match outcome.name:
        case "search_todos":
            return _lines(outcome.todos, more=bool(result.get("more"))) if outcome.todos else "Nothing found."
        case "day_overview":
            return _overview(result)
        case "undo_last_turn":
            return _undone(result)
        case "list_projects":
            names = ", ".join(f"“{project['name']}”" for project in result["projects"])
            return (
                f"Your projects: {names}."
                if names
                else "There are no projects yet. Type `new project Work` to add one."
            )
        case name:
            return "\n".join(_item(name, item) for item in result["results"])


def _item(tool: str, item: dict[str, Any]) -> str:
    if not item["ok"]:
        return str(item["error"])
    if "project" in item:
        return f"Added the project “{item['project']['name']}”."
    todo = item["todo"]
    others = [_moment(reading) for reading in item.get("other_readings_of_due", [])]
    asides = f" (or did you mean {' or '.join(others)}?)" if others else ""
    if item.get("subtodos"):
        asides = f" and {'its subtodo' if item['subtodos'] == 1 else f'its {item["subtodos"]} subtodos'}"
    if item.get("next_due"):
        asides = f", next due {_moment(item['next_due'])}"
    return f"{_DONE[tool]} {_spelled(todo) if tool in _TOLD_IN_FULL else _titles([todo])}{asides}."


def _undone(result: dict[str, Any]) -> str:
    parts = []
    if result["undone"]:
        parts.append(f"Undone: {_titles(result['undone'])}.")
    if result["left_alone"]:
        parts.append(f"Left alone, because of later changes: {_titles(result['left_alone'])}.")
    return " ".join(parts) or "There was nothing left to undo."


def _projects(result: dict[str, Any]) -> str:
    names = ", ".join(f"“{project['name']}”" for project in result["projects"])
    if not names:
        return "There are no projects yet. Type `new project Work` to add one."
    return f"Your projects: {names}{', and more' if result['more'] else ''}."


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
        todo["recurrence"] or "",
        f"{todo['priority']} priority" if todo["priority"] != "none" else "",
        " ".join(f"#{tag}" for tag in todo["tags"]),
        f"in {todo['project']}" if todo["project"] else "",
        f"under “{todo['parent']['title']}”" if todo["parent"] else "",
    ]
    return ", ".join([f"“{todo['title']}”", *filter(None, facts)])


def _moment(due: str) -> str:
    """`Monday 2030-01-31T17:00+01:00` as it is read: without the zone, which is the user's."""
    return re.sub(r"T(\d\d:\d\d).*", r" \1", due)


def _titles(todos: Iterable[dict[str, Any]]) -> str:
    return ", ".join(f"“{todo['title']}”" for todo in todos)


def _spoken(target: Target) -> str:
    project = f"/{target.project}" if target.project else ""
    words = [f"“{target.text}”" if target.text else "", *(f"#{tag}" for tag in target.tags), project]
    return " ".join(filter(None, words)) or "that"
