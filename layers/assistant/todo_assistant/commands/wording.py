"""Words the sentences in which the command model reports tool results to the user."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from todo_assistant.commands.grammar.commands import Target
from todo_assistant.commands.results import NamedResult

_MAX_LISTED_TODOS: Final = 50
_PAST_TENSE_VERBS: Final = {
    "add_todos": "Added",
    "complete_todos": "Completed",
    "reopen_todos": "Reopened",
    "reschedule_todos": "Moved",
    "update_todos": "Changed",
    "delete_todos": "Deleted",
    "restore_todos": "Restored",
}
_TOOLS_REPORTED_IN_DETAIL: Final = frozenset({"add_todos", "reschedule_todos", "update_todos"})
"""Tools whose answers show each todo with its due date, tags and other fields, and not the title alone."""


def describe_result(result: NamedResult) -> str:
    """Returns the sentences that report one tool result to the user."""
    content = result.result
    if "error" in content:
        return "All right, nothing was changed." if content.get("refused") else str(content["error"])
    match result.tool:
        case "search_todos":
            return format_list(result.todos, has_more=bool(content.get("more"))) if result.todos else "Nothing found."
        case "day_overview":
            return _describe_overview(content)
        case "undo_last_turn":
            return _describe_undo(content)
        case "list_projects":
            return _describe_projects(content)
        case tool:
            return "\n".join(_describe_item(tool, item) for item in content["results"])


def format_list(todos: Sequence[dict[str, Any]], *, first_number: int = 1, has_more: bool = False) -> str:
    """Returns a numbered line for each of the first 50 todos, then `... and more.` if `has_more`."""
    shown = todos[:_MAX_LISTED_TODOS]
    lines = [f"{number}. {_describe_todo(todo)}" for number, todo in enumerate(shown, start=first_number)]
    return "\n".join([*lines, "... and more."] if has_more else lines)


def describe_target(target: Target) -> str:
    """Returns the title, tags and project of a target as in `“milk” #home /work`, or `that` if it has none."""
    group = target.filter
    project = f"/{group.project}" if group.project else ""
    words = [f"“{group.text}”" if group.text else "", *(f"#{tag}" for tag in group.tags), project]
    return " ".join(filter(None, words)) or "that"


def _describe_item(tool: str, item: dict[str, Any]) -> str:
    """Returns the sentence about one todo or project in the result of a tool that takes several."""
    if not item["ok"]:
        return str(item["error"])
    if "project" in item:
        return f"Added the project “{item['project']['name']}”."
    todo = item["todo"]
    shown = _describe_todo(todo) if tool in _TOOLS_REPORTED_IN_DETAIL else _quote_titles([todo])
    return f"{_PAST_TENSE_VERBS[tool]} {shown}{_describe_consequences(item)}."


def _describe_consequences(item: dict[str, Any]) -> str:
    """Returns the end of the sentence about a changed todo, or an empty string.

    That part states the next due date, the number of subtodos changed too, or other readings of the date.
    """
    if item.get("next_due"):
        return f", next due {_format_due(item['next_due'])}"
    if count := item.get("subtodos"):
        return f" and {'its subtodo' if count == 1 else f'its {count} subtodos'}"
    readings = [_format_due(reading) for reading in item.get("other_readings_of_due", [])]
    return f" (or did you mean {' or '.join(readings)}?)" if readings else ""


def _describe_undo(content: dict[str, Any]) -> str:
    sentences = []
    if content["undone"]:
        sentences.append(f"Undone: {_quote_titles(content['undone'])}.")
    if content["left_alone"]:
        sentences.append(f"Left alone, because of later changes: {_quote_titles(content['left_alone'])}.")
    return " ".join(sentences) or "There was nothing left to undo."


def _describe_projects(content: dict[str, Any]) -> str:
    names = ", ".join(f"“{project['name']}”" for project in content["projects"])
    if not names:
        return "There are no projects yet. Type `new project Work` to add one."
    return f"Your projects: {names}{', and more' if content['more'] else ''}."


def _describe_overview(content: dict[str, Any]) -> str:
    """Returns the overdue and due todos of a day, numbered as one list.

    The tool has one flag for both lists, `more`, so `... and more.` comes after both.
    """
    overdue, due = content["overdue"], content["due"]
    lines = [f"{_format_due(content['day'])}:"]
    if overdue:
        lines.append(f"Overdue:\n{format_list(overdue)}")
    lines.append(f"Due:\n{format_list(due, first_number=len(overdue) + 1)}" if due else "Nothing is due.")
    if content["more"]:
        lines.append("... and more.")
    return "\n".join(lines)


def _describe_todo(todo: dict[str, Any]) -> str:
    if "completed" not in todo:  # Results for many todos hold only their ids and titles.
        return _quote_titles([todo])
    fields = [
        "done" if todo["completed"] else "",
        f"due {_format_due(todo['due'])}" if todo["due"] else "",
        todo["recurrence"] or "",
        f"{todo['priority']} priority" if todo["priority"] != "none" else "",
        " ".join(f"#{tag}" for tag in todo["tags"]),
        f"in {todo['project']}" if todo["project"] else "",
        f"under “{todo['parent']['title']}”" if todo["parent"] else "",
    ]
    return ", ".join([f"“{todo['title']}”", *filter(None, fields)])


def _format_due(due: str) -> str:
    """Returns `Friday 4 January 2030 17:00` for `Friday 4 January 2030 17:00 (2030-01-04T17:00+01:00)`.

    The form in brackets is for models. Times are in the user's own time zone.
    """
    return re.sub(r" \([^()]*\)$", "", due)


def _quote_titles(todos: Iterable[dict[str, Any]]) -> str:
    return ", ".join(f"“{todo['title']}”" for todo in todos)
