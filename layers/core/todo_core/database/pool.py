"""A pool of asyncpg connections with little overhead per statement.

asyncpg's own pool resets each released connection, which takes as long as a query of one row. This service never
changes the state of a database session, so connections return to the pool without a reset. They also return after an
SQL error or an error of this service. After other failures (a cancelled request, a network error) they are closed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from math import inf
from time import monotonic
from typing import Final
from uuid import uuid4

import asyncpg
from msgspec import Struct

from todo_core.clients import Owner, find_owner
from todo_core.database.fair_slots import FairSlots
from todo_core.database.lost_connections import DRIVER_ERRORS, Connection, ConnectionLost, is_lost
from todo_core.deadlines import limit_statement, limit_wait
from todo_core.errors import ServiceError

_MAX_IDLE_SECONDS: Final = 300.0
_CHECK_TIMEOUT_SECONDS: Final = 2.0
_CANCEL_TIMEOUT_SECONDS: Final = 2.0


class UniquelyNamedConnection(asyncpg.Connection):
    """A connection whose prepared statements have names that are unique across processes.

    asyncpg itself numbers the names from one in every process. A pooler without support for prepared statements passes
    one server connection from process to process. A name such as "statement 3" could then run another process's
    statement.
    """

    def _get_unique_id(self, prefix: str) -> str:
        return f"{prefix}_{uuid4().hex}"


class PoolUse(Struct, frozen=True):
    """The maximum number of connections, the numbers in use and idle, and the number of tasks that wait for one.

    `uses` counts the statements and transactions since the start of the pool. `use_seconds` sums their time on a
    connection, with the time to open or check it.
    """

    size: int
    in_use: int
    idle: int
    waiting: int
    uses: int
    use_seconds: float


class ConnectionPool:
    """Opens at most `size` connections, each when it is needed. Of the idle ones, the last used is taken first.

    The owner of the current task's work gets at most a third of the connections.

    `answered_at` is the time of the database's last answer, by the monotonic clock.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int, *, wait_seconds: float) -> None:
        self._connect = connect
        self._size = size
        self._wait_seconds = wait_seconds
        self._slots = FairSlots(size)
        self._idle: list[tuple[Connection, float]] = []
        self._retired = False
        self.answered_at = -inf
        self._closing: set[asyncio.Task[None]] = set()
        self._uses = 0
        self._use_seconds = 0.0

    @property
    def use(self) -> PoolUse:
        """The current numbers of connections. Any thread may read them."""
        slots = self._slots
        return PoolUse(self._size, slots.in_use, len(self._idle), slots.waiting, self._uses, self._use_seconds)

    async def run[Result](
        self, work: Callable[[Connection], Awaitable[Result]], *, trusted_seconds: float | None = None
    ) -> Result:
        """Runs `work` on a connection. Raises TimeoutError when none becomes free within `wait_seconds`.

        Raises RateLimited instead when the owner's own work has all connections that the owner may have.
        Raises ConnectionLost when the connection is lost meanwhile.

        A connection that was idle for longer than `trusted_seconds` is first checked by a query. It is replaced if it
        is lost. When `trusted_seconds` is None, no connection is checked.
        """
        owner = await self._acquire_slot()
        since = monotonic()
        try:
            connection = await self._take_connection(trusted_seconds)
            try:
                result = await work(connection)
            except BaseException as error:
                self._return_or_close(connection, error)
                raise
            self._return_connection(connection)
            return result
        finally:
            self._release_slot(owner, since)

    @asynccontextmanager
    async def borrow(self, *, trusted_seconds: float | None = None) -> AsyncIterator[Connection]:
        """Yields a connection for a block of several statements. Checks and errors are handled as in `run`."""
        owner = await self._acquire_slot()
        since = monotonic()
        try:
            connection = await self._take_connection(trusted_seconds)
            try:
                yield connection
            except BaseException as error:
                self._return_or_close(connection, error)
                raise
            self._return_connection(connection)
        finally:
            self._release_slot(owner, since)

    def close_idle(self) -> None:
        """Closes all idle connections without a message to the server.

        Used after the loss of one connection, because most idle ones are then lost too.
        """
        while self._idle:
            self._idle.pop()[0].terminate()

    def retire(self) -> None:
        """Closes idle connections now, and each connection in use as soon as it is returned."""
        self._retired = True
        self.close_idle()

    async def close(self) -> None:
        """Closes all idle connections with the protocol's Terminate message."""
        while self._idle:
            connection, _ = self._idle.pop()
            with suppress(*DRIVER_ERRORS):
                await connection.close(timeout=1)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _acquire_slot(self) -> Owner | None:
        """Takes a slot for the owner of the current task's work, and returns this owner."""
        owner = find_owner()
        if not self._slots.try_acquire(owner):
            await self._slots.acquire(owner, seconds=limit_wait(self._wait_seconds))
        return owner

    def _release_slot(self, owner: Owner | None, since: float) -> None:
        self._slots.release(owner)
        self._uses += 1
        self._use_seconds += monotonic() - since

    async def _take_connection(self, trusted_seconds: float | None) -> Connection:
        while self._idle:
            connection, since = self._idle.pop()
            if connection.is_closed():
                continue
            if trusted_seconds is None or monotonic() - since <= trusted_seconds or await is_alive(connection):
                return connection
            self.close_idle()
        return await self._connect()

    def _return_or_close(self, connection: Connection, error: BaseException) -> None:
        """Returns the connection to the pool after an SQL error or a ServiceError, and closes it after other errors.

        Raises ConnectionLost if the error means a lost connection.
        """
        if is_lost(connection, error):
            connection.terminate()
            raise ConnectionLost from error
        if isinstance(error, asyncpg.PostgresError | ServiceError):
            self._return_connection(connection)
        else:
            self._cancel_and_close(connection)

    def _cancel_and_close(self, connection: Connection) -> None:
        """Closes a connection whose statement was cancelled, when PostgreSQL has been told to stop the statement."""

        async def close() -> None:
            with suppress(*DRIVER_ERRORS):
                await connection.close(timeout=_CANCEL_TIMEOUT_SECONDS)

        task = asyncio.get_running_loop().create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _return_connection(self, connection: Connection) -> None:
        if self._retired:
            connection.terminate()
            return
        self.answered_at = now = monotonic()
        if not connection.is_closed():
            self._idle.append((connection, now))
        oldest, since = self._idle[0] if self._idle else (connection, now)
        if now - since > _MAX_IDLE_SECONDS:
            del self._idle[0]
            oldest.terminate()


async def is_alive(connection: Connection) -> bool:
    """Sends a query and returns True if the answer arrives within 2 seconds. Otherwise closes the connection.

    Returns False for a closed connection, so that the caller takes another one.
    """
    try:
        await connection.execute("SELECT 1", timeout=limit_statement(_CHECK_TIMEOUT_SECONDS))
    except DRIVER_ERRORS:
        connection.terminate()
        return False
    return True
