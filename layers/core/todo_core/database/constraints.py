"""Registry that maps names of database constraints to the errors to raise when they are violated.

The modules that define these errors register them here, so the database package need not import such modules.
"""

from collections.abc import Callable
from typing import Final, get_args

import asyncpg

from todo_core.errors import NotAuthenticated, QuotaExceeded, QuotaName, ServiceError

_OWNER_SUFFIX: Final = "_user_id_fkey"
"""Suffix of the foreign keys to the owner. They are violated when the account was deleted during the request."""

_QUOTA_PREFIX: Final = "quota_"
"""Prefix of the constraint names with which triggers refuse a write beyond a quota. Their DETAIL is the limit."""

_errors: Final[dict[str, type[ServiceError]]] = {}


def raised_for[Error: type[ServiceError]](constraint: str) -> Callable[[Error], Error]:
    """Returns a decorator that registers an error class for violations of the named database constraint."""

    def register(error: Error) -> Error:
        _errors[constraint] = error
        return error

    return register


def find_error(violation: asyncpg.IntegrityConstraintViolationError) -> ServiceError | None:
    """Returns the error to raise for a violated constraint, or None when none is registered.

    For the foreign key to a deleted owner it is NotAuthenticated, for a quota it is QuotaExceeded.
    """
    name = violation.constraint_name or ""
    for quota in get_args(QuotaName.__value__):
        if name == f"{_QUOTA_PREFIX}{quota}":
            return QuotaExceeded(quota, int(violation.detail or 0))
    if isinstance(violation, asyncpg.ForeignKeyViolationError) and name.endswith(_OWNER_SUFFIX):
        return NotAuthenticated()
    error = _errors.get(name)
    return None if error is None else error()
