"""A pool of asyncpg connections that costs a request next to nothing.

asyncpg's own pool resets a connection in a task of its own at each release, which takes as long as a query of one row.
Nothing here changes the state of a session, so a connection goes back as it is. One on which anything but a plain
error of the server happened (a cancelled request, a lost line) is thrown away instead of being repaired.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final
from uuid import uuid4

import asyncpg

from todo_core.errors import ServiceError

type Connection = asyncpg.Connection[asyncpg.Record]

_LONGEST_IDLE_SECONDS: Final = 300.0
_CHECK_SECONDS: Final = 2.0

CONNECTION_LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # What asyncpg says when the end of the line is noticed at the very moment of sending.
    asyncpg.InternalClientError,
    ConnectionError,
)
"""How a connection tells that it has died."""


class UniquelyNamedConnection(asyncpg.Connection):
    """A connection whose prepared statements have names that no other process gives to its own.

    asyncpg counts them from one in every process. A pooler that knows nothing of them hands the connections of one
    process to another, where statement 3 may then be an entirely different one, which would be run.
    """

    def _get_unique_id(self, prefix: str) -> str:
        return f"{prefix}_{uuid4().hex}"


@dataclass(frozen=True, slots=True)
class PoolUse:
    """How many connections a pool may have, how many carry work, and how many wait for some."""

    size: int
    in_use: int
    idle: int


class ConnectionPool:
    """At most `size` connections, opened as needed; the one used last is used next."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int, *, wait_seconds: float) -> None:
        self._connect = connect
        self._size = size
        self._wait_seconds = wait_seconds
        self._in_use = 0
        self._free_places = asyncio.Semaphore(size)
        self._idle: list[tuple[Connection, float]] = []
        self._retired = False

    @property
    def use(self) -> PoolUse:
        """At this moment, for a reader in any thread."""
        return PoolUse(self._size, self._in_use, len(self._idle))

    async def run[Result](
        self, work: Callable[[Connection], Awaitable[Result]], *, trusted_seconds: float | None = None
    ) -> Result:
        """Does work on a connection. Raises TimeoutError when none becomes free in time.

        A connection that has been idle for longer than `trusted_seconds` is asked first whether it still lives, and
        replaced if it does not; None trusts every one.
        """
        await self._take_place()
        try:
            connection = await self._take(trusted_seconds)
            try:
                result = await work(connection)
            except BaseException as error:
                self._recover(connection, error)
                raise
            self._put_back(connection)
            return result
        finally:
            self._give_place_back()

    @asynccontextmanager
    async def borrow(self, *, trusted_seconds: float | None = None) -> AsyncIterator[Connection]:
        """Like `run`, for work of several steps."""
        await self._take_place()
        try:
            connection = await self._take(trusted_seconds)
            try:
                yield connection
            except BaseException as error:
                self._recover(connection, error)
                raise
            self._put_back(connection)
        finally:
            self._give_place_back()

    def forget_idle(self) -> None:
        """Drops all idle connections: where one has died the others have too, more often than not."""
        while self._idle:
            self._idle.pop()[0].terminate()

    def retire(self) -> None:
        """Drops all connections, those in use when they come back."""
        self._retired = True
        self.forget_idle()

    async def close(self) -> None:
        """Says goodbye on all idle connections."""
        while self._idle:
            connection, _ = self._idle.pop()
            with suppress(*CONNECTION_LOST, TimeoutError):
                await connection.close(timeout=1)

    async def _take_place(self) -> None:
        if self._free_places.locked():
            async with asyncio.timeout(self._wait_seconds):
                await self._free_places.acquire()
        else:
            await self._free_places.acquire()
        self._in_use += 1

    def _give_place_back(self) -> None:
        self._in_use -= 1
        self._free_places.release()

    async def _take(self, trusted_seconds: float | None) -> Connection:
        while self._idle:
            connection, since = self._idle.pop()
            if connection.is_closed():
                continue
            if trusted_seconds is None or monotonic() - since <= trusted_seconds or await is_alive(connection):
                return connection
            self.forget_idle()
        return await self._connect()

    def _recover(self, connection: Connection, error: BaseException) -> None:
        """Keeps a connection on which nothing went wrong but what was asked for."""
        if isinstance(error, asyncpg.PostgresError | ServiceError) and not isinstance(error, CONNECTION_LOST):
            self._put_back(connection)
        else:
            connection.terminate()

    def _put_back(self, connection: Connection) -> None:
        if self._retired:
            connection.terminate()
            return
        now = monotonic()
        if not connection.is_closed():
            self._idle.append((connection, now))
        oldest, since = self._idle[0] if self._idle else (connection, now)
        if now - since > _LONGEST_IDLE_SECONDS:
            del self._idle[0]
            oldest.terminate()


async def is_alive(connection: Connection) -> bool:
    """Whether the connection answers in time. One that does not is closed."""
    try:
        await connection.execute("SELECT 1", timeout=_CHECK_SECONDS)
    except (*CONNECTION_LOST, TimeoutError):
        connection.terminate()
        return False
    return True
