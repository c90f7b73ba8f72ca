"""Words the commands that remove something from todos, whose results show only what is left."""

from todo_assistant.commands.grammar.commands import (
    MoveTo,
    Remind,
    Repeat,
    Reschedule,
    TargetCommand,
    Update,
)
from todo_assistant.commands.results import NamedResult, TodoView
from todo_assistant.commands.wording.todos import quote_title


def describe_removal(command: TargetCommand, result: NamedResult) -> str | None:
    """Returns a sentence per changed todo on what was removed, or None if the command removes nothing or has failed."""
    removed = _name_removed(command)
    if removed is None or result.has_failed or not all(item["ok"] for item in result.items):
        return None
    todos: list[TodoView] = [item["todo"] for item in result.items]
    return "\n".join(f"{removed} {quote_title(todo)}." for todo in todos)


def _name_removed(command: TargetCommand) -> str | None:
    match command:
        case Reschedule(due=None):
            return "Removed the date of"
        case Repeat(recurrence=None):
            return "Ended the recurrence of"
        case Remind(when=None):
            return "Removed the reminder of"
        case MoveTo(project=""):
            return "Removed the project of"
        case Update(title=None, priority=None, add_tags=(), remove_tags=tags) if tags:
            return f"Removed {' '.join(f'#{tag}' for tag in tags)} from"
        case _:
            return None
