"""Requests that take effect once, however often they are sent: under a key of the client's, the answer is stored in the
transaction of the work.

Whoever sends the same request meanwhile waits for that transaction at the primary key, and then finds the answer. A
process that dies leaves neither the work nor the key behind, or both, with the answer.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from todo_core.database.executor import Database, Transaction
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement
from todo_core.errors import IdempotencyKeyReused, RequestInProgress

LIFETIME: Final = timedelta(hours=24)
_PATIENCE: Final = "5s"
"""How long a repeat waits for the first request."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request under a key, which is the user's own and counts for one route."""

    user_id: UUID
    route: str
    key: str
    digest: bytes
    """Tells this request from another one under the same key."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client gets; `replayed` if an earlier request got it first."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


type Work = Callable[[Transaction], Awaitable[Answer]]

# An expired key is as good as none. One that is not stays locked, so that its answer is still there to be read.
_CLAIM = Statement("""
    INSERT INTO idempotency_keys AS known (user_id, route, key, request_digest, expires_at)
    SELECT CAST(:user_id AS uuid), CAST(:route AS text), CAST(:key AS text), CAST(:digest AS bytea),
        now() + CAST(:lifetime AS interval)
    FROM set_config('lock_timeout', :patience, true)
    ON CONFLICT (user_id, route, key) DO UPDATE SET
        request_digest = excluded.request_digest, expires_at = excluded.expires_at
    WHERE known.expires_at <= now()
    RETURNING key
""")
_STORE = Statement("""
    UPDATE idempotency_keys SET status = :status, headers = CAST(:headers AS jsonb), body = :body
    WHERE user_id = :user_id AND route = :route AND key = :key
""")
_STORED = Statement("""
    SELECT request_digest, status, headers, body FROM idempotency_keys
    WHERE user_id = :user_id AND route = :route AND key = :key
""")
_SWEEP = Statement("""
    DELETE FROM idempotency_keys WHERE (user_id, route, key) IN (
        SELECT user_id, route, key FROM idempotency_keys WHERE expires_at <= now()
        ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING 1
""")


async def run_once(db: Database, request: KeyedRequest, work: Work) -> Answer:
    """Does the work and stores its answer, or gives the answer that was stored when it was done. What the work raises
    leaves the key free.

    Raises RequestInProgress when the first request takes too long, and IdempotencyKeyReused.
    """
    async with db.transaction() as transaction:
        if not await _claim(transaction, request):
            return await _stored(transaction, request)
        answer = await work(transaction)
        await _store(transaction, request, answer)
        return answer


@deletes_expired("idempotency_keys")
async def delete_expired(db: Database, *, limit: int) -> int:
    """Forgets at most so many expired keys. Gives how many it were."""
    return len(await db.fetch_all(_SWEEP, limit=limit))


async def _claim(transaction: Transaction, request: KeyedRequest) -> bool:
    """Whether the key is this request's from now on, and not an earlier one's."""
    try:
        claimed = await transaction.write(
            _CLAIM, **_place(request), digest=request.digest, lifetime=LIFETIME, patience=_PATIENCE
        )
    except asyncpg.LockNotAvailableError:
        raise RequestInProgress from None
    return claimed is not None


async def _store(transaction: Transaction, request: KeyedRequest, answer: Answer) -> None:
    headers = msgspec.json.encode(answer.headers).decode()
    await transaction.write(_STORE, **_place(request), status=answer.status, headers=headers, body=answer.body)


async def _stored(transaction: Transaction, request: KeyedRequest) -> Answer:
    row = await transaction.fetch_one(_STORED, **_place(request))
    assert row is not None  # noqa: S101 - the failed claim has locked it
    if row["request_digest"] != request.digest:
        raise IdempotencyKeyReused
    headers = msgspec.json.decode(row["headers"], type=dict[str, str])
    return Answer(row["status"], row["body"], headers, replayed=True)


def _place(request: KeyedRequest) -> dict[str, object]:
    return {"user_id": request.user_id, "route": request.route, "key": request.key}
