"""What a person types, as a command: `parse`, the commands it gives (`commands`) and `HELP`."""

from todo_assistant.grammar.commands import (
    Add,
    Command,
    Complete,
    Delete,
    Find,
    Help,
    NewTodo,
    Overview,
    Priority,
    Reopen,
    Reschedule,
    Restore,
    Target,
    Undo,
    Unknown,
    Update,
)
from todo_assistant.grammar.help import HELP
from todo_assistant.grammar.parser import parse

__all__ = [
    "HELP",
    "Add",
    "Command",
    "Complete",
    "Delete",
    "Find",
    "Help",
    "NewTodo",
    "Overview",
    "Priority",
    "Reopen",
    "Reschedule",
    "Restore",
    "Target",
    "Undo",
    "Unknown",
    "Update",
    "parse",
]
