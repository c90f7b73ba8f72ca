"""Words the results of tool calls for the user."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from todo_assistant.commands.results import NamedResult
from todo_assistant.commands.wording.errors import describe_failure
from todo_assistant.commands.wording.todos import (
    count_todos,
    describe_todo,
    format_due,
    format_list,
    name_some,
    quote,
    quote_title,
    quote_titles,
)

_MAX_DESCRIBED_ITEMS: Final = 20
"""Changed todos of which each has a sentence of its own. Of more, the answer names only the first few."""
_MAX_NAMED_FAILURES: Final = 3
_PAST_TENSE_VERBS: Final = {
    "add_todos": "Added",
    "complete_todos": "Completed",
    "reopen_todos": "Reopened",
    "skip_todos": "Skipped",
    "reschedule_todos": "Moved",
    "update_todos": "Changed",
    "delete_todos": "Deleted",
    "restore_todos": "Restored",
}
_TOOLS_REPORTED_IN_DETAIL: Final = frozenset({"add_todos", "reschedule_todos", "update_todos"})
"""Tools whose answers show each todo with its due date, tags and other fields, and not the title alone."""
_NOTHING_DONE: Final = "Nothing was changed."


def describe_results(results: Sequence[NamedResult]) -> str:
    """Returns the sentences that report tool results. Results of the same tool in a row are reported as one."""
    groups = [list(group) for _, group in groupby(results, key=lambda result: result.tool)]
    return "\n".join(filter(None, map(_describe_group, groups))) or _NOTHING_DONE


def describe_list(result: NamedResult) -> str:
    """Returns the numbered todos of a search, and how many more there are."""
    todos = result.todos
    if not todos:
        return "Nothing found."
    if "total" in result.result and result.result.get("total_is_exact", True):
        return format_list(todos, more=result.result["total"] - len(todos))
    return format_list(todos, more=None if result.result.get("more") else 0)


def _describe_group(results: Sequence[NamedResult]) -> str:
    """Returns the sentences about the results of calls of one tool."""
    failed = [result.result for result in results if result.has_failed]
    done = [result for result in results if not result.has_failed]
    sentences = [_describe_done(done)] if done else []
    return "\n".join([*sentences, *dict.fromkeys(map(describe_failure, failed))])


def _describe_done(results: Sequence[NamedResult]) -> str:
    first = results[0]
    match first.tool:
        case "search_todos":
            return describe_list(results[-1])
        case "day_overview":
            return _describe_overview(first.result)
        case "undo_last_turn":
            return "\n".join(_describe_reversal(result.result, "undone", "Undone") for result in results)
        case "redo_last_undo":
            return "\n".join(_describe_reversal(result.result, "redone", "Redone") for result in results)
        case "list_projects" | "rename_tag" | "delete_tag":
            return _describe_projects(first.result) if first.tool == "list_projects" else _describe_tag(first.result)
        case tool:
            return _describe_items(tool, [item for result in results for item in result.items])


def _describe_items(tool: str, items: Sequence[dict[str, Any]]) -> str:
    """Returns a sentence per item, or one sentence with the number of changed todos if there are many."""
    if len(items) <= _MAX_DESCRIBED_ITEMS:
        return "\n".join(dict.fromkeys(_describe_item(tool, item) for item in items))
    done = [item["todo"] for item in items if item["ok"]]
    sentences = []
    if done:
        sentences.append(f"{_PAST_TENSE_VERBS[tool]} {count_todos(len(done))}: {name_some(done, len(done))}.")
    if len(done) < len(items):
        failures = [describe_failure(item) for item in items if not item["ok"]]
        reasons = " ".join(list(dict.fromkeys(failures))[:_MAX_NAMED_FAILURES])
        sentences.append(f"{count_todos(len(failures))} could not be changed. {reasons}")
    return "\n".join(sentences)


def _describe_item(tool: str, item: dict[str, Any]) -> str:
    """Returns the sentence about one todo or project in the result of a tool that takes several."""
    if not item["ok"]:
        return describe_failure(item)
    if "project" in item:
        return f"Added the project {quote(item['project']['name'])}."
    todo = item["todo"]
    shown = describe_todo(todo) if tool in _TOOLS_REPORTED_IN_DETAIL else quote_title(todo)
    return f"{_PAST_TENSE_VERBS.get(tool, 'Changed')} {shown}{_describe_consequences(item)}."


def _describe_consequences(item: dict[str, Any]) -> str:
    """Returns the end of the sentence about a changed todo, or an empty string.

    That part states the next due date, the number of subtodos changed too, or other readings of the date.
    """
    if item.get("next_due"):
        return f", next due {format_due(item['next_due'])}"
    if count := item.get("subtodos"):
        return f" and {'its subtodo' if count == 1 else f'its {count} subtodos'}"
    readings = [format_due(reading) for reading in item.get("other_readings_of_due", [])]
    return f" (or did you mean {' or '.join(readings)}?)" if readings else ""


def _describe_reversal(content: dict[str, Any], member: str, verb: str) -> str:
    """Returns what an undo or a redo changed, and what it left alone."""
    sentences = []
    if changed := content.get(member):
        named = quote_titles(changed) if len(changed) <= _MAX_DESCRIBED_ITEMS else name_some(changed, len(changed))
        sentences.append(f"{verb}: {named}.")
    if projects := content.get(f"{member}_projects"):
        sentences.append(f"{verb}: {_name_some_projects(projects)}.")
    if left := content.get("left_alone"):
        sentences.append(f"Left alone, because of later changes: {name_some(left, len(left))}.")
    if projects := content.get("projects_left_alone"):
        sentences.append(f"Left alone, because of later changes: {_name_some_projects(projects)}.")
    return " ".join(sentences) or f"There was nothing left to {'undo' if member == 'undone' else 'redo'}."


def _name_some_projects(projects: Sequence[dict[str, Any]]) -> str:
    """Returns the names of the first three projects and the number of the others, after a word for them."""
    named = name_some([{"title": project["name"]} for project in projects], len(projects))
    return f"the project{'' if len(projects) == 1 else 's'} {named}"


def _describe_tag(content: dict[str, Any]) -> str:
    changed = count_todos(content["changed_todos"])
    if "new_tag" in content:
        return f"Renamed the tag {quote(content['tag'])} to {quote(content['new_tag'])} in {changed}."
    return f"Removed the tag {quote(content['tag'])} from {changed}."


def _describe_projects(content: dict[str, Any]) -> str:
    names = ", ".join(quote(project["name"]) for project in content["projects"])
    if not names:
        return "There are no projects yet. Type `new project Work` to add one."
    return f"Your projects: {names}{', and more' if content['more'] else ''}."


def _describe_overview(content: dict[str, Any]) -> str:
    """Returns the overdue and due todos of a day, numbered as one list.

    The tool has one flag for both lists, `more`, so `... and more.` comes after both.
    """
    overdue, due = content["overdue"], content["due"]
    lines = [f"{format_due(content['day'])}:"]
    if overdue:
        lines.append(f"Overdue:\n{format_list(overdue)}")
    lines.append(f"Due:\n{format_list(due, first_number=len(overdue) + 1)}" if due else "Nothing is due.")
    if content["more"]:
        lines.append("... and more.")
    return "\n".join(lines)
