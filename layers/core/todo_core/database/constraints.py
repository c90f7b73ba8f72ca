"""Registry that maps names of database constraints to the errors to raise when they are violated.

The modules that define these errors register them here, so the database package need not import such modules.
"""

from collections.abc import Callable
from typing import Final

import asyncpg

from todo_core.errors import NotAuthenticated, ServiceError

_OWNER_SUFFIX: Final = "_user_id_fkey"
"""Suffix of the foreign keys to the owner. They are violated when the account was deleted during the request."""

_errors: Final[dict[str, type[ServiceError]]] = {}


def raised_for[Error: type[ServiceError]](constraint: str) -> Callable[[Error], Error]:
    """Returns a decorator that registers an error class for violations of the named database constraint."""

    def register(error: Error) -> Error:
        _errors[constraint] = error
        return error

    return register


def find_error(violation: asyncpg.IntegrityConstraintViolationError) -> type[ServiceError] | None:
    """Returns the error class to raise for a violated constraint, or None when none is registered.

    For the foreign key to a deleted owner it is NotAuthenticated.
    """
    name = violation.constraint_name or ""
    if isinstance(violation, asyncpg.ForeignKeyViolationError) and name.endswith(_OWNER_SUFFIX):
        return NotAuthenticated
    return _errors.get(name)
