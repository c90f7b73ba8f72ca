"""The trash: what has been in it for long enough is gone for good."""

from datetime import timedelta
from typing import Final

from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.todos import changes

KEPT: Final = timedelta(days=30)

# Subtodos go before their parent, so that none of them is seen without it.
_EXPIRED = """
    deleted_at <= now() - CAST(:kept AS interval)
    AND NOT EXISTS (SELECT FROM todos AS subtodos WHERE subtodos.parent_id = todos.id)
"""
# The trigger behind the change log finds no actor, and so logs the purge in the name of the system.
_OWNER = Statement(
    f"SELECT user_id FROM todos WHERE {_EXPIRED} ORDER BY deleted_at LIMIT 1"  # noqa: S608 - a constant
)
_PURGE = Statement(f"""
    DELETE FROM todos WHERE id IN (
        SELECT id FROM todos WHERE user_id = :user_id AND {_EXPIRED} ORDER BY deleted_at LIMIT :limit
    )
    RETURNING id
""")  # noqa: S608 - the same


async def purge(db: Database, *, limit: int) -> int:
    """Takes at most so many todos for good from one user's trash, that with the oldest. Gives how many it were; 0 when
    nobody's trash holds any that is old enough.
    """
    while owner := await db.fetch_one(_OWNER, kept=KEPT):
        async with db.transaction() as transaction:
            # From here on nobody restores what is to go. It may have been restored, or gone, before.
            await changes.lock_log(transaction, owner["user_id"])
            purged = await transaction.fetch_all(_PURGE, user_id=owner["user_id"], kept=KEPT, limit=limit)
        if purged:
            return len(purged)
    return 0
