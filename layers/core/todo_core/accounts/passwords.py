"""Password hashing with bcrypt."""

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Final

from todo_core.errors import TooBusy

if TYPE_CHECKING:
    from passlib.context import CryptContext

_NICENESS_INCREMENT: Final = 5
"""Added to the niceness of the hashing thread.

On a core that other work keeps busy, the thread then gets a quarter of the time. The maximum niceness
would leave the thread almost nothing.
"""
_MAX_NICENESS: Final = 19
_MAX_WAIT_SECONDS: Final = 10
_SECONDS_PER_ITERATION: Final = 60e-6
"""Estimated time of one bcrypt iteration on a server's core. The 2 ** 12 iterations of a hash take 0.25 seconds."""
_PLAIN_BCRYPT_PREFIX: Final = "$2"
_MAX_BCRYPT_BYTES: Final = 72
_DUMMY_HASH: Final = "$bcrypt-sha256$v=2,t=2b,r={rounds}$/rZ8.mV3rJw7Z0eG3VQYre$.esZT2nl1qSTycPJjMblfTFr4atTrPm"
"""Checked when an account does not exist: as slow to check as a stored hash, and no password matches.

So the time of a failed login does not reveal whether the account exists.
"""


class PasswordHasher:
    """Hashes and verifies passwords, one at a time, in a thread of low priority.

    One bcrypt hash takes about a quarter of a second of CPU time. On the event loop, it would block all other requests
    for as long. In the default thread pool, a few logins would occupy all cores.

    Raises TooBusy for a password that would wait more than about ten seconds for the thread.
    """

    def __init__(self, rounds: int) -> None:
        """`rounds` is the base-2 logarithm of the number of bcrypt iterations."""
        self._rounds = rounds
        self._dummy_hash = _DUMMY_HASH.format(rounds=rounds)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords", initializer=_lower_priority)
        self._expected_seconds = 2**rounds * _SECONDS_PER_ITERATION
        self._last_seconds = 0.0
        self._queue_length = 0

    @cached_property
    def _context(self) -> "CryptContext":
        # passlib is imported on first use: each deployed function creates a PasswordHasher, but only auth uses it.
        from passlib.context import CryptContext  # noqa: PLC0415

        # New hashes use the first scheme, bcrypt_sha256, which uses every byte of a password. Plain bcrypt, which uses
        # only the first 72 bytes, is listed to verify old hashes.
        return CryptContext(schemes=["bcrypt_sha256", "bcrypt"], deprecated="auto", bcrypt_sha256__rounds=self._rounds)

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._context.hash(_encode(password)))

    async def verify(self, password: str, stored_hash: str | None) -> tuple[bool, str | None]:
        """Returns whether the password matches, and a new hash to store when `stored_hash` is outdated, else None.

        A hash is outdated when its scheme or its rounds differ from those of new hashes. Without a stored hash, the
        check takes as long as with one and never matches.
        """
        known_hash = stored_hash or self._dummy_hash
        secret = _encode(password)
        if known_hash.startswith(_PLAIN_BCRYPT_PREFIX):
            # Old hashes were made by versions of bcrypt that ignored the bytes after the 72nd. The current version
            # raises an error for a longer password.
            secret = secret[:_MAX_BCRYPT_BYTES]
        matches = await self._run(lambda: self._context.verify(secret, known_hash))
        if not matches or stored_hash is None:
            return False, None
        return True, await self._rehash_if_outdated(password, stored_hash)

    async def _rehash_if_outdated(self, password: str, stored_hash: str) -> str | None:
        if not self._context.needs_update(stored_hash):
            return None
        # When the thread is too busy, the outdated hash stays until the next login.
        with suppress(TooBusy):
            return await self.hash(password)
        return None

    async def _run[Result](self, work: Callable[[], Result]) -> Result:
        if self._queue_length * max(self._expected_seconds, self._last_seconds) > _MAX_WAIT_SECONDS:
            raise TooBusy
        self._queue_length += 1
        try:
            loop = asyncio.get_running_loop()
            result, self._last_seconds = await loop.run_in_executor(self._thread, _run_timed, work)
        finally:
            self._queue_length -= 1
        return result


def _run_timed[Result](work: Callable[[], Result]) -> tuple[Result, float]:
    """Returns the result of the work and the seconds that the work took."""
    started = perf_counter()
    return work(), perf_counter() - started


def _encode(password: str) -> bytes:
    # Keyboards may send different code points for the same character. NFC makes them equal before hashing.
    return unicodedata.normalize("NFC", password).encode()


def _lower_priority() -> None:
    if sys.platform == "linux":
        # On Linux each thread has its own niceness. Elsewhere a lower priority would slow down the whole process.
        thread = threading.get_native_id()
        niceness = os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS_INCREMENT
        os.setpriority(os.PRIO_PROCESS, thread, min(niceness, _MAX_NICENESS))
