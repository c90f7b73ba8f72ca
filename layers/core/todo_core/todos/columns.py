"""SQL of the columns of todos."""

from typing import Final

from todo_core.todos.model import Todo

COLUMNS: Final = ", ".join(f'"{name}"' for name in Todo.__struct_fields__)
"""The columns for SELECT and RETURNING, in the order of the fields of `Todo`, so `Todo(*row)` builds a todo."""
THIS_DELETION: Final = "statement_timestamp()"
"""The time of deletion, by which a restored todo finds the subtodos that were deleted with it.

It differs between the statements of one transaction, such as the operations of a batch, as `now()` does not.
"""
