"""Push subscriptions: the browsers that get a user's reminders by web push (RFC 8030)."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.database.executor import Executor
from todo_core.database.statements import Statement
from todo_core.errors import NotAuthenticated, QuotaExceeded
from todo_core.identifiers import new_id
from todo_core.reminders.errors import SubscriptionNotFound

_MAX_USER_AGENT_CHARACTERS: Final = 500


class NewSubscription(Struct, frozen=True):
    """The address of a browser at its push service, and the browser's keys: its public key, and a shared secret."""

    endpoint: str
    p256dh: bytes
    auth: bytes


class PushSubscription(Struct, frozen=True):
    """A browser that gets the user's reminders. `is_new` is false for a subscription that existed before."""

    id: UUID
    endpoint: str
    user_agent: str | None
    created_at: datetime
    is_new: bool = False


_COLUMNS: Final = "id, endpoint, user_agent, created_at"

# Requests of one user pass one by one, so each counts the subscriptions of those before.
_LOCK_OWNER = Statement("SELECT id FROM users WHERE id = :user_id FOR NO KEY UPDATE")
# A browser that another account has used before now belongs to this account: it would show the titles of the other.
# The keys prove that it is the same browser.
_DELETE_OF_OTHERS = Statement("""
    DELETE FROM push_subscriptions
    WHERE endpoint_hash = :endpoint_hash AND user_id <> :user_id AND auth = :auth AND p256dh = :public_key
""")
_UPDATE = Statement(f"""
    UPDATE push_subscriptions SET p256dh = :public_key, auth = :auth, session_id = :session_id, user_agent = :user_agent
    WHERE user_id = :user_id AND endpoint_hash = :endpoint_hash RETURNING {_COLUMNS}
""")  # noqa: S608 - constants, as all below
_INSERT = Statement(f"""
    INSERT INTO push_subscriptions (id, user_id, session_id, endpoint, endpoint_hash, p256dh, auth, user_agent)
    SELECT CAST(:id AS uuid), CAST(:user_id AS uuid), CAST(:session_id AS uuid), CAST(:endpoint AS text),
        CAST(:endpoint_hash AS bytea), CAST(:public_key AS bytea), CAST(:auth AS bytea), CAST(:user_agent AS text)
    WHERE (SELECT count(*) FROM push_subscriptions WHERE user_id = :user_id) < CAST(:quota AS int)
    RETURNING {_COLUMNS}
""")  # noqa: S608
_SELECT_PAGE = Statement(f"""
    SELECT {_COLUMNS} FROM push_subscriptions WHERE user_id = :user_id AND (created_at, id) < (:created_at, :id)
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")  # noqa: S608
_DELETE = Statement("DELETE FROM push_subscriptions WHERE id = :id AND user_id = :user_id RETURNING id")

_BEFORE_FIRST_PAGE: Final = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


async def add(  # noqa: PLR0913 - the parts of a subscription, and the quota
    db: Executor,
    user_id: UUID,
    new: NewSubscription,
    *,
    session_id: UUID | None,
    user_agent: str | None,
    quota: int,
) -> PushSubscription:
    """Stores a subscription. One with the same endpoint stays, and gets the new keys.

    Raises QuotaExceeded beyond `quota` subscriptions, and NotAuthenticated when the account was closed.
    """
    values = {
        "user_id": user_id,
        "session_id": session_id,
        "endpoint_hash": sha256(new.endpoint.encode()).digest(),
        "public_key": new.p256dh,
        "auth": new.auth,
        "user_agent": user_agent[:_MAX_USER_AGENT_CHARACTERS] if user_agent else None,
    }
    async with db.transaction() as transaction:
        if await transaction.write(_LOCK_OWNER, user_id=user_id) is None:
            raise NotAuthenticated
        await transaction.write(_DELETE_OF_OTHERS, **values)
        if kept := await transaction.write(_UPDATE, **values):
            return PushSubscription(*kept)
        row = await transaction.write(_INSERT, id=new_id(), endpoint=new.endpoint, quota=quota, **values)
    if row is None:
        raise QuotaExceeded("push_subscriptions", quota)
    return PushSubscription(**row, is_new=True)


async def list_page(
    db: Executor, user_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[PushSubscription]:
    """Returns at most `limit` subscriptions of the user, the newest first.

    `after` is the creation time and the id of the last subscription on the page before.
    """
    created_at, subscription_id = after or _BEFORE_FIRST_PAGE
    rows = await db.fetch_all(_SELECT_PAGE, user_id=user_id, created_at=created_at, id=subscription_id, limit=limit)
    return [PushSubscription(*row) for row in rows]


async def delete(db: Executor, user_id: UUID, subscription_id: UUID) -> None:
    """Ends a subscription. Raises SubscriptionNotFound when the user has no such subscription (any more)."""
    if await db.write(_DELETE, id=subscription_id, user_id=user_id) is None:
        raise SubscriptionNotFound


async def drop(db: Executor, user_id: UUID, subscription_id: UUID) -> None:
    """Deletes a subscription that its push service does not know any more. Does nothing if it is deleted already."""
    await db.write(_DELETE, id=subscription_id, user_id=user_id)
