"""Limits on what may be tried, counted in the database so that they hold across instances.

What is counted before the work that it limits cannot find more room than there is, however much is tried at once. Where
only failures count, one asks for room before the work, and again before a success is told: by then others may have
failed, and what is not told helps nobody to guess.
"""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from todo_core.accounts.errors import TooManyAttempts
from todo_core.database.executor import Database, Row
from todo_core.database.statements import Statement

_COUNT = Statement("""
    WITH tried AS (
        INSERT INTO attempts AS known (key, count, expires_at)
        SELECT key, 1, now() + CAST(:window AS interval) FROM unnest(CAST(:keys AS text[])) AS key
        ON CONFLICT (key) DO UPDATE SET
            count = CASE WHEN known.expires_at <= now() THEN 1 ELSE known.count + 1 END,
            expires_at = CASE WHEN known.expires_at <= now() THEN excluded.expires_at ELSE known.expires_at END
        RETURNING key, count, expires_at
    )
    SELECT
        ceil(extract(epoch FROM max(expires_at) FILTER (WHERE count > most) - now()))::int AS seconds,
        bool_or(count = 1) AS any_new
    FROM tried JOIN unnest(CAST(:keys AS text[]), CAST(:limits AS int[])) AS allowed (key, most) USING (key)
""")
# Locked, so that it waits its turn behind the failures that are being counted, and sorted as those are.
_ROOM = Statement("""
    WITH known AS (
        SELECT key, count, expires_at FROM attempts
        WHERE key = ANY(CAST(:keys AS text[])) AND expires_at > now()
        ORDER BY key COLLATE "C" FOR UPDATE
    )
    SELECT ceil(extract(epoch FROM max(expires_at) - now()))::int AS seconds
    FROM known JOIN unnest(CAST(:keys AS text[]), CAST(:limits AS int[])) AS allowed (key, most) USING (key)
    WHERE count >= most
""")
_CLEAR = Statement("DELETE FROM attempts WHERE key = :of_key")
_SWEEP = Statement("""
    DELETE FROM attempts WHERE key IN (
        SELECT key FROM attempts WHERE expires_at <= now() LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING key
""")
_SWEPT_BESIDE: Final = 100


async def count(db: Database, limits: Mapping[str, int], window: timedelta) -> None:
    """Counts one attempt under each key of `limits`. Windows begin with the first attempt under a key, which also
    forgets some whose window is over: so there are never many more keys than are being tried.

    Raises TooManyAttempts, with the time until the window ends, when a key is beyond its limit.
    """
    # Sorted, so that two statements that share keys lock them in the same order.
    keys = sorted(limits)
    counted = await db.write(_COUNT, keys=keys, limits=[limits[key] for key in keys], window=window)
    if counted is not None and counted["any_new"]:
        await delete_expired(db, limit=_SWEPT_BESIDE)
    _require_none_beyond(counted)


async def require_room(db: Database, limits: Mapping[str, int]) -> None:
    """Raises TooManyAttempts, as `count` would for one more attempt, but counts none."""
    keys = list(limits)
    _require_none_beyond(await db.fetch_one(_ROOM, keys=keys, limits=[limits[key] for key in keys]))


def _require_none_beyond(row: Row | None) -> None:
    if row is not None and row["seconds"] is not None:
        raise TooManyAttempts(retry_after=max(row["seconds"], 1))


async def clear(db: Database, key: str) -> None:
    """Forgets all attempts under the key."""
    await db.write(_CLEAR, of_key=key)


async def delete_expired(db: Database, *, limit: int) -> int:
    """Forgets at most so many keys whose window is over. Gives how many it were."""
    return len(await db.fetch_all(_SWEEP, limit=limit))


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 network that an IPv6 host takes its addresses from."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
    return address
