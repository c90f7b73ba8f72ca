"""Everything beside the password that opens an account, or shows what is in it.

These are API tokens, connected clients, passkeys, the second factor, and push subscriptions, which show titles on a
device.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from todo_core.database.executor import Executor
from todo_core.database.statements import Statement

_RECENT: Final = "user_id = :user_id AND (CAST(:since AS timestamptz) IS NULL OR created_at >= :since)"

_DELETE: Final = Statement(f"""
    WITH of_programs AS (DELETE FROM api_tokens WHERE {_RECENT}),
    of_codes AS (DELETE FROM oauth_codes WHERE {_RECENT}),
    of_clients AS (DELETE FROM oauth_connections WHERE {_RECENT}),
    of_devices AS (DELETE FROM passkeys WHERE {_RECENT}),
    of_browsers AS (DELETE FROM push_subscriptions WHERE {_RECENT}),
    of_receivers AS (
        DELETE FROM webhooks WHERE user_id = :user_id AND (CAST(:since AS timestamptz) IS NULL OR updated_at >= :since)
    ),
    of_app AS (DELETE FROM totp WHERE {_RECENT} RETURNING user_id)
    DELETE FROM recovery_codes WHERE user_id IN (SELECT user_id FROM of_app)
""")  # noqa: S608 - constants


async def remove(db: Executor, user_id: UUID, *, since: datetime | None = None) -> None:
    """Deletes the user's API tokens, connections, passkeys, second factor and push subscriptions.

    Deletes all of them, or those added at `since` or later.
    """
    await db.write(_DELETE, user_id=user_id, since=since)
