"""Runs statements and transactions on a pool of connections, and replaces connections that were lost.

An idle connection may be lost unnoticed: Neon suspends idle databases, and AWS freezes idle Lambda environments. A
read on a lost connection is repeated once on a new one. A write is not repeated, because it may have been committed.
Instead, a connection that was idle for more than a second is checked before a write or a transaction.

The writes of one owner run one after the other. They wait for each other before they take a connection.

A pooler may lose prepared statements. After the first error about a lost one, a Database keeps no prepared statements.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import monotonic
from typing import Final, Protocol, Self

import asyncpg

from todo_core.clients import find_owner
from todo_core.database import postgres_url
from todo_core.database.error_translation import TRANSLATED_VIOLATIONS, ErrorTranslation
from todo_core.database.lost_connections import DRIVER_ERRORS, Connection, ConnectionLost
from todo_core.database.pool import ConnectionPool, PoolUse, UniquelyNamedConnection
from todo_core.database.settings import DatabaseSettings
from todo_core.database.statements import Statement
from todo_core.database.write_queues import WriteQueues
from todo_core.deadlines import STATEMENT_SECONDS, limit_statement, limit_wait
from todo_core.errors import DatabaseUnavailable, ServiceError

_CONNECT_TIMEOUT_SECONDS: Final = 10.0
_POOL_TIMEOUT_SECONDS: Final = 5.0
_TRUSTED_IDLE_SECONDS: Final = 1.0
"""A connection that was idle for at most this time is not checked before a write or a transaction."""


type Row = asyncpg.Record
"""One row of a result. Columns are read by index or by name."""


class Executor(Protocol):
    """The common interface of Database and Transaction.

    A function that takes an Executor can run alone or as part of a larger transaction.
    """

    async def fetch_all(self, statement: Statement, **values: object) -> list[Row]: ...

    async def fetch_one(self, statement: Statement, **values: object) -> Row | None: ...

    async def write(self, statement: Statement, **values: object) -> Row | None: ...

    def transaction(self) -> AbstractAsyncContextManager["Transaction"]:
        """Starts a transaction on a Database. A Transaction returns itself instead of a nested one."""
        ...


class Transaction:
    """A transaction on one connection."""

    def __init__(self, connection: Connection, statement_timeout_seconds: float) -> None:
        self._connection = connection
        self._timeout = statement_timeout_seconds

    async def fetch_all(self, statement: Statement, **values: object) -> list[Row]:
        with TRANSLATED_VIOLATIONS:
            timeout = limit_statement(self._timeout)
            return await self._connection.fetch(statement.sql, *statement.arguments(values), timeout=timeout)

    async def fetch_one(self, statement: Statement, **values: object) -> Row | None:
        with TRANSLATED_VIOLATIONS:
            timeout = limit_statement(self._timeout)
            return await self._connection.fetchrow(statement.sql, *statement.arguments(values), timeout=timeout)

    write = fetch_one

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Self]:
        """Yields this same transaction. The block's statements are committed or rolled back with all others in it."""
        yield self

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Rolls back only the statements of the block when the block raises. The error is still raised.

        A caller that catches the error can continue the transaction. Without a savepoint, PostgreSQL refuses all later
        statements of a transaction after one has failed.
        """
        async with self._connection.transaction():
            yield


class Database:
    """Runs single statements, each as a transaction of its own, and opens transactions of several statements.

    A statement raises DatabaseUnavailable when the database does not answer in time or the connection is lost. Its
    time is what the current request has left, and at most 15 seconds. It raises SchemaOutdated when a table, column or
    function is missing. Writes and transactions also raise RateLimited when too many of the same owner wait.
    """

    def __init__(self, url: str | None, *, pool_size: int = 10, prepared_statements: bool | None = None) -> None:
        """Parses the URL and opens no connection yet; the first statement opens one.

        `prepared_statements` must be False for a pooler that loses prepared statements. None means False if the URL is
        a pooler's, else True. When `url` is None, `connect_to` must be called before the first statement. Raises
        ValueError for an invalid URL.
        """
        self._url = postgres_url.parse(url) if url else None
        self._prepared_statements = prepared_statements
        self._pool_size = pool_size
        self._connections = self._new_pool()
        self._write_queues = WriteQueues()
        self._translated_errors = ErrorTranslation()

    @classmethod
    def from_settings(cls, settings: DatabaseSettings) -> Self:
        return cls(
            settings.url.get_secret_value() if settings.url else None,
            pool_size=settings.pool_size,
            prepared_statements=settings.keeps_prepared_statements,
        )

    def connect_to(self, url: str) -> None:
        """Sets the URL that connections opened from now on use. Raises ValueError for an invalid URL."""
        self._url = postgres_url.parse(url)

    @property
    def pool_use(self) -> PoolUse:
        """The size of the pool, and the numbers of its connections that are in use and idle at this moment."""
        return self._connections.use

    def has_answered_within(self, seconds: float) -> bool:
        """Returns True if the database has answered in the last `seconds`, and no statement has failed since."""
        answered_at = self._connections.answered_at
        return answered_at > self._translated_errors.failed_at and monotonic() - answered_at < seconds

    async def fetch_all(self, statement: Statement, **values: object) -> list[Row]:
        """Runs a statement that may safely run twice, such as a SELECT, and returns its rows.

        Repeats the statement once when the connection or a prepared statement was lost.
        """
        arguments = statement.arguments(values)
        return await self._read(
            lambda connection: connection.fetch(statement.sql, *arguments, timeout=limit_statement())
        )

    async def fetch_one(self, statement: Statement, **values: object) -> Row | None:
        """Runs a statement that may safely run twice, and returns its first row, or None.

        Repeats the statement once when the connection or a prepared statement was lost.
        """
        arguments = statement.arguments(values)
        return await self._read(
            lambda connection: connection.fetchrow(statement.sql, *arguments, timeout=limit_statement())
        )

    async def write(self, statement: Statement, **values: object) -> Row | None:
        """Runs a writing statement and returns the first row of its RETURNING clause, or None.

        Raises DatabaseUnavailable when the connection is lost. The statement may have been committed then, so it is not
        sent again.
        """
        arguments = statement.arguments(values)

        def send(connection: Connection) -> Awaitable[Row | None]:
            return connection.fetchrow(statement.sql, *arguments, timeout=limit_statement())

        owner = find_owner()
        with self._translated_errors:
            await self._write_queues.enter(owner)
            try:
                return await self._send_write(send)
            finally:
                self._write_queues.leave(owner)

    async def _send_write(self, send: Callable[[Connection], Awaitable[Row | None]]) -> Row | None:
        try:
            return await self._connections.run(send, trusted_seconds=_TRUSTED_IDLE_SECONDS)
        except asyncpg.InvalidSQLStatementNameError:
            # Sending the write again is safe: the server did not know the prepared statement, so it ran nothing.
            self._stop_preparing()
        return await self._connections.run(send, trusted_seconds=_TRUSTED_IDLE_SECONDS)

    @asynccontextmanager
    async def transaction(self, *, timeout_seconds: float = STATEMENT_SECONDS) -> AsyncIterator[Transaction]:
        """Yields a transaction, commits it at the end of the block, and rolls it back when the block raises.

        Raises DatabaseUnavailable when a statement takes longer than `timeout_seconds`, or the transaction twice as
        long. Both end with the time of the request, too.
        """
        owner = find_owner()
        with self._translated_errors:
            await self._write_queues.enter(owner)
            try:
                async with (
                    asyncio.timeout(limit_wait(2 * timeout_seconds)),
                    self._connections.borrow(trusted_seconds=_TRUSTED_IDLE_SECONDS) as connection,
                    _begun(connection),
                ):
                    yield Transaction(connection, timeout_seconds)
            except asyncpg.InvalidSQLStatementNameError:
                self._stop_preparing()
                raise
            finally:
                self._write_queues.leave(owner)

    async def close(self) -> None:
        """Closes all idle connections. The Database stays usable: the next statement opens a new connection."""
        await self._connections.close()

    async def _read[Result](self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        with self._translated_errors:
            try:
                return await self._connections.run(work)
            except ConnectionLost:
                self._connections.close_idle()
            except asyncpg.InvalidSQLStatementNameError:
                self._stop_preparing()
            return await self._connections.run(work)

    def _new_pool(self) -> ConnectionPool:
        return ConnectionPool(self._connect, self._pool_size, wait_seconds=_POOL_TIMEOUT_SECONDS)

    def _stop_preparing(self) -> None:
        if self._prepared_statements is not False:
            self._prepared_statements = False
            self._connections.retire()
            self._connections = self._new_pool()

    async def _connect(self) -> Connection:
        if self._url is None:
            raise DatabaseUnavailable("No database is configured: DATABASE_URL must be set.")
        prepared = not self._url.pooled if self._prepared_statements is None else self._prepared_statements
        try:
            return await asyncpg.connect(
                self._url.dsn,
                ssl=self._url.ssl,
                timeout=limit_statement(_CONNECT_TIMEOUT_SECONDS),
                command_timeout=STATEMENT_SECONDS,
                statement_cache_size=100 if prepared else 0,
                connection_class=UniquelyNamedConnection,
                server_settings={"application_name": "todo-backend"},
            )
        except DRIVER_ERRORS as error:
            # Also raised for a wrong password or too many connections: an API client can only try again later.
            self._translated_errors.failed_at = monotonic()
            raise DatabaseUnavailable from error


@asynccontextmanager
async def _begun(connection: Connection) -> AsyncIterator[None]:
    """Begins a transaction. Commits it at the end of the block, or rolls it back after an SQL error or a ServiceError.

    Sends no ROLLBACK after other errors, such as a timeout: it would wait for a network that does not answer. The pool
    then closes the connection, which rolls back too.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    except (asyncpg.PostgresError, ServiceError):
        try:
            await transaction.rollback()
        except DRIVER_ERRORS:
            connection.terminate()
        raise
    await transaction.commit()
