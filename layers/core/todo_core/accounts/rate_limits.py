"""Rate limits for login and registration, counted in the database so that they hold across processes.

Registrations are counted before the account is created, so concurrent requests cannot exceed the limit. Logins are
counted when they have failed or succeeded. The limits are checked before the password, and again before a success is
reported: other guesses may have failed in the meantime. A guess beyond the limit must not learn that its password is
right.

The table stays small: all keys have a bounded length, and each row costs a password hash or belongs to a session.
Clients without an account can add as many rows as the process can hash passwords, about 3,600 in 15 minutes. A
forgotten password adds a row for its network, and one for the mailbox of an account.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final
from uuid import UUID

from todo_core.accounts.errors import TooManyAttempts
from todo_core.database.executor import Database, Row
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement

_COUNT = Statement("""
    WITH counted AS (
        INSERT INTO attempts AS stored (key, count, expires_at)
        SELECT key, 1, now() + CAST(:window AS interval) FROM unnest(CAST(:keys AS text[])) AS key
        ON CONFLICT (key) DO UPDATE SET
            count = CASE WHEN stored.expires_at <= now() THEN 1 ELSE stored.count + 1 END,
            expires_at = CASE WHEN stored.expires_at <= now() THEN excluded.expires_at ELSE stored.expires_at END
        RETURNING key, count, expires_at
    )
    SELECT
        ceil(extract(epoch FROM max(expires_at) FILTER (WHERE count > max_count) - now()))::int AS retry_after,
        bool_or(count = 1) AS any_new
    FROM counted JOIN unnest(CAST(:keys AS text[]), CAST(:limits AS int[])) AS allowed (key, max_count) USING (key)
""")
# FOR UPDATE waits until other requests have counted their failures. Keys are locked in the same order as by _COUNT, so
# the two statements cannot deadlock.
_CHECK = Statement("""
    WITH stored AS (
        SELECT key, count, expires_at FROM attempts
        WHERE key = ANY(CAST(:keys AS text[])) AND expires_at > now()
        ORDER BY key COLLATE "C" FOR UPDATE
    )
    SELECT ceil(extract(epoch FROM max(expires_at) - now()))::int AS retry_after
    FROM stored JOIN unnest(CAST(:keys AS text[]), CAST(:limits AS int[])) AS allowed (key, max_count) USING (key)
    WHERE count >= max_count
""")
_DELETE = Statement("""
    DELETE FROM attempts WHERE key IN (
        SELECT key FROM attempts WHERE key = ANY(CAST(:keys AS text[])) ORDER BY key COLLATE "C" FOR UPDATE
    )
""")
_DELETE_EXPIRED = Statement("""
    DELETE FROM attempts WHERE key IN (
        SELECT key FROM attempts WHERE expires_at <= now() LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING key
""")
_MAX_DELETED_BY_COUNT: Final = 100


def name_webhook_key(user_id: UUID) -> str:
    """Returns the key of a user's tests and repeated deliveries of webhooks."""
    return f"webhooks:requested:{user_id}"


async def count_attempt(db: Database, limits: Mapping[str, int], window: timedelta) -> None:
    """Counts one attempt under each key of `limits`, which maps keys to the maximum of attempts in a window.

    The window of a key begins with its first attempt. That attempt also deletes some expired keys of anyone, which
    keeps the table small.

    Raises TooManyAttempts, with the seconds until the window ends, when the count of a key exceeds its limit.
    """
    # Sorted, so that concurrent statements lock shared keys in the same order and cannot deadlock.
    keys = sorted(limits)
    counted = await db.write(_COUNT, keys=keys, limits=[limits[key] for key in keys], window=window)
    if counted is not None and counted["any_new"]:
        await delete_expired(db, limit=_MAX_DELETED_BY_COUNT)
    _raise_if_exceeded(counted)


async def require_attempts_left(db: Database, limits: Mapping[str, int]) -> None:
    """Checks the limits without counting an attempt. Raises TooManyAttempts when the count of a key is at its limit."""
    keys = list(limits)
    _raise_if_exceeded(await db.fetch_one(_CHECK, keys=keys, limits=[limits[key] for key in keys]))


def _raise_if_exceeded(row: Row | None) -> None:
    if row is not None and row["retry_after"] is not None:
        raise TooManyAttempts(retry_after=max(row["retry_after"], 1))


async def clear_attempts(db: Database, keys: Sequence[str]) -> None:
    """Deletes the counted attempts of the keys, so that the next attempt is the first of a new window."""
    await db.write(_DELETE, keys=keys)


@deletes_expired("attempts")
async def delete_expired(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` keys whose window has ended, with their counts. Returns the number of deleted keys."""
    return len(await db.fetch_all(_DELETE_EXPIRED, limit=limit))


def find_network(address: str) -> str:
    """Returns the network that shares one limit: the /64 network of an IPv6 address, or an IPv4 address itself.

    An IPv6 host can take any address of its /64 network. Text that is no IP address is returned unchanged.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
    return address
