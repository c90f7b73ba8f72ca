"""API tokens, with which programs of a user work."""

from todo_core.database.executor import Database
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement

_DELETE_EXPIRED = Statement("""
    DELETE FROM api_tokens WHERE id IN (
        SELECT id FROM api_tokens WHERE expires_at <= now() ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id
""")


@deletes_expired("api_tokens")
async def delete_expired(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` expired API tokens. Returns the number of deleted tokens."""
    return len(await db.fetch_all(_DELETE_EXPIRED, limit=limit))
