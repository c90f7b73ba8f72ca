"""Followed users: the database notifies the changes of a user only while somebody follows them.

So the writes of all other users cost nothing more.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from todo_core.database.executor import Executor
from todo_core.database.statements import Statement

CHANNEL: Final = "todo_changes"
"""The channel of NOTIFY. The payload is the id of the user: see count_changes() in usage.sql."""

_GRACE: Final = timedelta(minutes=5)

_UNTIL: Final = "coalesce(CAST(:until AS timestamptz), 'infinity')"
_FOLLOW = Statement(f"""
    UPDATE account_usage SET followed_until = {_UNTIL}
    WHERE user_id = :user_id AND (followed_until >= {_UNTIL}) IS NOT TRUE
""")  # noqa: S608 - constants
_UNFOLLOW = Statement("""
    UPDATE account_usage SET followed_until = now() + CAST(:grace AS interval)
    WHERE user_id = :user_id AND followed_until = 'infinity'
""")


async def follow(db: Executor, user_id: UUID, until: datetime | None) -> None:
    """Lets the database notify a user's changes until a time, or for good if that is None. Never shortens the time.

    Changes that commit after this statement are notified. Earlier ones can be read after it.
    """
    await db.write(_FOLLOW, user_id=user_id, until=until)


async def unfollow(db: Executor, user_id: UUID) -> None:
    """Ends that a user is followed for good, in five minutes: streams may follow the user until then."""
    await db.write(_UNFOLLOW, user_id=user_id, grace=_GRACE)
