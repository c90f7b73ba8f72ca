"""Dead messages: those that could not be delivered in three days, kept for the operator."""

from datetime import timedelta
from typing import Final

from todo_core.database.executor import Database
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement

RETENTION: Final = timedelta(days=30)

_DELETE_OLD = Statement("""
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE dead_at <= now() - CAST(:kept AS interval)
        ORDER BY dead_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id
""")


@deletes_expired("outbox")
async def delete_old(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` messages that have been dead for 30 days. Returns the number of deleted messages."""
    return len(await db.fetch_all(_DELETE_OLD, kept=RETENTION, limit=limit))
