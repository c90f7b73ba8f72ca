"""Slots that owners share fairly: one owner gets at most a third of them, and waiting owners alternate."""

import asyncio
from collections import deque
from contextlib import nullcontext
from typing import Final

from msgspec import Struct, field

from todo_core.clients import Owner
from todo_core.errors import RateLimited
from todo_core.workload import waiting

_OWNERS_AT_FULL_SHARE: Final = 3
"""The number of owners that together can take all slots."""


class FairSlots:
    """A number of slots. Work without an owner, such as a purge, may take all of them.

    Whenever a slot is free, each waiting owner holds its full share already. So a new owner never overtakes another.
    """

    def __init__(self, size: int) -> None:
        self._free = size
        self._size = size
        self._share = -(-size // _OWNERS_AT_FULL_SHARE)
        self._held: dict[Owner | None, int] = {}
        # The owners in the order in which they get a slot. Each has its waiting tasks, the longest waiting first.
        self._waiting: dict[Owner | None, _Line] = {}

    @property
    def in_use(self) -> int:
        """The number of taken slots. Any thread may read it."""
        return self._size - self._free

    @property
    def waiting(self) -> int:
        """The number of tasks that wait for a slot. Any thread may read it."""
        return sum(len(line.waiters) for line in list(self._waiting.values()))

    def try_acquire(self, owner: Owner | None) -> bool:
        """Takes a slot if one is free and the owner may have one more. Returns False otherwise."""
        if self._free and self._may_take(owner):
            self._take(owner)
            return True
        return False

    async def acquire(self, owner: Owner | None, *, seconds: float) -> None:
        """Takes a slot, for which it waits at most some seconds.

        Raises RateLimited when the owner itself then holds its full share, and otherwise TimeoutError. Raises
        TimeoutError too if the owner returned no slot meanwhile: its work hangs.
        """
        if self.try_acquire(owner):
            return
        waiter = asyncio.get_running_loop().create_future()
        line = self._waiting.setdefault(owner, _Line())
        line.waiters.append(waiter)
        returned_before = line.returned
        try:
            # An owner at its full share waits for its own work only.
            with nullcontext() if self._may_take(owner) else waiting():
                async with asyncio.timeout(seconds):
                    await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # The slot was given at the moment of the timeout or of the task's cancellation.
                self.release(owner)
            else:
                self._forget(owner, waiter)
            has_advanced = line.returned > returned_before
            if isinstance(error, TimeoutError) and has_advanced and not self._may_take(owner):
                raise RateLimited(
                    "Too many of your requests are waiting for the database; send fewer at a time."
                ) from None
            raise

    def release(self, owner: Owner | None) -> None:
        """Returns a slot of the owner, and gives it to the first waiting owner that may take it."""
        held = self._held[owner] - 1
        if held:
            self._held[owner] = held
        else:
            del self._held[owner]
        self._free += 1
        if self._waiting:
            if owner in self._waiting:
                self._waiting[owner].returned += 1
            self._give()

    def _may_take(self, owner: Owner | None) -> bool:
        return owner is None or self._held.get(owner, 0) < self._share

    def _take(self, owner: Owner | None) -> None:
        self._free -= 1
        self._held[owner] = self._held.get(owner, 0) + 1

    def _give(self) -> None:
        """Gives each free slot to the first waiting owner that may take one. This owner is then the last."""
        while self._free:
            for owner in self._waiting:
                if self._may_take(owner):
                    break
            else:
                return
            line = self._waiting.pop(owner)
            waiter = line.waiters.popleft()
            if line.waiters:
                self._waiting[owner] = line
            if not waiter.done():
                self._take(owner)
                waiter.set_result(None)

    def _forget(self, owner: Owner | None, waiter: asyncio.Future[None]) -> None:
        line = self._waiting.get(owner)
        if line is not None and waiter in line.waiters:
            line.waiters.remove(waiter)
            if not line.waiters:
                del self._waiting[owner]


class _Line(Struct):
    """The waiting tasks of an owner, the longest waiting first. `returned` counts slots that it returned meanwhile."""

    waiters: deque[asyncio.Future[None]] = field(default_factory=deque)
    returned: int = 0
