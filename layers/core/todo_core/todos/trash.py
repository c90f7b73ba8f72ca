"""The purge of the trash: removes todos for good 30 days after they were put into the trash."""

from datetime import timedelta
from typing import Final

from todo_core.database.executor import Database
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement
from todo_core.todos import changes

RETENTION: Final = timedelta(days=30)

# Selects a parent only when it has no subtodos left, so that no reader sees a subtodo without its parent.
_EXPIRED = """
    deleted_at <= now() - CAST(:kept AS interval)
    AND NOT EXISTS (SELECT FROM todos AS subtodos WHERE subtodos.parent_id = todos.id)
"""
# The purge sets no actor, so the change log records its deletions with the actor `system`.
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
    """Deletes at most `limit` expired todos of one user: the user whose trash has the oldest expired todo.

    Returns the number of deleted todos, which is 0 only when no user's trash has an expired todo.
    """
    while owner := await db.fetch_one(_SELECT_OWNER, kept=RETENTION):
        async with db.transaction() as transaction:
            # While the user's change log is locked, none of the user's todos can be restored. If all expired ones were
            # restored or purged before, nothing is deleted and the loop selects a user again.
            await changes.lock_log(transaction, owner["user_id"])
            deleted = await transaction.fetch_all(
                _DELETE_EXPIRED, user_id=owner["user_id"], kept=RETENTION, limit=limit
            )
        if deleted:
            return len(deleted)
    return 0
