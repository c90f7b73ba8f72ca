"""Registry of the errors that stand for violated database constraints.

The domains register their errors where they define them, so that this package knows none of them.
"""

from collections.abc import Callable
from typing import Final

import asyncpg

from todo_core.errors import NotAuthenticated, ServiceError

_OWNER_SUFFIX: Final = "_user_id_fkey"
"""Suffix of the foreign keys that fail when the owner's account was deleted meanwhile."""

_errors: Final[dict[str, type[ServiceError]]] = {}


def raised_for[Error: type[ServiceError]](constraint: str) -> Callable[[Error], Error]:
    """Registers the decorated error class for violations of the named constraint."""

    def register(error: Error) -> Error:
        _errors[constraint] = error
        return error

    return register


def find_error(violation: asyncpg.IntegrityConstraintViolationError) -> type[ServiceError] | None:
    """Returns the error that stands for a violated constraint, or None when none is registered."""
    name = violation.constraint_name or ""
    if isinstance(violation, asyncpg.ForeignKeyViolationError) and name.endswith(_OWNER_SUFFIX):
        return NotAuthenticated
    return _errors.get(name)
