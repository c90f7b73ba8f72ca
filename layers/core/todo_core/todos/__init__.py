"""Todos: what they are (`model`), how they are stored (`queries`) and what can be done with them (`operations`)."""

from todo_core.todos.model import Filters, Position, Todo, TodoCreate, TodoUpdate
from todo_core.todos.operations import add, delete, find, get, update

__all__ = [
    "Filters",
    "Position",
    "Todo",
    "TodoCreate",
    "TodoUpdate",
    "add",
    "delete",
    "find",
    "get",
    "update",
]
