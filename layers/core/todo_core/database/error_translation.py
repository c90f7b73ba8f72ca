"""Translates errors of asyncpg and of the network into errors of the service.

By classes with `__exit__`: generators with `@contextmanager` would take 1% of the time of a request.
"""

from math import inf
from time import monotonic
from types import TracebackType
from typing import Final

import asyncpg

from todo_core.database.constraints import find_error
from todo_core.database.lost_connections import ConnectionLost
from todo_core.errors import DatabaseUnavailable, RateLimited, SchemaOutdated

_VIOLATIONS = (asyncpg.CheckViolationError, asyncpg.ForeignKeyViolationError)
_OUTDATED = (asyncpg.UndefinedColumnError, asyncpg.UndefinedFunctionError, asyncpg.UndefinedTableError)
_UNAVAILABLE = (
    ConnectionLost,
    TimeoutError,
    # A full disk, too little memory, too many connections.
    asyncpg.InsufficientResourcesError,
    # A migration changed a table after the statement was prepared. The statement is prepared again next time.
    asyncpg.InvalidCachedStatementError,
    asyncpg.InvalidSQLStatementNameError,
    # A cancelled statement, a shutdown.
    asyncpg.OperatorInterventionError,
    # An error of the server's disk or network.
    asyncpg.PostgresSystemError,
    # A deadlock, or a conflict with another transaction.
    asyncpg.TransactionRollbackError,
)


class ViolationTranslation:
    """A block in which the violation of a check or foreign key becomes the error registered for the constraint.

    A violation without a registered error is raised unchanged.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _traceback: TracebackType | None) -> None:
        if isinstance(error, _VIOLATIONS) and (known := find_error(error)) is not None:
            raise known from error


TRANSLATED_VIOLATIONS: Final = ViolationTranslation()


class ErrorTranslation(ViolationTranslation):
    """A block in which errors become SchemaOutdated, DatabaseUnavailable, RateLimited, or that of a constraint.

    Other errors are raised unchanged. Remembers in `failed_at` when the database last failed, by the monotonic clock.
    """

    __slots__ = ("failed_at",)

    def __init__(self) -> None:
        self.failed_at = -inf

    def __exit__(self, _type: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        if error is None:
            return
        super().__exit__(_type, error, traceback)
        if isinstance(error, asyncpg.LockNotAvailableError):
            # The lock of a user's change log has set the timeout: another process makes changes of the same user. The
            # timeout holds for the rest of the transaction, whose other locks the changes of this user hold too.
            raise RateLimited("Another of your changes takes long; send fewer at a time.") from error
        if isinstance(error, _OUTDATED):
            self.failed_at = monotonic()
            raise SchemaOutdated from error
        if isinstance(error, _UNAVAILABLE):
            self.failed_at = monotonic()
            raise DatabaseUnavailable from error
