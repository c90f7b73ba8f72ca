"""The cut of the change log: removes changes that are older than the log is kept.

The latest change of each user stays. As the sequence numbers have no gaps, readers can thus see whether they missed
changes: the next change that they find does not have the next number.
"""

from datetime import timedelta
from typing import Final

from todo_core.database.executor import Database
from todo_core.database.expiry import deletes_old
from todo_core.database.statements import Statement
from todo_core.limits import Retention
from todo_core.todos import changes

# The additional day spares a cut of each active user's log at every purge.
_SELECT_OWNER: Final = Statement("""
    SELECT user_id FROM account_usage
    WHERE log_begins_at <= now() - CAST(:kept AS interval) - interval '1 day' ORDER BY log_begins_at LIMIT 1
""")
_CUT: Final = Statement("""
    WITH oldest AS (
        SELECT seq, created_at, bool_and(created_at <= now() - CAST(:kept AS interval)) OVER (ORDER BY seq) AS is_old
        FROM (SELECT seq, created_at FROM change_log WHERE user_id = :user_id ORDER BY seq LIMIT :limit) AS beginning
    ), cut AS (
        DELETE FROM change_log USING oldest, account_usage
        WHERE change_log.user_id = :user_id AND change_log.seq = oldest.seq AND oldest.is_old
            AND account_usage.user_id = :user_id AND change_log.seq < account_usage.last_seq
        RETURNING snapshot_bytes(change_log.before) + snapshot_bytes(change_log.after) AS bytes
    )
    UPDATE account_usage SET
        stored_bytes = stored_bytes - (SELECT coalesce(sum(bytes), 0) FROM cut),
        log_begins_at = CASE
            WHEN (SELECT count(*) FROM cut) = :limit THEN log_begins_at
            ELSE coalesce((SELECT min(created_at) FROM oldest WHERE NOT is_old), now())
        END
    WHERE user_id = :user_id RETURNING (SELECT count(*) FROM cut) AS cut
""")


@deletes_old("changes")
async def delete_old(db: Database, *, limit: int, retention: Retention) -> int:
    """Deletes at most `limit` old changes of one user: the user whose log begins first.

    Returns the number of deleted changes, which is 0 only when no user's log has old changes.
    """
    kept = timedelta(days=retention.change_log_days)
    while owner := await db.fetch_one(_SELECT_OWNER, kept=kept):
        async with db.transaction() as transaction:
            await changes.lock_log(transaction, owner["user_id"])
            done = await transaction.fetch_one(_CUT, user_id=owner["user_id"], kept=kept, limit=limit)
        if done is not None and done["cut"]:
            return int(done["cut"])
    return 0
