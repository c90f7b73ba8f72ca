"""Passwords and session tokens."""

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Final
from uuid import UUID

from jose import JWTError, jwt

from todo_core.errors import NotAuthenticated, TooBusy

if TYPE_CHECKING:
    from passlib.context import CryptContext

_ALGORITHM: Final = "HS256"
_ISSUER: Final = "todo-backend"
_PASSWORD_NICENESS: Final = 5
"""Leaves it a quarter of a core that something else keeps busy; the lowest priority would leave next to nothing."""
_LOWEST_PRIORITY: Final = 19
_LONGEST_WAIT_SECONDS: Final = 10
_SECONDS_PER_ITERATION: Final = 60e-6
"""Of bcrypt on a core of a usual server, which makes a quarter of a second of its default factor."""
_PLAIN_BCRYPT: Final = "$2"
_BCRYPT_BYTES: Final = 72
_NOBODYS_HASH: Final = "$bcrypt-sha256$v=2,t=2b,r={rounds}$/rZ8.mV3rJw7Z0eG3VQYre$.esZT2nl1qSTycPJjMblfTFr4atTrPm"
"""Stands in for the hash of an account that does not exist: as dear to check as a real one, and never right."""


class Passwords:
    """Hashes and verifies passwords, one at a time, in a thread that gives way to everything else.

    bcrypt takes a quarter of a second of CPU on purpose. On the event loop it would stop all requests for that
    long, and in the default thread pool a few logins would take the cores from them. Whoever would wait for more than
    some ten seconds is sent away with TooBusy.
    """

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._nobodys_hash = _NOBODYS_HASH.format(rounds=rounds)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords", initializer=_give_way)
        self._usual_seconds = 2**rounds * _SECONDS_PER_ITERATION
        self._last_seconds = 0.0
        self._in_line = 0

    @cached_property
    def _context(self) -> "CryptContext":
        # Every function of the service has this class, and only one of them has passwords.
        from passlib.context import CryptContext  # noqa: PLC0415

        # bcrypt alone reads no further than byte 72; bcrypt_sha256 makes every byte count.
        return CryptContext(schemes=["bcrypt_sha256", "bcrypt"], deprecated="auto", bcrypt_sha256__rounds=self._rounds)

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._context.hash(_secret(password)))

    async def verify(self, password: str, stored_hash: str | None) -> tuple[bool, str | None]:
        """Whether the password fits, and a new hash to store if the old one's scheme or factor is outdated.

        Without a stored hash it takes the same time and never fits.
        """
        known_hash = stored_hash or self._nobodys_hash
        secret = _secret(password)
        if known_hash.startswith(_PLAIN_BCRYPT):
            # It never read any further; today's library refuses to be given more.
            secret = secret[:_BCRYPT_BYTES]
        fits = await self._run(lambda: self._context.verify(secret, known_hash))
        if not fits or stored_hash is None:
            return False, None
        return True, await self._renewed(password, stored_hash)

    async def _renewed(self, password: str, stored_hash: str) -> str | None:
        if not self._context.needs_update(stored_hash):
            return None
        with suppress(TooBusy):  # the next login will do as well
            return await self.hash(password)
        return None

    async def _run[Result](self, work: Callable[[], Result]) -> Result:
        if self._in_line * max(self._usual_seconds, self._last_seconds) > _LONGEST_WAIT_SECONDS:
            raise TooBusy
        self._in_line += 1
        try:
            loop = asyncio.get_running_loop()
            result, self._last_seconds = await loop.run_in_executor(self._thread, _timed, work)
        finally:
            self._in_line -= 1
        return result


def _timed[Result](work: Callable[[], Result]) -> tuple[Result, float]:
    started = perf_counter()
    return work(), perf_counter() - started


def _secret(password: str) -> bytes:
    """The same password typed on two keyboards may come as different sequences of code points."""
    return unicodedata.normalize("NFC", password).encode()


def _give_way() -> None:
    if sys.platform == "linux":
        # Linux alone takes a thread's id here; elsewhere this would slow the whole process down.
        thread = threading.get_native_id()
        niceness = os.getpriority(os.PRIO_PROCESS, thread) + _PASSWORD_NICENESS
        os.setpriority(os.PRIO_PROCESS, thread, min(niceness, _LOWEST_PRIORITY))


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified session token says."""

    user_id: UUID
    session_id: UUID
    issued_at: datetime
    expires_at: datetime

    @property
    def half_over(self) -> bool:
        return datetime.now(UTC) - self.issued_at > (self.expires_at - self.issued_at) / 2


class Tokens:
    """Signs session tokens with the first key and accepts those that any key has signed."""

    def __init__(self, keys: Sequence[str], lifetime: timedelta) -> None:
        self._keys = tuple(keys)
        self.lifetime = lifetime

    def sign(self, user_id: UUID, session_id: UUID) -> str:
        now = datetime.now(UTC)
        claims = {
            "iss": _ISSUER,
            "sub": str(user_id),
            "sid": str(session_id),
            "iat": now,
            "exp": now + self.lifetime,
        }
        return jwt.encode(claims, self._keys[0], algorithm=_ALGORITHM)

    def verify(self, token: str) -> Claims:
        """Raises NotAuthenticated for a token that is malformed, expired or signed by someone else."""
        claims = self.verify_even_if_expired(token)
        if claims.expires_at > datetime.now(UTC):
            return claims
        raise NotAuthenticated

    def verify_even_if_expired(self, token: str) -> Claims:
        """Raises NotAuthenticated for a token that is malformed or signed by someone else."""
        for key in self._keys:
            with suppress(JWTError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
                return _claims(token, key)
        raise NotAuthenticated


@lru_cache(maxsize=4096)
def _claims(token: str, key: str) -> Claims:
    # Kept, because a signature that was right once stays right; what time changes is checked by the caller.
    # Everything is required here because python-jose takes a missing claim for a valid one; `exp` by being read below.
    claims = jwt.decode(
        token,
        key,
        algorithms=[_ALGORITHM],
        issuer=_ISSUER,
        options={
            "verify_exp": False,
            "require_iat": True,
            "require_iss": True,
            "require_sub": True,
        },
    )
    return Claims(
        user_id=UUID(claims["sub"]),
        session_id=UUID(claims["sid"]),
        issued_at=datetime.fromtimestamp(claims["iat"], UTC),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )
