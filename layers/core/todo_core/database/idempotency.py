"""Idempotency keys: a request with a key takes effect once, and repeated requests get the stored response.

The key and the response are stored in the same transaction as the changes of the request. After a crash, either all of
them exist or none. A repeated request that arrives during this transaction inserts the same primary key, so PostgreSQL
makes it wait. It then returns the stored response, or does the work if the transaction was rolled back.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct, field

from todo_core.database.executor import Database, Transaction
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement
from todo_core.errors import IdempotencyKeyReused, QuotaExceeded, RequestInProgress

LIFETIME: Final = timedelta(hours=24)
_LOCK_TIMEOUT: Final = "5s"
"""The longest wait of a repeated request for the first one with the same key. After that it is refused."""


class KeyedRequest(Struct, frozen=True):
    """A request with an idempotency key. The same key of another user or for another route is a different key."""

    user_id: UUID
    route: str
    key: str
    digest: bytes
    """Hash of the request, to detect a different request with the same key."""
    max_stored_bytes: int | None = None
    """The user's quota of stored bytes. Stored responses may use a tenth more, None means without a limit."""


class StoredResponse(Struct, frozen=True):
    """The response that is stored with an idempotency key.

    `replayed` is true if an earlier request produced the response, false if the current request did.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


_FIXED_BYTES: Final = 600
"""The bytes by which a stored response counts towards the stored bytes of its user, besides those of its body."""

type Work = Callable[[Transaction], Awaitable[StoredResponse]]

# ON CONFLICT takes over an expired key. It also locks the row of a key that is still valid, without updating the row.
# The row can therefore not be deleted before this transaction has read the stored response.
_CLAIM_KEY = Statement("""
    INSERT INTO idempotency_keys AS existing (user_id, route, key, request_digest, expires_at)
    SELECT CAST(:user_id AS uuid), CAST(:route AS text), CAST(:key AS text), CAST(:digest AS bytea),
        now() + CAST(:lifetime AS interval)
    FROM set_config('lock_timeout', :lock_timeout, true)
    ON CONFLICT (user_id, route, key) DO UPDATE SET
        request_digest = excluded.request_digest, expires_at = excluded.expires_at
    WHERE existing.expires_at <= now()
    RETURNING key
""")
# Subtracts the bytes of the response that an expired key has left in the row.
_STORE_RESPONSE = Statement(f"""
    WITH stored AS (
        UPDATE idempotency_keys SET status = :status, headers = CAST(:headers AS jsonb), body = CAST(:body AS bytea)
        WHERE user_id = :user_id AND route = :route AND key = :key
    )
    UPDATE account_usage SET stored_bytes = stored_bytes + {_FIXED_BYTES} + octet_length(CAST(:body AS bytea))
        - coalesce((
            SELECT {_FIXED_BYTES} + octet_length(body) FROM idempotency_keys
            WHERE user_id = :user_id AND route = :route AND key = :key
        ), 0)
    WHERE user_id = :user_id RETURNING stored_bytes
""")  # noqa: S608 - a constant, as below
_SELECT_RESPONSE = Statement("""
    SELECT request_digest, status, headers, body FROM idempotency_keys
    WHERE user_id = :user_id AND route = :route AND key = :key
""")
# Locks the users' rows in one order, because two purges may run at the same time.
_DELETE_EXPIRED = Statement(f"""
    WITH deleted AS (
        DELETE FROM idempotency_keys WHERE (user_id, route, key) IN (
            SELECT user_id, route, key FROM idempotency_keys WHERE expires_at <= now()
            ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
        )
        RETURNING user_id, coalesce({_FIXED_BYTES} + octet_length(body), 0) AS bytes
    ), freed AS (
        SELECT user_id, sum(bytes) AS bytes FROM deleted GROUP BY user_id
    ), locked AS (
        SELECT user_id FROM account_usage WHERE user_id IN (SELECT user_id FROM freed) ORDER BY user_id FOR UPDATE
    ), counted AS (
        UPDATE account_usage SET stored_bytes = stored_bytes - freed.bytes FROM freed JOIN locked USING (user_id)
        WHERE account_usage.user_id = freed.user_id
    )
    SELECT 1 FROM deleted
""")  # noqa: S608


async def run_once(db: Database, request: KeyedRequest, work: Work) -> StoredResponse:
    """Runs `work` and stores its response, or returns the response that an earlier request with the key stored.

    When `work` raises, the transaction is rolled back, so the key can be used again. Raises RequestInProgress when an
    earlier request with the key still runs after 5 seconds. Raises IdempotencyKeyReused when the earlier request was a
    different one. Raises QuotaExceeded when the user has no room for the response.
    """
    async with db.transaction() as transaction:
        if not await _claim_key(transaction, request):
            return await _fetch_stored_response(transaction, request)
        response = await work(transaction)
        await _store_response(transaction, request, response)
        return response


@deletes_expired("idempotency_keys")
async def delete_expired(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` expired idempotency keys with their responses. Returns the number of deleted keys."""
    return len(await db.fetch_all(_DELETE_EXPIRED, limit=limit))


async def _claim_key(transaction: Transaction, request: KeyedRequest) -> bool:
    """Claims the idempotency key for this request. Returns False when an earlier request holds the key.

    Raises RequestInProgress when the earlier request's transaction does not end within the lock timeout.
    """
    try:
        claimed = await transaction.write(
            _CLAIM_KEY, **_primary_key(request), digest=request.digest, lifetime=LIFETIME, lock_timeout=_LOCK_TIMEOUT
        )
    except asyncpg.LockNotAvailableError:
        raise RequestInProgress from None
    return claimed is not None


async def _store_response(transaction: Transaction, request: KeyedRequest, response: StoredResponse) -> None:
    headers = msgspec.json.encode(response.headers).decode()
    usage = await transaction.write(
        _STORE_RESPONSE, **_primary_key(request), status=response.status, headers=headers, body=response.body
    )
    quota = request.max_stored_bytes
    # A tenth more, so that a batch with a key can still delete todos.
    if usage is not None and quota is not None and usage["stored_bytes"] > quota + quota // 10:
        raise QuotaExceeded("stored_bytes", quota)


async def _fetch_stored_response(transaction: Transaction, request: KeyedRequest) -> StoredResponse:
    row = await transaction.fetch_one(_SELECT_RESPONSE, **_primary_key(request))
    assert row is not None  # noqa: S101 - the failed claim locked the row
    if row["request_digest"] != request.digest:
        raise IdempotencyKeyReused
    headers = msgspec.json.decode(row["headers"], type=dict[str, str])
    return StoredResponse(row["status"], row["body"], headers, replayed=True)


def _primary_key(request: KeyedRequest) -> dict[str, object]:
    return {"user_id": request.user_id, "route": request.route, "key": request.key}
