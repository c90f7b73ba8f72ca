"""Sign-ins. A session token is good only as long as its session is here, so ending a session ends its token."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

from todo_core.accounts.errors import InvalidCredentials, SessionNotFound
from todo_core.accounts.user import USER_COLUMNS, User
from todo_core.database.executor import Database, Executor
from todo_core.database.statements import Statement
from todo_core.errors import NotAuthenticated
from todo_core.identifiers import new_id

_LONGEST_USER_AGENT: Final = 500
_SECONDS_BETWEEN_SIGHTINGS: Final = 1800
_MOST_SIGHTINGS: Final = 4096


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that goes on. `last_seen_at` lags by an hour at most."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    user_agent: str | None


_THIS: Final = "sessions.id = :session_id AND sessions.user_id = :user_id"
_GOES_ON: Final = "expires_at > now()"

_INSERT = Statement("""
    WITH expired AS (DELETE FROM sessions WHERE user_id = :user_id AND expires_at <= now())
    INSERT INTO sessions (id, user_id, user_agent, expires_at)
    SELECT CAST(:id AS uuid), users.id, CAST(:user_agent AS text), CAST(:expires_at AS timestamptz)
    FROM users WHERE users.id = :user_id AND password_hash = :password_hash
    -- A change of the password waits for this, or is waited for and seen.
    FOR SHARE
    RETURNING id
""")
_PAGE = Statement(f"""
    SELECT id, created_at, last_seen_at, user_agent FROM sessions
    WHERE user_id = :user_id AND {_GOES_ON} AND (created_at, id) < (:created_at, :id)
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")  # noqa: S608
_EXTEND = Statement(f"UPDATE sessions SET expires_at = :new_expiry, last_seen_at = now() WHERE {_THIS}")  # noqa: S608
_DELETE = Statement(f"DELETE FROM sessions WHERE {_THIS} RETURNING id")  # noqa: S608
_DELETE_OTHERS = Statement("DELETE FROM sessions WHERE user_id = :user_id AND id <> :session_id")
_SELECT_USER_SQL: Final = f"""
    SELECT {USER_COLUMNS} FROM sessions JOIN users ON users.id = sessions.user_id
    WHERE {_THIS} AND {_GOES_ON}
"""  # noqa: S608
_SELECT_USER = Statement(_SELECT_USER_SQL)
_SELECT_USER_AND_NOTE = Statement(f"""
    WITH seen AS (
        UPDATE sessions SET last_seen_at = now()
        WHERE {_THIS} AND {_GOES_ON} AND last_seen_at < now() - interval '{_SECONDS_BETWEEN_SIGHTINGS} seconds'
    )
    {_SELECT_USER_SQL}
""")  # noqa: S608
_SWEEP = Statement("""
    DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions WHERE expires_at <= now() ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id
""")

_BEFORE_THE_FIRST: Final = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))

_seen: dict[UUID, float] = {}
"""When this process last looked whether a session's `last_seen_at` must be renewed. To look takes a sixth longer."""


async def open_session(
    db: Database, user_id: UUID, lifetime: timedelta, *, password_hash: str, user_agent: str | None
) -> UUID:
    """Signs the user in, and forgets the user's expired sessions. Gives the id of the new session.

    Raises InvalidCredentials when the account's password is another one by now, or the account is gone.
    """
    session_id = new_id()
    opened = await db.write(
        _INSERT,
        id=session_id,
        user_id=user_id,
        password_hash=password_hash,
        user_agent=user_agent[:_LONGEST_USER_AGENT] if user_agent else None,
        expires_at=datetime.now(UTC) + lifetime,
    )
    if opened is None:
        raise InvalidCredentials
    return session_id


async def user_of(db: Database, user_id: UUID, session_id: UUID) -> User:
    """Returns the user of a valid session and notes that the session was used. Raises NotAuthenticated."""
    now = monotonic()
    is_due = now - _seen.get(session_id, -_SECONDS_BETWEEN_SIGHTINGS) >= _SECONDS_BETWEEN_SIGHTINGS
    row = await db.fetch_one(_SELECT_USER_AND_NOTE if is_due else _SELECT_USER, session_id=session_id, user_id=user_id)
    if row is None:
        raise NotAuthenticated
    if is_due:
        _note_seen(session_id, now)
    return User(*row)


def _note_seen(session_id: UUID, now: float) -> None:
    if len(_seen) >= _MOST_SIGHTINGS:
        _seen.clear()
    _seen[session_id] = now


async def list_page(
    db: Executor, user_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[Session]:
    """At most `most` of the user's sessions, the newest sign-in first, after the one that was made then."""
    created_at, session_id = after or _BEFORE_THE_FIRST
    rows = await db.fetch_all(_PAGE, user_id=user_id, created_at=created_at, id=session_id, limit=limit)
    return [Session(*row) for row in rows]


async def extend(db: Database, user_id: UUID, session_id: UUID, lifetime: timedelta) -> None:
    """Lets the session go on for another `lifetime` from now."""
    await db.write(_EXTEND, session_id=session_id, user_id=user_id, new_expiry=datetime.now(UTC) + lifetime)


async def close(db: Database, user_id: UUID, session_id: UUID) -> None:
    """Ends the session. Raises SessionNotFound when there is none, or no more."""
    if await db.write(_DELETE, session_id=session_id, user_id=user_id) is None:
        raise SessionNotFound


async def close_others(db: Executor, user_id: UUID, session_id: UUID) -> None:
    """Ends every session of the user but this one."""
    await db.write(_DELETE_OTHERS, session_id=session_id, user_id=user_id)


async def delete_expired(db: Database, *, limit: int) -> int:
    """Forgets at most so many sessions that have expired. Gives how many it were."""
    return len(await db.fetch_all(_SWEEP, limit=limit))
