"""The clients of a process that wait for changes of their user."""

import asyncio
from collections.abc import Iterable
from typing import Final, Literal
from uuid import UUID

from todo_core.errors import TooBusy
from todo_core.live.errors import TooManyStreams

type WatchKind = Literal["stream", "wait"]
"""A stream, or a request that waits for the next change."""

MAX_WATCHES: Final = 1000
"""The most streams and waits of a process: half of its connections. The others stay free for requests."""


class Watch:
    """A client that waits for changes of a user. `seq` is the last change that the client has got.

    `has_ended` is true when the client should connect again, because the process stops.
    """

    __slots__ = ("_is_woken", "has_ended", "kind", "seq", "user_id")

    def __init__(self, user_id: UUID, kind: WatchKind, seq: int) -> None:
        self.user_id: Final = user_id
        self.kind: Final = kind
        self.seq = seq
        self.has_ended = False
        self._is_woken = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """Waits until there may be changes after `seq`. Returns False if the time ended before.

        Holds no connection to the database. After True, the client reads the log and then waits again.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._is_woken.wait()
        except TimeoutError:
            return False
        self._is_woken.clear()
        return True

    def wake(self) -> None:
        self._is_woken.set()

    def end(self) -> None:
        self.has_ended = True
        self.wake()


class Watchers:
    """All watches of a process, by user. A user has at most `max_per_user` of each kind."""

    def __init__(self, max_per_user: int) -> None:
        self._max_per_user = max_per_user
        self._by_user: dict[UUID, list[Watch]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def user_ids(self) -> list[UUID]:
        return list(self._by_user)

    def add(self, watch: Watch) -> None:
        """Adds a watch. Raises TooManyStreams for the user, and TooBusy for the whole process."""
        own = self._by_user.get(watch.user_id, [])
        if sum(other.kind == watch.kind for other in own) >= self._max_per_user:
            raise TooManyStreams
        if self._count >= MAX_WATCHES:
            raise TooBusy
        self._by_user.setdefault(watch.user_id, own).append(watch)
        self._count += 1

    def remove(self, watch: Watch) -> None:
        own = self._by_user[watch.user_id]
        own.remove(watch)
        self._count -= 1
        if not own:
            del self._by_user[watch.user_id]

    def wake(self, user_id: UUID) -> None:
        for watch in self._by_user.get(user_id, ()):
            watch.wake()

    def wake_behind(self, last_seqs: Iterable[tuple[UUID, int]]) -> None:
        """Wakes the watches that have not got the latest change of their user."""
        for user_id, last_seq in last_seqs:
            for watch in self._by_user.get(user_id, ()):
                if watch.seq < last_seq:
                    watch.wake()

    def end_all(self) -> None:
        for own in self._by_user.values():
            for watch in own:
                watch.end()
