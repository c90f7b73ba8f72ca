"""Links that mails lead to, each of which works once."""

from todo_core.database.executor import Database
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement

_DELETE_EXPIRED = Statement("""
    DELETE FROM links WHERE id IN (
        SELECT id FROM links WHERE expires_at <= now() ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id
""")


@deletes_expired("links")
async def delete_expired(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` expired links. Returns the number of deleted links."""
    return len(await db.fetch_all(_DELETE_EXPIRED, limit=limit))
