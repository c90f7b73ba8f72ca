"""The trash: deleted todos are purged 30 days after their deletion."""

from datetime import timedelta
from typing import Final

from todo_core.database.executor import Database
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement
from todo_core.todos import changes

RETENTION: Final = timedelta(days=30)

# A parent is purged after its subtodos: no reader sees a subtodo without its parent.
_EXPIRED = """
    deleted_at <= now() - CAST(:kept AS interval)
    AND NOT EXISTS (SELECT FROM todos AS subtodos WHERE subtodos.parent_id = todos.id)
"""
# The transaction sets no actor, so the change log has the actor `system`.
_SELECT_OWNER = Statement(
    f"SELECT user_id FROM todos WHERE {_EXPIRED} ORDER BY deleted_at LIMIT 1"  # noqa: S608 - constants
)
_DELETE_EXPIRED = Statement(f"""
    DELETE FROM todos WHERE id IN (
        SELECT id FROM todos WHERE user_id = :user_id AND {_EXPIRED} ORDER BY deleted_at LIMIT :limit
    )
    RETURNING id
""")  # noqa: S608 - constants


@deletes_expired("todos", is_unbounded=True)
async def delete_expired(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` expired todos of one user, whose trash has the oldest one.

    Returns the number of deleted todos: 0 when no user's trash has an expired todo.
    """
    while owner := await db.fetch_one(_SELECT_OWNER, kept=RETENTION):
        async with db.transaction() as transaction:
            # Under this lock no todo can be restored. All may have been restored or purged before.
            await changes.lock_log(transaction, owner["user_id"])
            deleted = await transaction.fetch_all(
                _DELETE_EXPIRED, user_id=owner["user_id"], kept=RETENTION, limit=limit
            )
        if deleted:
            return len(deleted)
    return 0
