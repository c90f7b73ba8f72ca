"""Todos: what they are (`model`), which of them a list holds (`filters`, `lists`), how they are stored (`queries`),
what can be done with them (`operations`), and the log of what was done (`changes`).
"""

from todo_core.todos.filters import DueBound, Filters, Page, Position, Sort
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate
from todo_core.todos.operations import (
    add,
    delete,
    delete_all,
    find,
    find_below,
    find_by_id,
    get,
    restore,
    tags,
    update,
)

__all__ = [
    "DueBound",
    "Filters",
    "Page",
    "Position",
    "Sort",
    "Todo",
    "TodoCreate",
    "TodoUpdate",
    "add",
    "delete",
    "delete_all",
    "find",
    "find_below",
    "find_by_id",
    "get",
    "restore",
    "tags",
    "update",
]
