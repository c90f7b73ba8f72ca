"""Registrations that wait for the link in their mail, while REQUIRE_VERIFIED_EMAIL is on."""

from todo_core.database.executor import Database
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement

_DELETE_EXPIRED = Statement("""
    DELETE FROM registrations WHERE id IN (
        SELECT id FROM registrations WHERE expires_at <= now() ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id
""")


@deletes_expired("registrations")
async def delete_expired(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` expired registrations. Returns the number of deleted registrations."""
    return len(await db.fetch_all(_DELETE_EXPIRED, limit=limit))
