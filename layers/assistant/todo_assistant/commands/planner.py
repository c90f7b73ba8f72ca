"""Chooses the next step of a parsed command: a tool call, or the answer to the user.

The planner has no state: the next step follows from the command and the tool results of its turn so far.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from pydantic import JsonValue

from todo_assistant.commands.destinations import Destinations, call_tool
from todo_assistant.commands.grammar.commands import (
    Add,
    Command,
    Complete,
    Delete,
    Describe,
    Either,
    Find,
    Help,
    Incomplete,
    MoveTo,
    NewProject,
    NewTodo,
    Overview,
    Projects,
    Redo,
    Remind,
    Reopen,
    Repeat,
    Reschedule,
    Restore,
    Talk,
    Target,
    TargetCommand,
    Undo,
    Unknown,
    Update,
)
from todo_assistant.commands.grammar.help import HELP
from todo_assistant.commands.results import NamedResult
from todo_assistant.commands.wording import describe_result, describe_target, format_list
from todo_assistant.models.messages import Completion

_NOUNS: Final[dict[type[TargetCommand], str]] = {
    Complete: "open todo",
    Reopen: "completed todo",
    Restore: "todo in the trash",
}
"""Nouns in the answer when a command finds nothing: `I found no open todo`. Other commands use `todo`."""


def next_step(command: Command, results: Sequence[NamedResult], listed: Sequence[dict[str, Any]]) -> Completion:
    """Returns a completion with the next tool call of a command, or with the answer to the user.

    `results` are the tool results of this turn so far. `listed` are the todos listed last in earlier turns.
    """
    match command:
        case Help():
            return Completion(HELP)
        case Incomplete(answer):
            return Completion(answer)
        case Either():
            return next_step(command.change, results, listed)
        case Redo() | Remind() | Describe() | Talk() | Unknown():
            return Completion(f"I did not understand that.\n\n{HELP}")
        case Find() | Overview() | Undo() | Projects() | NewProject():
            return Completion(describe_result(results[-1])) if results else call_tool(*_only_call(command))
        case _:
            return _change_todos(command, results, listed)


def _only_call(command: Find | Overview | Undo | Projects | NewProject) -> tuple[str, dict[str, JsonValue]]:
    """Returns the tool name and the arguments for a command that needs only one tool call."""
    match command:
        case Find(todos):
            return "search_todos", {
                "text": todos.text,
                "tags": list(todos.tags),
                "completed": None if todos.trashed else todos.completed,
                "priority": todos.priority,
                "overdue": todos.overdue,
                "due_from": todos.due,
                "due_to": todos.due,
                "project": todos.project,
                "trashed": todos.trashed,
            }
        case Overview():
            return "day_overview", {"day": None}
        case Undo():
            return "undo_last_turn", {}
        case Projects():
            return "list_projects", {}
        case NewProject(name):
            return "add_projects", {"names": [name]}


def _change_todos(
    command: Add | TargetCommand, results: Sequence[NamedResult], listed: Sequence[dict[str, Any]]
) -> Completion:
    """Returns the next step of a command that adds or changes todos.

    The first steps create missing projects and find parents. The answer begins with a sentence on each new project.
    """
    destinations = Destinations(results)
    if (preparation := _prepare_destinations(command, destinations)) is not None:
        return preparation
    step = _add(command, destinations) if isinstance(command, Add) else _find_and_change(command, destinations, listed)
    return replace(step, content="\n".join([*destinations.notices, step.content])) if step.content else step


def _prepare_destinations(command: Add | TargetCommand, destinations: Destinations) -> Completion | None:
    """Returns the call that creates missing projects or finds a parent, an answer on failure, or None when done."""
    match command:
        case Add(todos):
            return destinations.prepare(todos)
        case MoveTo(parent=parent):
            step = destinations.prepare([command])
            if step is None and parent and destinations.parent_id(parent) is None:
                return Completion(f"I found no open todo that fits “{parent}”. Type `list` to see what there is.")
            return step
        case _:
            return None


def _add(command: Add, destinations: Destinations) -> Completion:
    if destinations.remaining_results:
        return Completion(describe_result(destinations.remaining_results[-1]))
    todos: list[JsonValue] = [_new_todo_arguments(new, destinations.parent_id(new.parent)) for new in command.todos]
    return call_tool("add_todos", {"todos": todos})


def _new_todo_arguments(new: NewTodo, parent_id: str | None) -> dict[str, JsonValue]:
    # If the words after "under" fit no open todo, they belong to the title of the new todo: "look under bed".
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


def _find_and_change(
    command: TargetCommand, destinations: Destinations, listed: Sequence[dict[str, Any]]
) -> Completion:
    """Returns the next step: a search for the target, then the call that changes the found todos, then the answer.

    A target that is a number needs no search: it is a todo of the list shown last.
    """
    numbers, results = command.target.numbers, destinations.remaining_results
    if results and (results[-1].tool != "search_todos" or "error" in results[-1].result):
        return Completion(describe_result(results[-1]))
    if numbers:
        if 1 <= numbers[0] <= len(listed):
            return _change(command, [listed[numbers[0] - 1]], destinations)
        return Completion(f"There is no number {numbers[0]} in the list that I showed last. Type `list` to see one.")
    if not results:
        return call_tool("search_todos", _search_arguments(command))
    return _change_found(command, results[-1].todos, destinations)


def _search_arguments(command: TargetCommand) -> dict[str, JsonValue]:
    target = command.target.filter
    completed = {Complete: False, Reopen: True}.get(type(command), target.completed)
    return {
        "text": target.text,
        "tags": list(target.tags),
        "completed": completed,
        "overdue": target.overdue,
        "project": target.project,
        "trashed": isinstance(command, Restore),
    }


def _change_found(command: TargetCommand, found: Sequence[dict[str, Any]], destinations: Destinations) -> Completion:
    """Returns the call that changes the todos of a search.

    Returns an answer instead if none was found, or a question if several fit a target without `all`.
    """
    target = command.target
    matching = _prefer_exact_title(target, found)
    if not matching:
        noun = _NOUNS.get(type(command), "todo")
        return Completion(f"I found no {noun} that fits {describe_target(target)}. Type `list` to see what there is.")
    if len(matching) > 1 and not target.every:
        question = f"Several todos fit {describe_target(target)}; say more of the title, or `all`:"
        return Completion(f"{question}\n{format_list(matching)}")
    return _change(command, matching, destinations)


def _prefer_exact_title(target: Target, found: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Returns only the first todo whose title equals the target's text, ignoring case.

    Returns all found todos if no title is equal, or if the target means several todos.
    """
    text = (target.filter.text or "").casefold()
    exact = [todo for todo in found if todo["title"].casefold() == text]
    return exact[:1] if exact and not target.every else found


def _change(command: TargetCommand, todos: Sequence[dict[str, Any]], destinations: Destinations) -> Completion:
    """Returns a completion with the tool call that changes all these todos."""
    ids: list[JsonValue] = [todo["id"] for todo in todos]
    match command:
        case Complete():
            return call_tool("complete_todos", {"ids": ids})
        case Reopen():
            return call_tool("reopen_todos", {"ids": ids})
        case Reschedule():
            return call_tool("reschedule_todos", {"ids": ids, "due": command.due})
        case Delete():
            return call_tool("delete_todos", {"ids": ids})
        case Restore():
            return call_tool("restore_todos", {"ids": ids})
        case Repeat() | Remind() | MoveTo() | Update() | Describe():
            change = _change_arguments(command, destinations)
            return call_tool("update_todos", {"changes": [{"id": todo_id} | change for todo_id in ids]})


def _change_arguments(
    command: Repeat | Remind | MoveTo | Update | Describe, destinations: Destinations
) -> dict[str, JsonValue]:
    match command:
        case Repeat():
            return {"recurrence": command.recurrence or ""}
        case Remind(when=when):
            return {"reminder": when}
        case Describe(text=text):
            return {"description": text}
        case MoveTo():
            return {
                "project": command.project,
                "parent_id": destinations.parent_id(command.parent),
                "to_top_level": command.parent == "",
            }
        case Update():
            return {
                "title": command.title,
                "priority": command.priority,
                "add_tags": list(command.add_tags),
                "remove_tags": list(command.remove_tags),
            }
