"""The columns of a todo, as SELECT and RETURNING list them, in the order of the fields of `Todo`."""

from typing import Final

from todo_core.todos.model import Todo

COLUMNS: Final = ", ".join(f'"{name}"' for name in Todo.__struct_fields__)
