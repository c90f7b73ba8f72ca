"""Queues in which the writes of an owner wait for each other, before they take a connection.

The database runs the writes of a user one after the other anyway, under the lock of the change log. A write that waited
for that lock would hold a connection meanwhile.
"""

import asyncio
from collections import deque
from typing import Final

from todo_core.clients import Owner
from todo_core.deadlines import limit_wait
from todo_core.errors import DatabaseUnavailable, RateLimited
from todo_core.workload import waiting

_MAX_WAITING: Final = 100
_MAX_WAIT_SECONDS: Final = 10.0


class _Queue:
    """The task that writes now, and the waiting tasks, the longest waiting first. `ended` counts writes that ended."""

    __slots__ = ("ended", "waiting", "writer")

    def __init__(self, writer: asyncio.Task[object] | None) -> None:
        self.writer = writer
        self.ended = 0
        self.waiting: deque[asyncio.Future[None]] = deque()


class WriteQueues:
    """One queue for each owner that writes at the moment. Work without an owner does not queue."""

    def __init__(self) -> None:
        self._queues: dict[Owner, _Queue] = {}

    def __len__(self) -> int:
        return len(self._queues)

    async def enter(self, owner: Owner | None) -> None:
        """Waits until the owner's earlier writes have ended. The caller must call `leave` at the end of the write.

        Raises RateLimited when 100 writes wait already, after 10 seconds, and at the end of the request. But raises
        DatabaseUnavailable if no write of the owner ended meanwhile. Raises RuntimeError for a write inside a write of
        the same task, which would wait for itself.
        """
        if owner is None:
            return
        task = asyncio.current_task()
        queue = self._queues.get(owner)
        if queue is None:
            self._queues[owner] = _Queue(task)
            return
        if queue.writer is task:
            raise RuntimeError("A write inside a transaction must run on the transaction")
        if len(queue.waiting) >= _MAX_WAITING:
            raise _too_many_writes()
        await self._wait(owner, queue)
        queue.writer = task

    def leave(self, owner: Owner | None) -> None:
        """Ends the write of the owner, and lets the next one begin."""
        if owner is None:
            return
        queue = self._queues[owner]
        queue.writer = None
        queue.ended += 1
        while queue.waiting:
            waiter = queue.waiting.popleft()
            if not waiter.done():
                # The queue stays for the next writer, so that a new write cannot overtake it.
                waiter.set_result(None)
                return
        del self._queues[owner]

    async def _wait(self, owner: Owner, queue: _Queue) -> None:
        waiter = asyncio.get_running_loop().create_future()
        queue.waiting.append(waiter)
        ended_before = queue.ended
        try:
            with waiting():
                async with asyncio.timeout(limit_wait(_MAX_WAIT_SECONDS)):
                    await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # The write was admitted at the moment of the timeout or of the task's cancellation.
                self.leave(owner)
            elif waiter in queue.waiting:
                queue.waiting.remove(waiter)
            if isinstance(error, TimeoutError):
                has_advanced = queue.ended > ended_before
                raise (_too_many_writes() if has_advanced else DatabaseUnavailable) from None
            raise


def _too_many_writes() -> RateLimited:
    return RateLimited("Too many of your changes are waiting for each other; send fewer at a time.")
