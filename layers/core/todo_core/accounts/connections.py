"""Connections: the clients that a user has allowed to work with the account, over OAuth."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.accounts.api_tokens import TokenScope
from todo_core.accounts.errors import ConnectionNotFound
from todo_core.database.executor import Executor
from todo_core.database.expiry import purged_at_expiry
from todo_core.database.statements import Statement


class Connection(Struct, frozen=True):
    """A connected client. `last_used_at` is the beginning of the hour of its latest use (UTC).

    `resource` is the path at which its tokens work. `expires_at` is the end without further use.
    """

    id: UUID
    client_id: str
    client_name: str
    client_host: str
    scopes: Sequence[TokenScope]
    resource: str
    may_delete_unasked: bool
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


_COLUMNS: Final = ", ".join(Connection.__struct_fields__)
_SELECT_PAGE = Statement(f"""
    SELECT {_COLUMNS} FROM oauth_connections
    WHERE user_id = :user_id AND expires_at > now() AND (created_at, id) < (:created_at, :id)
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")  # noqa: S608 - constants
_DELETE = Statement("DELETE FROM oauth_connections WHERE id = :id AND user_id = :user_id RETURNING id")
_DELETE_ALL = Statement("""
    WITH codes AS (DELETE FROM oauth_codes WHERE user_id = :user_id)
    DELETE FROM oauth_connections WHERE user_id = :user_id RETURNING id
""")
_BEFORE_FIRST_PAGE: Final = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


async def list_page(
    db: Executor, user_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[Connection]:
    """Returns at most `limit` connections of the user, the newest first.

    `after` is the creation time and the id of the last connection on the page before.
    """
    created_at, connection_id = after or _BEFORE_FIRST_PAGE
    rows = await db.fetch_all(_SELECT_PAGE, user_id=user_id, created_at=created_at, id=connection_id, limit=limit)
    return [Connection(*row) for row in rows]


async def delete(db: Executor, user_id: UUID, connection_id: UUID) -> None:
    """Ends a connection with all of its tokens. Raises ConnectionNotFound when the user has no such connection."""
    if await db.write(_DELETE, id=connection_id, user_id=user_id) is None:
        raise ConnectionNotFound


async def delete_if_there(db: Executor, user_id: UUID, connection_id: UUID) -> None:
    """Ends a connection with all of its tokens, unless it has ended meanwhile."""
    await db.write(_DELETE, id=connection_id, user_id=user_id)


async def delete_all(db: Executor, user_id: UUID) -> int:
    """Ends all connections of the user, also those that are about to begin. Returns their number."""
    return len(await db.fetch_all(_DELETE_ALL, user_id=user_id))


delete_expired: Final = purged_at_expiry("oauth_connections")
