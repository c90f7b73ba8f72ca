"""Tells the watches of a process that their users have changes.

A container listens to the database. On Lambda, without a direct URL, and while the listener connects, it asks instead:
once a second, with one statement for all users who are waited for.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

from todo_core.database.executor import Database, Row
from todo_core.database.lost_connections import Connection
from todo_core.database.postgres_url import PostgresUrl
from todo_core.database.statements import Statement
from todo_core.errors import ServiceError
from todo_core.live.following import follow
from todo_core.live.listener import Listener
from todo_core.live.watchers import Watch, Watchers, WatchKind
from todo_core.logs import format_stack, log

LIVE_CHANGES: Final = "live_changes"
"""The name of the object in the state of the lifespan, where the HTTP protocol finds it."""

_POLL_SECONDS: Final = 1.0
_FOLLOWED_SECONDS: Final = 300.0
_RENEWED_SECONDS: Final = 120.0
"""The rest of the followed time at which it is renewed: more than the time between two renewals of a watch."""
_MAX_FOLLOWED: Final = 4096

_SELECT_LAST_SEQS: Final = Statement("SELECT user_id, last_seq FROM account_usage WHERE user_id = ANY(:user_ids)")


class LiveChanges:
    """The watches of a process, and the ways in which it hears of changes. A user may have a few of each kind."""

    def __init__(self, db: Database, *, max_per_user: int) -> None:
        self._db = db
        self._watchers = Watchers(max_per_user)
        self._callbacks: list[Callable[[UUID], None]] = []
        self._listener: Listener | None = None
        self._polling: asyncio.Task[None] | None = None
        self._followed_until: dict[UUID, float] = {}
        self._is_stopping = False

    @property
    def count(self) -> int:
        """The number of streams and of requests that wait for a change."""
        return len(self._watchers)

    @property
    def is_listening(self) -> bool:
        return self._listener is not None and self._listener.is_listening

    def on_change(self, callback: Callable[[UUID], None]) -> None:
        """Registers a function to call with the id of each followed user who has changes, if the process listens.

        A change may be missed while the process connects. So the caller needs a look of its own from time to time.
        """
        self._callbacks.append(callback)
        self._update_listener()

    def off_change(self, callback: Callable[[UUID], None]) -> None:
        """Ends what `on_change` has begun."""
        self._callbacks.remove(callback)
        self._update_listener()

    @asynccontextmanager
    async def listening(self, url: PostgresUrl | None) -> AsyncIterator[None]:
        """Listens to the database at a direct URL during the block, and ends all watches after it.

        Without a URL, the process asks once a second.
        """
        self._is_stopping = False
        tasks = []
        if url is not None:
            self._listener = Listener(url, self._note, self._look_on)
            self._update_listener()
            tasks.append(asyncio.create_task(self._listener.run()))
        try:
            yield
        finally:
            self.end_watches()
            self._listener = None
            for task in [*tasks, *([self._polling] if self._polling else [])]:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    def end_watches(self) -> None:
        """Asks all clients that wait to connect again, because the process stops. Later ones do not wait."""
        self._is_stopping = True
        self._watchers.end_all()

    @asynccontextmanager
    async def watch(self, user_id: UUID, kind: WatchKind, seq: int) -> AsyncIterator[Watch]:
        """Yields a watch for the changes of a user after `seq`. It misses no change that is not yet in the log.

        Raises TooManyStreams, TooBusy and DatabaseUnavailable.
        """
        watch = Watch(user_id, kind, seq)
        self._watchers.add(watch)
        if self._is_stopping:
            watch.end()
        self._update_listener()
        self._begin_polling()
        try:
            await self.keep_following(user_id)
            yield watch
        finally:
            self._watchers.remove(watch)
            self._update_listener()

    async def keep_following(self, user_id: UUID) -> None:
        """Follows the user for some more minutes if this process listens. A watch that lasts calls it every minute.

        Raises DatabaseUnavailable.
        """
        now = monotonic()
        if self._listener is None or self._followed_until.get(user_id, now) - now > _RENEWED_SECONDS:
            return
        await follow(self._db, user_id, datetime.now(UTC) + timedelta(seconds=_FOLLOWED_SECONDS))
        if len(self._followed_until) >= _MAX_FOLLOWED:
            self._followed_until.clear()
        self._followed_until[user_id] = now + _FOLLOWED_SECONDS

    def _update_listener(self) -> None:
        if self._listener is not None:
            self._listener.set_wanted(is_wanted=bool(self._callbacks) or len(self._watchers) > 0)

    def _note(self, user_id: UUID) -> None:
        self._watchers.wake(user_id)
        for callback in self._callbacks:
            callback(user_id)

    def _begin_polling(self) -> None:
        if self._polling is None or self._polling.done():
            # In an empty context: the task outlives the request that begins it, and has neither its deadline nor its
            # client.
            self._polling = asyncio.create_task(self._poll(), context=Context())

    async def _poll(self) -> None:
        """Asks for changes every second while clients wait and the process does not listen."""
        while len(self._watchers):
            if not self.is_listening:
                try:
                    rows = await self._db.fetch_all(_SELECT_LAST_SEQS, user_ids=self._watchers.user_ids)
                    self._wake_behind(rows)
                except ServiceError:
                    pass  # the database is away
                except Exception as error:  # noqa: BLE001 - the clients wait for the next second
                    log.error("The latest changes cannot be read", extra={"error": format_stack(error)})
            await asyncio.sleep(_POLL_SECONDS)

    async def _look_on(self, connection: Connection) -> None:
        """Looks at the latest changes on the connection of the listener. Asks nothing if nobody waits."""
        if user_ids := self._watchers.user_ids:
            self._wake_behind(await connection.fetch(_SELECT_LAST_SEQS.sql, user_ids))

    def _wake_behind(self, rows: Sequence[Row]) -> None:
        self._watchers.wake_behind((row["user_id"], row["last_seq"]) for row in rows)
