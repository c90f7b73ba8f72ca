"""Challenges of logins that wait for a second factor, and of passkeys."""

from todo_core.database.executor import Database
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement

_DELETE_EXPIRED = Statement("""
    DELETE FROM used_challenges WHERE id IN (
        SELECT id FROM used_challenges WHERE expires_at <= now() ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id
""")


@deletes_expired("used_challenges")
async def delete_expired(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` expired challenges that were used. Returns the number of deleted ones."""
    return len(await db.fetch_all(_DELETE_EXPIRED, limit=limit))
