"""Sign-ins. A session token is good only as long as its session is here, so ending a session ends its token."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from todo_core.database import Database
from todo_core.errors import NotAuthenticated
from todo_core.identifiers import new_id
from todo_core.statements import Statement
from todo_core.user import USER_COLUMNS, User

_LONGEST_USER_AGENT: Final = 500

_INSERT = Statement("""
    WITH expired AS (DELETE FROM sessions WHERE user_id = :user_id AND expires_at <= now())
    INSERT INTO sessions (id, user_id, user_agent, expires_at) VALUES (:id, :user_id, :user_agent, :expires_at)
""")
_USER_OF = Statement(f"""
    SELECT {USER_COLUMNS} FROM sessions JOIN users ON users.id = sessions.user_id
    WHERE sessions.id = :session_id AND sessions.user_id = :of_user AND expires_at > now()
""")  # noqa: S608 - names of columns
_EXTEND = Statement("""
    UPDATE sessions SET expires_at = :new_expiry, last_seen_at = now() WHERE id = :session_id AND user_id = :of_user
""")
_DELETE = Statement("DELETE FROM sessions WHERE id = :session_id AND user_id = :of_user")


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
