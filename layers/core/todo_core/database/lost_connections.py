"""Recognizes the errors of asyncpg, the event loop and the network that mean that a connection was lost."""

from typing import Final

import asyncpg

from todo_core.errors import ServiceError

type Connection = asyncpg.Connection[asyncpg.Record]

DRIVER_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,  # includes errors of TLS and timeouts
    EOFError,
)
"""All exceptions that asyncpg documents or passes on from the network."""

_SERVER_CLOSES: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.DatabaseDroppedError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    # After a failover, an old connection may lead to a server that only reads.
    asyncpg.ReadOnlySQLTransactionError,
)


class ConnectionLost(Exception):
    """Raised in place of an error that means that the connection cannot be used any more. The error is its cause."""


def is_lost(connection: Connection, error: BaseException) -> bool:
    """Returns True if `error`, raised while the connection was in use, means that the connection was lost.

    asyncpg reports a loss as ConnectionDoesNotExistError, InterfaceError or InternalClientError ("not connected"). The
    error depends on the step of the protocol. Any other unexpected error counts too if the connection is closed.
    """
    if isinstance(error, ServiceError | TimeoutError | asyncpg.DataError):
        return False
    if isinstance(error, asyncpg.PostgresError):
        return isinstance(error, _SERVER_CLOSES)
    return isinstance(error, DRIVER_ERRORS) or (isinstance(error, Exception) and connection.is_closed())
