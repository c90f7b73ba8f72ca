"""The end of what is kept for a time only: the trash, idempotency keys, sessions, and what was tried too often."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from todo_core.accounts import rate_limits, sessions
from todo_core.database import idempotency
from todo_core.database.executor import Database
from todo_core.todos import trash

_CHUNK: Final = 500
"""Rows in a transaction: enough to be quick, too few for their owner to notice."""
_SECONDS_OF_A_CHUNK: Final = 20.0
"""More than a statement may take. What could be cut off in the middle is not begun."""


class _Sweep(Protocol):
    async def __call__(self, db: Database, *, limit: int) -> int: ...


_SWEEPS: Final[dict[str, _Sweep]] = {
    "idempotency_keys": idempotency.delete_expired,
    "sessions": sessions.delete_expired,
    "attempts": rate_limits.delete_expired,
    "todos": trash.purge,
}
"""The trash last: it alone may be so much that the time runs out."""


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows of each kind are gone, and whether that were all."""

    rows: dict[str, int]
    complete: bool


async def purge(db: Database, *, seconds_left: Callable[[], float]) -> Purged:
    """Takes away what has expired, in chunks, as long as there is time for one more. The next run goes on from there;
    several at once do no harm.
    """
    rows = dict.fromkeys(_SWEEPS, 0)
    for kind, delete_expired in _SWEEPS.items():
        while True:
            if seconds_left() < _SECONDS_OF_A_CHUNK:
                return Purged(rows, complete=False)
            swept = await delete_expired(db, limit=_CHUNK)
            rows[kind] += swept
            if not swept:
                break
    return Purged(rows, complete=True)
