"""The connection on which a process hears of changes, by LISTEN.

PostgreSQL sends notifications only to connections that are open at that moment. So each new connection begins with a
look at the latest changes of all users who are waited for. The look is repeated, to notice that the network is gone.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Final
from uuid import UUID

import asyncpg

from todo_core.database.lost_connections import DRIVER_ERRORS, Connection
from todo_core.database.postgres_url import PostgresUrl
from todo_core.live.following import CHANNEL
from todo_core.logs import log

_CONNECT_SECONDS: Final = 10.0
_STATEMENT_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 15.0
"""Time between two looks at the latest changes. After this time and a statement's, a dead connection is noticed."""
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 10.0

type Look = Callable[[Connection], Awaitable[None]]


class Listener:
    """Listens on one direct connection while it is wanted, and connects again after errors.

    Calls `on_change` with the id of each user who has changes. Calls `look` with the connection when it listens, and
    every 15 seconds. The look finds changes that were not notified to this connection.
    """

    def __init__(self, url: PostgresUrl, on_change: Callable[[UUID], None], look: Look) -> None:
        self._url = url
        self._on_change = on_change
        self._look = look
        self._is_wanted = asyncio.Event()
        self.is_listening = False

    def set_wanted(self, *, is_wanted: bool) -> None:
        """Connects soon, or closes the connection within 15 seconds: an open one keeps a database at Neon awake."""
        if is_wanted:
            self._is_wanted.set()
        else:
            self._is_wanted.clear()

    async def run(self) -> None:
        """Listens until the task is cancelled."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            await self._is_wanted.wait()
            began = monotonic()
            try:
                async with self._connected() as connection:
                    await self._listen(connection)
            except Exception as error:  # noqa: BLE001 - the process must hear of changes in the next minutes
                log.warning("Changes are asked for once a second: LISTEN has failed: %s", type(error).__name__)
            lasted = monotonic() - began > _LOOK_SECONDS
            pause = _FIRST_PAUSE_SECONDS if lasted else min(2 * pause, _LONGEST_PAUSE_SECONDS)
            # Many processes lose their connections at the same moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - not a secret

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(
            self._url.dsn,
            ssl=self._url.ssl,
            timeout=_CONNECT_SECONDS,
            command_timeout=_STATEMENT_SECONDS,
            statement_cache_size=0,
            server_settings={"application_name": "todo-backend-listener"},
        )
        try:
            yield connection
        finally:
            with suppress(*DRIVER_ERRORS):
                await connection.close(timeout=1)

    async def _listen(self, connection: Connection) -> None:
        """Listens until the connection ends or is not wanted. Raises an error of the driver if a look fails."""
        is_lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: is_lost.set())
        await connection.add_listener(CHANNEL, self._hear)
        self.is_listening = True
        try:
            while self._is_wanted.is_set() and not is_lost.is_set():
                await self._look(connection)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await is_lost.wait()
        finally:
            self.is_listening = False

    def _hear(self, _connection: object, _process: int, _channel: str, payload: object) -> None:
        with suppress(ValueError):  # any role of the database may notify any text
            self._on_change(UUID(str(payload)))
