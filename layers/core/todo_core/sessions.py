"""Sign-ins. A session token is good only as long as its session is here, so ending a session ends its token."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Integer, bindparam, delete, func, insert, select, update

from todo_core.database import Database
from todo_core.errors import NotAuthenticated
from todo_core.identifiers import new_id
from todo_core.statements import Statement
from todo_core.tables import table_of
from todo_core.tables.accounts import SessionRow, UserRow
from todo_core.user import USER_COLUMNS, User

_LONGEST_USER_AGENT: Final = 500

_sessions = table_of(SessionRow)
_users = table_of(UserRow)
_THIS = (_sessions.c.id == bindparam("session_id")) & (_sessions.c.user_id == bindparam("of_user"))

_INSERT = Statement(
    insert(_sessions)
    .values({column: bindparam(column) for column in ("id", "user_id", "user_agent", "expires_at")})
    .add_cte(
        delete(_sessions)
        .where(_sessions.c.user_id == bindparam("user_id"), _sessions.c.expires_at <= func.now())
        .cte("expired")
    )
)
_USER_OF = Statement(
    select(*USER_COLUMNS)
    .join_from(_sessions, _users, _sessions.c.user_id == _users.c.id)
    .where(_THIS, _sessions.c.expires_at > func.now())
)
_SWEEP = Statement(
    delete(_sessions)
    .where(
        _sessions.c.id.in_(
            select(_sessions.c.id)
            .where(_sessions.c.expires_at <= func.now())
            .order_by(_sessions.c.expires_at)
            .limit(bindparam("most", type_=Integer))
            .with_for_update(skip_locked=True)
        )
    )
    .returning(_sessions.c.id)
)
_EXTEND = Statement(update(_sessions).where(_THIS).values(expires_at=bindparam("new_expiry"), last_seen_at=func.now()))
_DELETE = Statement(delete(_sessions).where(_THIS))


async def open_session(db: Database, user_id: UUID, lifetime: timedelta, *, user_agent: str | None) -> UUID:
    """Signs the user in, and forgets the user's expired sessions. Gives the id of the new session."""
    session_id = new_id()
    await db.write(
        _INSERT,
        id=session_id,
        user_id=user_id,
        user_agent=user_agent[:_LONGEST_USER_AGENT] if user_agent else None,
        expires_at=datetime.now(UTC) + lifetime,
    )
    return session_id


async def user_of(db: Database, user_id: UUID, session_id: UUID) -> User:
    """The user of a session that goes on. Raises NotAuthenticated when it has ended."""
    row = await db.fetch_one(_USER_OF, session_id=session_id, of_user=user_id)
    if row is None:
        raise NotAuthenticated
    return User(*row)


async def extend(db: Database, user_id: UUID, session_id: UUID, lifetime: timedelta) -> None:
    """Lets the session go on for another `lifetime` from now."""
    await db.write(_EXTEND, session_id=session_id, of_user=user_id, new_expiry=datetime.now(UTC) + lifetime)


async def close(db: Database, user_id: UUID, session_id: UUID) -> None:
    """Ends the session; one that has ended already is fine."""
    await db.write(_DELETE, session_id=session_id, of_user=user_id)


async def sweep(db: Database, *, most: int) -> int:
    """Forgets at most so many sessions that have expired. Gives how many it were."""
    return len(await db.fetch_all(_SWEEP, most=most))
