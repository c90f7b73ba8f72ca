"""Todos: what they are (`model`), how they are stored (`queries`), what can be done with them (`operations`), and the
log of what was done (`changes`).
"""

from todo_core.todos.model import DueBound, Filters, Position, Todo, TodoCreate, TodoUpdate
from todo_core.todos.operations import add, delete, find, find_below, find_by_id, get, restore, update

__all__ = [
    "DueBound",
    "Filters",
    "Position",
    "Todo",
    "TodoCreate",
    "TodoUpdate",
    "add",
    "delete",
    "find",
    "find_below",
    "find_by_id",
    "get",
    "restore",
    "update",
]
