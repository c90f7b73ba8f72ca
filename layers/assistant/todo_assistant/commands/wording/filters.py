"""Words the filter of a search, and the answers that name it."""

from typing import Any

from todo_assistant.commands.grammar.commands import Filter
from todo_assistant.commands.wording.todos import count_todos, quote


def describe_filter(selected: Filter) -> str:
    """Returns the title, tags and project of a filter as in `“milk” #home /work`, or an empty text if it has none."""
    project = f"/{selected.project}" if selected.project else ""
    parent = f"under {quote(selected.parent)}" if selected.parent else ""
    words = [quote(selected.text) if selected.text else "", *(f"#{tag}" for tag in selected.tags), project, parent]
    return " ".join(filter(None, words))


def say_not_found(noun: str, selected: Filter) -> str:
    """Returns the answer to a command that finds no todo: `I found no open todo that fits “milk”`."""
    fitting = describe_filter(selected)
    words = [
        "I found no",
        "overdue" if selected.overdue else "",
        f"{selected.priority}-priority" if selected.priority else "",
        noun.removeprefix("open ") if selected.overdue else noun,
        f"that fits {fitting}" if fitting else "",
        _describe_times(selected),
    ]
    return f"{' '.join(filter(None, words))}."


def describe_empty_list(selected: Filter) -> str:
    """Returns the answer to a search that found nothing."""
    if selected.trashed and not describe_filter(selected):
        return "The trash is empty."
    if describe_filter(selected) or selected.priority or selected.undated:
        noun = "todo in the trash" if selected.trashed else _noun(selected)
        return say_not_found(noun, selected)
    if selected.overdue:
        return "Nothing is overdue."
    if selected.completed_on:
        return f"You completed nothing {selected.completed_on}."
    if selected.due:
        return f"Nothing is due {selected.due}."
    return "You have no completed todos." if selected.completed else "You have no open todos."


def describe_count(selected: Filter, counted: dict[str, Any]) -> str:
    """Returns the answer to a question for the number of todos: `You have 12 open todos, 3 of them overdue`."""
    total, about = counted["total"], _describe_rest(selected)
    least = "" if counted.get("exact", True) else "at least "
    if selected.completed_on:
        return f"You completed {least}{count_todos(total)}{about} {selected.completed_on}."
    if selected.completed is None and not (selected.overdue or selected.trashed):
        return f"You have {least}{count_todos(total)}{about}, {counted['open']} of them open."
    kind = "overdue" if selected.overdue else "" if selected.trashed else "completed" if selected.completed else "open"
    place = " in the trash" if selected.trashed else ""
    details = [] if selected.overdue or selected.completed or selected.due else _count_due(counted)
    return f"You have {least}{count_todos(total, kind)}{about}{place}{''.join(details)}."


def _count_due(counted: dict[str, Any]) -> list[str]:
    overdue, today = counted.get("overdue", 0), counted.get("due_today", 0)
    return [
        *([f", {overdue} of them overdue"] if overdue else []),
        *([f"{' and' if overdue else ','} {today} due today"] if today else []),
    ]


def _noun(selected: Filter) -> str:
    state = {True: "completed ", False: "open ", None: ""}[selected.completed]
    return f"{state}todo"


def _describe_rest(selected: Filter) -> str:
    """Returns the conditions of a filter, apart from the state, as the end of a sentence."""
    tags = " ".join(f"#{tag}" for tag in selected.tags)
    words = [
        f"about {quote(selected.text)}" if selected.text else "",
        f"with {tags}" if tags else "",
        f"with {selected.priority} priority" if selected.priority else "",
        f"in {quote(selected.project)}" if selected.project else "",
        f"under {quote(selected.parent)}" if selected.parent else "",
        _describe_times(selected) if not selected.completed_on else "",
    ]
    return "".join(f" {word}" for word in words if word)


def _describe_times(selected: Filter) -> str:
    words = [
        f"due {selected.due}" if selected.due else "",
        "without a date" if selected.undated else "",
        f"completed {selected.completed_on}" if selected.completed_on else "",
    ]
    return " ".join(filter(None, words))
