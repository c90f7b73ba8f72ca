"""The database of a process, connected to on first use, and what happens when a connection dies.

Neon sleeps and a Lambda thaws after minutes, so an idle connection may be dead without anyone having noticed. A read
is repeated once on a fresh connection. A write is not repeated, because it may have landed: a connection that has
been idle is asked first whether it lives.

A pooler may lose prepared statements. The first time that one is missing, the process goes on without them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Final, Protocol, Self

import asyncpg

from todo_core.database import postgres_url
from todo_core.database.constraints import find_error
from todo_core.database.pool import CONNECTION_LOST, Connection, ConnectionPool, PoolUse, UniquelyNamedConnection
from todo_core.database.settings import DatabaseSettings
from todo_core.database.statements import Statement
from todo_core.errors import DatabaseUnavailable, SchemaOutdated

_CONNECT_SECONDS: Final = 10.0
_WAIT_SECONDS: Final = 5.0
_COMMAND_SECONDS: Final = 15.0
_TRUSTED_IDLE_SECONDS: Final = 1.0
"""A connection that answered within this time is taken to be alive."""

_UNAVAILABLE = (
    *CONNECTION_LOST,
    asyncpg.CannotConnectNowError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    OSError,
    TimeoutError,
)


_OUTDATED = (asyncpg.UndefinedColumnError, asyncpg.UndefinedFunctionError, asyncpg.UndefinedTableError)

type Row = asyncpg.Record
"""What a statement yields: its columns by place and by name."""


class Executor(Protocol):
    """What runs statements: the database, each in a transaction of its own, or a transaction, all or none."""

    async def fetch_all(self, statement: Statement, **values: object) -> list[Row]: ...

    async def fetch_one(self, statement: Statement, **values: object) -> Row | None: ...

    async def write(self, statement: Statement, **values: object) -> Row | None: ...

    def transaction(self) -> AbstractAsyncContextManager["Transaction"]:
        """One of its own, or the one that this already is."""
        ...


class Transaction:
    """Statements that take effect together."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        """Each statement may take so many `seconds`."""
        self._connection = connection
        self._seconds = seconds

    async def fetch_all(self, statement: Statement, **values: object) -> list[Row]:
        with _rules():
            return await self._connection.fetch(statement.sql, *statement.arguments(values), timeout=self._seconds)

    async def fetch_one(self, statement: Statement, **values: object) -> Row | None:
        with _rules():
            return await self._connection.fetchrow(statement.sql, *statement.arguments(values), timeout=self._seconds)

    write = fetch_one

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Self]:
        """This one: what it is a part of takes effect or fails as a whole."""
        yield self

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Takes back what the block did when it raises, so that the transaction can go on.

        Without it, PostgreSQL refuses all that comes after a statement that broke a rule.
        """
        async with self._connection.transaction():
            yield


class Database:
    """Runs statements.

    Every method raises DatabaseUnavailable when the database cannot be reached in time, and SchemaOutdated when it
    lacks what this version needs.
    """

    def __init__(self, url: str | None, *, pool_size: int = 10, prepared_statements: bool | None = None) -> None:
        """`prepared_statements` off suits a pooler that loses them; None decides by the URL.

        Without a URL, `connect_to` must come before the first use. Raises ValueError for one that is not
        understood.
        """
        self._url = postgres_url.parse(url) if url else None
        self._prepared_statements = prepared_statements
        self._pool_size = pool_size
        self._connections = self._pool()

    @classmethod
    def from_settings(cls, settings: DatabaseSettings) -> Self:
        return cls(
            settings.url.get_secret_value() if settings.url else None,
            pool_size=settings.pool_size,
            prepared_statements=settings.keeps_prepared_statements,
        )

    def connect_to(self, url: str) -> None:
        """Names the database, where it was not known from the start."""
        self._url = postgres_url.parse(url)

    @property
    def pool_use(self) -> PoolUse:
        """What its connections do at this moment."""
        return self._connections.use

    async def fetch_all(self, statement: Statement, **values: object) -> list[Row]:
        """Runs a read, once more on a fresh connection if the first one turns out to be dead."""
        arguments = statement.arguments(values)
        return await self._read(lambda connection: connection.fetch(statement.sql, *arguments))

    async def fetch_one(self, statement: Statement, **values: object) -> Row | None:
        """Like `fetch_all`, for a statement that yields at most one row."""
        arguments = statement.arguments(values)
        return await self._read(lambda connection: connection.fetchrow(statement.sql, *arguments))

    async def write(self, statement: Statement, **values: object) -> Row | None:
        """Runs one writing statement as a transaction of its own and gives the first row it returns.

        It is never sent twice: after a connection that died midway nobody can tell whether it landed.
        """
        arguments = statement.arguments(values)

        def send(connection: Connection) -> Awaitable[Row | None]:
            return connection.fetchrow(statement.sql, *arguments)

        with _faults():
            try:
                return await self._connections.run(send, trusted_seconds=_TRUSTED_IDLE_SECONDS)
            except asyncpg.InvalidSQLStatementNameError:
                self._stop_preparing()  # and send it after all: the server has refused it
            return await self._connections.run(send, trusted_seconds=_TRUSTED_IDLE_SECONDS)

    @asynccontextmanager
    async def transaction(self, *, seconds: float = _COMMAND_SECONDS) -> AsyncIterator[Transaction]:
        """Commits at the end of the block and rolls back when it raises. Like a write, it is never repeated.

        A statement in it that takes longer than `seconds` raises DatabaseUnavailable.
        """
        with _faults():
            try:
                async with (
                    self._connections.borrow(trusted_seconds=_TRUSTED_IDLE_SECONDS) as connection,
                    connection.transaction(),
                ):
                    yield Transaction(connection, seconds)
            except asyncpg.InvalidSQLStatementNameError:
                self._stop_preparing()
                raise

    async def close(self) -> None:
        """Closes every connection. The next use opens new ones."""
        await self._connections.close()

    async def _read[Result](self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        with _faults():
            try:
                return await self._connections.run(work)
            except CONNECTION_LOST:
                self._connections.forget_idle()
            except asyncpg.InvalidSQLStatementNameError:
                self._stop_preparing()
            return await self._connections.run(work)

    def _pool(self) -> ConnectionPool:
        return ConnectionPool(self._connect, self._pool_size, wait_seconds=_WAIT_SECONDS)

    def _stop_preparing(self) -> None:
        if self._prepared_statements is not False:
            self._prepared_statements = False
            self._connections.retire()
            self._connections = self._pool()

    async def _connect(self) -> Connection:
        if self._url is None:
            raise DatabaseUnavailable("No database is configured: DATABASE_URL must be set.")
        prepared = not self._url.pooled if self._prepared_statements is None else self._prepared_statements
        try:
            return await asyncpg.connect(
                self._url.dsn,
                ssl=self._url.ssl,
                timeout=_CONNECT_SECONDS,
                command_timeout=_COMMAND_SECONDS,
                statement_cache_size=100 if prepared else 0,
                connection_class=UniquelyNamedConnection,
                server_settings={"application_name": "todo-backend"},
            )
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            # Whatever the server has against letting us in: the password, the limit of connections, its own trouble.
            raise DatabaseUnavailable from error


@contextmanager
def _faults() -> Iterator[None]:
    """Tells the database's faults as errors of ours."""
    try:
        with _rules():
            yield
    except _OUTDATED as error:
        raise SchemaOutdated from error
    except _UNAVAILABLE as error:
        raise DatabaseUnavailable from error


@contextmanager
def _rules() -> Iterator[None]:
    """Raises the registered error when a statement violates a constraint."""
    try:
        yield
    except (asyncpg.CheckViolationError, asyncpg.ForeignKeyViolationError) as violation:
        error = find_error(violation)
        if error is None:
            raise
        raise error from violation
