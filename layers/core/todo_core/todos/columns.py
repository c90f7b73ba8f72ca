"""The columns for SELECT and RETURNING, in the order of the fields of `Todo`, so `Todo(*row)` builds a todo."""

from typing import Final

from todo_core.todos.model import Todo

COLUMNS: Final = ", ".join(f'"{name}"' for name in Todo.__struct_fields__)
