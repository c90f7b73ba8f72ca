"""Plans the commands that only look at todos."""

from typing import Any, Final

from todo_assistant.commands.grammar.commands import Find, Overview, Show, Update
from todo_assistant.commands.matching import write_search
from todo_assistant.commands.planner.plans import Answer, Plan, call
from todo_assistant.commands.planner.projects import find_projects
from todo_assistant.commands.planner.searches import (
    SearchArguments,
    find_mistyped,
    find_parent_id,
    search_arguments,
)
from todo_assistant.commands.planner.targets import Situation, find_targets
from todo_assistant.commands.wording.errors import describe_failure
from todo_assistant.commands.wording.filters import describe_count, describe_empty_list
from todo_assistant.commands.wording.results import describe_list, describe_results
from todo_assistant.commands.wording.todos import describe_todo, format_list, quote

_MAX_SHOWN_TODOS: Final = 20


def find_todos(command: Find) -> Plan[Answer]:
    """Lists or counts todos, or shows the one that is due next."""
    selected = command.filter
    arguments = search_arguments(selected, (yield from find_parent_id(selected.parent)))
    if selected.completed is not None and not selected.trashed:
        arguments["completed"] = selected.completed
    if selected.text:
        arguments["text"] = write_search(selected.text)
    if command.count:
        counted = yield from call("count_todos", arguments)
        return Answer(describe_count(selected, counted.result))
    if command.next_only:
        return (yield from _show_next(arguments))
    found = yield from call("search_todos", arguments)
    if found.todos:
        return Answer(describe_list(found))
    return (yield from _show_similar(command, arguments))


def show_day(command: Overview) -> Plan[Answer]:
    """Lists the todos that are due on a day, and those that are overdue."""
    overview = yield from call("day_overview", {"day": command.day})
    return Answer(describe_results([overview]))


def show_todos(command: Show, situation: Situation) -> Plan[Answer]:
    """Shows at most 20 todos with their descriptions."""
    found = yield from find_targets(Update(command.target), situation)
    read = yield from call("get_todos", {"ids": [todo["id"] for todo in found.todos[:_MAX_SHOWN_TODOS]]})
    return Answer("\n".join(map(_describe_whole, read.items)))


def _describe_whole(item: dict[str, Any]) -> str:
    """Returns a todo with its fields and its description, or why it cannot be shown."""
    if not item["ok"]:
        return describe_failure(item)
    return "\n".join(filter(None, [describe_todo(item["todo"]), item["todo"].get("description")]))


def _show_next(arguments: SearchArguments) -> Plan[Answer]:
    found = yield from call("search_todos", arguments | {"upcoming": True, "sort": "due", "limit": 1})
    if not found.todos:
        return Answer("No open todo has a date that lies ahead.")
    return Answer(f"Next: {describe_todo(found.todos[0])}.")


def _show_similar(command: Find, arguments: SearchArguments) -> Plan[Answer]:
    """Answers a search that found nothing: lists the project with this name, or todos with similar titles."""
    said = describe_empty_list(command.filter)
    if not command.filter.text:
        return Answer(said)
    del arguments["text"]
    if not command.filter.project and (project := (yield from find_projects()).find(command.filter.text)):
        found = yield from call("search_todos", arguments | {"project": project})
        return Answer(f"In the project {quote(project)}:\n{describe_list(found)}")
    similar = yield from find_mistyped(command.filter.text, arguments)
    return Answer(f"{said} Similar todos:\n{format_list(similar)}" if similar else said)
