"""Words todos and lists of todos for the user."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from todo_assistant.commands.results import TodoView

MAX_LISTED_TODOS: Final = 50
_MAX_NAMED_TODOS: Final = 3
"""Titles in a sentence about many todos."""
_MAX_TITLE_CHARACTERS: Final = 200


def format_list(todos: Sequence[TodoView], *, first_number: int = 1, more: int | None = 0) -> str:
    """Returns a numbered line for each of the first 50 todos, then `... and 7 more.` if there are more.

    `more` is the number of todos that are not in the list, None if it is unknown.
    """
    shown = todos[:MAX_LISTED_TODOS]
    lines = [f"{number}. {describe_todo(todo)}" for number, todo in enumerate(shown, start=first_number)]
    if more is None:
        return "\n".join([*lines, "... and more."])
    left = more + len(todos) - len(shown)
    return "\n".join([*lines, f"... and {left} more."] if left else lines)


def describe_todo(todo: TodoView) -> str:
    """Returns the quoted title of a todo and its fields that are set: `“milk”, due Friday 4 January 2030, #home`."""
    fields = [
        "done" if todo.get("completed") else "",
        f"due {format_due(todo['due'])}" if todo.get("due") else "",
        todo.get("recurrence") or "",
        f"reminder {format_due(todo['reminder'])}" if todo.get("reminder") else "",
        f"{todo['priority']} priority" if todo.get("priority", "none") != "none" else "",
        " ".join(f"#{tag}" for tag in todo.get("tags", ())),
        f"in {todo['project']}" if todo.get("project") else "",
        f"under “{todo['parent']['title']}”" if todo.get("parent") else "",
    ]
    return ", ".join([quote_title(todo), *filter(None, fields)])


def format_due(due: str) -> str:
    """Returns `Friday 4 January 2030 17:00` for `Friday 4 January 2030 17:00 (2030-01-04T17:00+01:00)`.

    The form in brackets is for models. Times are in the user's own time zone.
    """
    return re.sub(r" \([^()]*\)$", "", due)


def quote_title(todo: TodoView) -> str:
    return quote(todo["title"] or "")


def quote(text: str) -> str:
    """Returns the text in quotation marks, and its first 200 characters if it is longer."""
    return f"“{text[:_MAX_TITLE_CHARACTERS]}{'…' if len(text) > _MAX_TITLE_CHARACTERS else ''}”"


def quote_titles(todos: Iterable[TodoView]) -> str:
    return ", ".join(quote_title(todo) for todo in todos)


def count_todos(number: int, kind: str = "") -> str:
    """Returns `1 todo` or `3 open todos`, with an optional word for the kind."""
    return f"{number} {kind} todo{'' if number == 1 else 's'}".replace("  ", " ")


def name_some(todos: Sequence[TodoView], number: int) -> str:
    """Returns the titles of the first three of `number` todos and the number of the others: `“a”, “b” and 7 more`."""
    named = todos[:_MAX_NAMED_TODOS]
    more = number - len(named)
    return f"{quote_titles(named)} and {more} more" if more else quote_titles(named)
