"""One pool of connections per process, opened on first use, and what happens when a connection dies.

Neon sleeps and a Lambda thaws after minutes, so a pooled connection may be dead without anyone having noticed.
A read is repeated once on a fresh connection. A write is not repeated, because it may have landed: its
connection is checked first when it has been idle.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final

import asyncpg

from todo_core import postgres_url
from todo_core.errors import DatabaseUnavailable
from todo_core.statements import Statement

if TYPE_CHECKING:
    from asyncpg.pool import Pool, PoolConnectionProxy

    Connection = PoolConnectionProxy[asyncpg.Record]

_CONNECT_SECONDS: Final = 10.0
_ACQUIRE_SECONDS: Final = 5.0
_COMMAND_SECONDS: Final = 15.0
_TRUSTED_IDLE_SECONDS: Final = 1.0
"""A connection that answered within this time is taken to be alive."""

_CONNECTION_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
)
_UNAVAILABLE = (
    *_CONNECTION_LOST,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    OSError,
    TimeoutError,
)

_CHECK = "SELECT 1"


class Database:
    """Runs statements. Every method raises DatabaseUnavailable when the database cannot be reached in time."""

    def __init__(self, url: str | None, *, pool_size: int = 10, prepared_statements: bool | None = None) -> None:
        """`prepared_statements` off suits a pooler that loses them; None decides by the name of the host.

        Without a URL, `connect_to` must come before the first use. Raises ValueError for one that is not
        understood.
        """
        self._url = postgres_url.parse(url) if url else None
        self._pool_size = pool_size
        self._prepared_statements = prepared_statements
        self._opening = asyncio.Lock()
        self._pool: Pool[asyncpg.Record] | None = None
        self._answered_at = monotonic()

    def connect_to(self, url: str) -> None:
        """Names the database, where it was not known from the start."""
        self._url = postgres_url.parse(url)

    async def fetch_all(self, statement: Statement, **values: object) -> list[asyncpg.Record]:
        """Runs a read, once more on a fresh connection if the first one turns out to be dead."""
        arguments = statement.arguments(values)
        return await self._read(lambda connection: connection.fetch(statement.sql, *arguments))

    async def fetch_one(self, statement: Statement, **values: object) -> asyncpg.Record | None:
        """Like `fetch_all`, for a statement that yields at most one row."""
        arguments = statement.arguments(values)
        return await self._read(lambda connection: connection.fetchrow(statement.sql, *arguments))

    async def write(self, statement: Statement, **values: object) -> asyncpg.Record | None:
        """Runs one writing statement as a transaction of its own and gives the first row it returns.

        It is never sent twice: after a connection that died midway nobody can tell whether it landed.
        """
        arguments = statement.arguments(values)
        with _unavailable_told():
            if monotonic() - self._answered_at > _TRUSTED_IDLE_SECONDS:
                await self._read(lambda connection: connection.fetchval(_CHECK))
            async with self._borrow() as connection:
                return await connection.fetchrow(statement.sql, *arguments)

    async def close(self) -> None:
        """Closes every connection. The next use opens a new pool."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def _read[Result](self, run: Callable[["Connection"], Awaitable[Result]]) -> Result:
        with _unavailable_told():
            try:
                async with self._borrow() as connection:
                    return await run(connection)
            except _CONNECTION_LOST:
                # Where one has died the others have too, more often than not.
                await (await self._open_pool()).expire_connections()
            async with self._borrow() as connection:
                return await run(connection)

    @asynccontextmanager
    async def _borrow(self) -> AsyncIterator["Connection"]:
        pool = self._pool or await self._open_pool()
        async with pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
            yield connection
            self._answered_at = monotonic()

    async def _open_pool(self) -> "Pool[asyncpg.Record]":
        async with self._opening:
            if self._pool is None:
                if self._url is None:
                    raise DatabaseUnavailable("No database is configured: DATABASE_URL must be set.")
                pooled = self._url.pooled
                prepared = not pooled if self._prepared_statements is None else self._prepared_statements
                self._pool = await asyncpg.create_pool(
                    self._url.dsn,
                    ssl=self._url.ssl,
                    min_size=0,
                    max_size=self._pool_size,
                    timeout=_CONNECT_SECONDS,
                    command_timeout=_COMMAND_SECONDS,
                    statement_cache_size=100 if prepared else 0,
                    server_settings={"application_name": "todo-backend"},
                    reset=_keep_session,
                )
            return self._pool


async def _keep_session(_connection: object) -> None:
    """Spares the round trip of asyncpg's own reset: no statement here changes the state of its session."""


@contextmanager
def _unavailable_told() -> Iterator[None]:
    try:
        yield
    except _UNAVAILABLE as error:
        raise DatabaseUnavailable from error
