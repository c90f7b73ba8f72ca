"""Password hashing with bcrypt."""

import asyncio
import os
import re
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, suppress
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Final

from todo_core.accounts.fair_queue import FairQueue
from todo_core.deadlines import NotCounted

if TYPE_CHECKING:
    from passlib.context import CryptContext

_PATIENCE: Final = 5
"""A hash that has not ended after this multiple of the expected time is started again."""
_SHORT_SECONDS: Final = 0.02
"""A hash that should take less delays nobody, so that it needs no low priority."""
_BUSY_SECONDS: Final = 60
"""The time for which the machine counts as busy after a hash of low priority had to be started again."""

_MAX_WAIT_SECONDS: Final = 10
_MIN_QUEUE_LENGTH: Final = 4
_SECONDS_PER_ITERATION: Final = 60e-6
"""Estimated time of one bcrypt iteration on a server's core. The 2 ** 12 iterations of a hash take 0.25 seconds."""

_PLAIN_BCRYPT_PREFIX: Final = "$2"
_MAX_BCRYPT_BYTES: Final = 72
_ROUNDS: Final = re.compile(r"\$bcrypt-sha256\$v=2,t=2b,r=(\d+)\$|\$2[abxy]\$(\d+)\$")
_DUMMY_SALT: Final = "$2b${rounds:02}$/rZ8.mV3rJw7Z0eG3VQYre"


class PasswordHasher:
    """Hashes and verifies passwords in a thread of low priority, beside the event loop.

    One bcrypt hash takes about a quarter of a second of CPU time. On the event loop, it would block all other requests
    for as long. In the default thread pool, a few logins would occupy all cores. The thread gets only the time that
    nothing else uses. On a busy machine, a thread of normal priority hashes, see `_run`.

    Requests of clients take a `slot` of the `queue` first. `needs_sample` is True until `note_sample` was called.
    """

    def __init__(self, rounds: int) -> None:
        """`rounds` is the base-2 logarithm of the number of bcrypt iterations."""
        self._rounds = rounds
        self._slowest_rounds = rounds
        self.needs_sample = True
        self._low_priority = ThreadPoolExecutor(1, thread_name_prefix="passwords", initializer=_lower_priority)
        self._normal_priority = ThreadPoolExecutor(1, thread_name_prefix="passwords-urgent")
        self._busy_until = 0.0
        self.queue: Final = FairQueue(_max_queue_length(self._expected_seconds))

    @cached_property
    def _context(self) -> "CryptContext":
        # passlib is imported on first use: each deployed function creates a PasswordHasher, but only auth uses it.
        from passlib.context import CryptContext  # noqa: PLC0415

        # New hashes use the first scheme, bcrypt_sha256, which uses every byte of a password. Plain bcrypt, which uses
        # only the first 72 bytes, is listed to verify old hashes.
        return CryptContext(schemes=["bcrypt_sha256", "bcrypt"], deprecated="auto", bcrypt_sha256__rounds=self._rounds)

    def slot(self, *clients: str) -> AbstractAsyncContextManager[bool]:
        """Waits until the request of these clients may hash, see FairQueue.slot.

        The queue holds about ten seconds of work, and at least four requests.
        """
        return self.queue.slot(*clients)

    def note_sample(self, hashes: Iterable[str]) -> None:
        """Makes each later failed check as slow as the slowest of these stored hashes, see `verify`."""
        self.needs_sample = False
        self._slowest_rounds = max([self._slowest_rounds, *map(_find_rounds, hashes)])

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._context.hash(_encode(password)))

    async def verify(self, password: str, stored_hash: str | None) -> tuple[bool, str | None]:
        """Returns whether the password matches, and a new hash to store when `stored_hash` is outdated, else None.

        A hash is outdated when its scheme or its rounds differ from those of new hashes. Without a stored hash,
        nothing matches. All failures take equally long, with any stored hash and without one: their time does not
        reveal accounts. They take as long as the slowest hash that the process has seen.
        """
        matches = await self._run(lambda: self._verify_in_equal_time(password, stored_hash))
        if not matches or stored_hash is None or not self._context.needs_update(stored_hash):
            return matches, None
        return True, await self.hash(password)

    def _verify_in_equal_time(self, password: str, stored_hash: str | None) -> bool:
        context, secret = self._context, _encode(password)
        if stored_hash is None:
            _burn(self._slowest_rounds)
            return False
        if stored_hash.startswith(_PLAIN_BCRYPT_PREFIX):
            # Old hashes were made by versions of bcrypt that ignored the bytes after the 72nd. The current version
            # raises an error for a longer password.
            secret = secret[:_MAX_BCRYPT_BYTES]
        self._slowest_rounds = max(self._slowest_rounds, _find_rounds(stored_hash))
        if context.verify(secret, stored_hash):
            return True
        # 2**r + (2**r + 2**(r+1) + ... + 2**(s-1)) == 2**s: with these hashes, the check takes as long as one of s.
        for rounds in range(_find_rounds(stored_hash), self._slowest_rounds):
            _burn(rounds)
        return False

    async def _run[Result](self, work: Callable[[], Result]) -> Result:
        """Runs the work in the thread of low priority, and on a busy machine in the one of normal priority.

        If the first thread takes five times the expected time, the second starts the same work. The first result
        counts. For a minute, the second thread then runs all work.
        """
        started, loop = monotonic(), asyncio.get_running_loop()
        attempts: set[asyncio.Future[Result]] = set()
        with NotCounted():
            if started >= self._busy_until and self._expected_seconds >= _SHORT_SECONDS:
                attempts.add(loop.run_in_executor(self._low_priority, work))
                ended, _ = await asyncio.wait(attempts, timeout=_PATIENCE * self._expected_seconds)
                self._busy_until = 0 if ended else monotonic() + _BUSY_SECONDS
            if self._busy_until or not attempts:
                attempts.add(loop.run_in_executor(self._normal_priority, work))
            ended, others = await asyncio.wait(attempts, return_when=asyncio.FIRST_COMPLETED)
        for attempt in others:
            attempt.cancel()
        self.queue.max_waiting = _max_queue_length(max(self._expected_seconds, monotonic() - started))
        return ended.pop().result()

    @property
    def _expected_seconds(self) -> float:
        return 2.0**self._slowest_rounds * _SECONDS_PER_ITERATION


def _max_queue_length(hash_seconds: float) -> int:
    return max(_MIN_QUEUE_LENGTH, int(_MAX_WAIT_SECONDS / hash_seconds))


def _find_rounds(password_hash: str) -> int:
    found = _ROUNDS.match(password_hash)
    return int(found[1] or found[2]) if found else 0


def _burn(rounds: int) -> None:
    """Takes as long as the check of a hash of these rounds."""
    from bcrypt import hashpw  # noqa: PLC0415 - only auth hashes

    hashpw(b"", _DUMMY_SALT.format(rounds=rounds).encode())


def _encode(password: str) -> bytes:
    # Keyboards may send different code points for the same character. NFC makes them equal before hashing.
    return unicodedata.normalize("NFC", password).encode()


def _lower_priority() -> None:
    """Lets the calling thread run only while no thread of normal priority wants its core.

    A lower niceness is not enough: a request that arrives would wait for the end of the thread's slice, up to 4 ms.
    On other systems than Linux, and where it is forbidden, the priority stays as it is.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(threading.get_native_id(), os.SCHED_IDLE, os.sched_param(0))
