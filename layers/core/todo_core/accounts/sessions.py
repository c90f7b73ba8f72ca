"""Sessions. A session token is accepted only while its session is stored: deleting the session revokes the token.

A session that is ended takes its push subscriptions along: a browser that is signed out shows no reminders any more.
"""

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from todo_core.accounts.errors import InvalidCredentials, SessionNotFound
from todo_core.accounts.user import USER_COLUMNS, USERS_WITH_USAGE, User
from todo_core.database.executor import Database, Executor
from todo_core.database.expiry import purged_at_expiry
from todo_core.database.statements import Statement
from todo_core.errors import NotAuthenticated
from todo_core.identifiers import new_id
from todo_core.settings import SessionSettings

_MAX_USER_AGENT_CHARACTERS: Final = 500
LAST_SEEN_INTERVAL_SECONDS: Final = 1800
RENEWAL_INTERVAL_SECONDS: Final = 10
"""Time within which a process renews a session only once, however many requests arrive in parallel.

A client that lost the renewed cookie gets another one after this time.
"""
_MAX_CACHED_SESSIONS: Final = 4096

type OpenedBy = Literal["password", "totp", "recovery_code", "passkey", "password_passkey"]
"""The proof with which a user has signed in.

`totp` and `recovery_code` are a password with a code, and `password_passkey` is a password with a passkey.
"""


class Session(Struct, frozen=True):
    """A sign-in that has neither ended nor expired. `last_seen_at` is at most an hour before the latest request."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    user_agent: str | None
    opened_by: OpenedBy


class OpenSession(Struct, frozen=True):
    """A session for which a token can be signed. It expires after `remaining` unless it is renewed."""

    id: UUID
    remaining: timedelta


class SessionUpdates:
    """Remembers when this process last updated each session, so that it does so once per interval.

    An UPDATE of `last_seen_at` makes the read of a session 17% slower. Only one read in 30 minutes has it.
    """

    def __init__(self, interval_seconds: float) -> None:
        self._interval_seconds = interval_seconds
        self._updated_at: dict[UUID, float] = {}

    def __len__(self) -> int:
        return len(self._updated_at)

    def needs_update(self, session_id: UUID) -> bool:
        updated_at = self._updated_at.get(session_id)
        return updated_at is None or monotonic() - updated_at >= self._interval_seconds

    def note_update(self, session_id: UUID) -> None:
        if len(self._updated_at) >= _MAX_CACHED_SESSIONS:
            self._updated_at.clear()
        self._updated_at[session_id] = monotonic()


_THIS_SESSION: Final = "sessions.id = :session_id AND sessions.user_id = :user_id"
# `expires_at` alone is not enough: rows of older releases, or from before SESSION_MAX_SECONDS was lowered, exceed it.
_NOT_EXPIRED: Final = "sessions.expires_at > now() AND sessions.created_at > now() - CAST(:max_lifetime AS interval)"
SESSION_LASTS: Final = f"{_THIS_SESSION} AND {_NOT_EXPIRED}"
"""SQL that is true for the session `:session_id` of the user `:user_id` until it ends or expires."""
_RENEWED: Final = f"""
    expires_at = LEAST(now() + CAST(:lifetime AS interval), created_at + CAST(:max_lifetime AS interval)),
    last_seen_at = now()
    WHERE {SESSION_LASTS}
    RETURNING id, expires_at - now() AS remaining
"""

_INSERT = Statement("""
    INSERT INTO sessions (id, user_id, user_agent, opened_by, expires_at)
    SELECT
        CAST(:id AS uuid), users.id, CAST(:user_agent AS text), CAST(:opened_by AS text),
        now() + CAST(:lifetime AS interval)
    FROM users WHERE users.id = :user_id AND password_hash = :password_hash
    -- Conflicts with the UPDATE of a password change: whichever comes second waits for the first and sees its rows.
    FOR SHARE
    RETURNING id, expires_at - now() AS remaining
""")
# A statement of its own, because it must see the sessions that concurrent logins have opened. SKIP LOCKED prevents
# deadlocks with those logins and with a password change.
_DELETE_SURPLUS = Statement("""
    DELETE FROM sessions WHERE user_id = :user_id AND id IN (
        SELECT id FROM sessions WHERE user_id = :user_id AND (expires_at <= now() OR id IN (
            SELECT id FROM sessions WHERE user_id = :user_id AND expires_at > now()
            ORDER BY created_at DESC, id DESC OFFSET :max_sessions
        ))
        FOR UPDATE SKIP LOCKED
    )
""")
_SELECT_PAGE = Statement(f"""
    SELECT id, created_at, last_seen_at, user_agent, opened_by FROM sessions
    WHERE user_id = :user_id AND {_NOT_EXPIRED} AND (created_at, id) < (:created_at, :id)
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")  # noqa: S608
_RENEW = Statement(f"UPDATE sessions SET {_RENEWED}")  # noqa: S608
_REPLACE = Statement(f"UPDATE sessions SET id = :new_id, {_RENEWED}")  # noqa: S608
_DELETE = Statement(f"""
    WITH push AS (DELETE FROM push_subscriptions WHERE user_id = :user_id AND session_id = :session_id)
    DELETE FROM sessions WHERE {_THIS_SESSION} RETURNING id
""")  # noqa: S608
_DELETE_OTHERS = Statement("""
    WITH push AS (DELETE FROM push_subscriptions WHERE user_id = :user_id AND session_id <> :session_id)
    DELETE FROM sessions WHERE user_id = :user_id AND id <> :session_id
""")
_DELETE_ALL = Statement("""
    WITH push AS (DELETE FROM push_subscriptions WHERE user_id = :user_id AND session_id IS NOT NULL)
    DELETE FROM sessions WHERE user_id = :user_id RETURNING id
""")
_SELECT_USER_SQL: Final = f"""
    SELECT {USER_COLUMNS}, last_seq FROM sessions JOIN {USERS_WITH_USAGE} ON users.id = sessions.user_id
    WHERE {SESSION_LASTS}
"""  # noqa: S608
_SELECT_USER = Statement(_SELECT_USER_SQL)
_SELECT_USER_AND_UPDATE = Statement(f"""
    WITH updated AS (
        UPDATE sessions SET last_seen_at = now() WHERE {SESSION_LASTS}
        AND last_seen_at < now() - interval '{LAST_SEEN_INTERVAL_SECONDS} seconds'
    )
    {_SELECT_USER_SQL}
""")  # noqa: S608

_BEFORE_FIRST_PAGE: Final = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


async def open_session(  # noqa: PLR0913 - the user, and what the session stores
    db: Database,
    settings: SessionSettings,
    user_id: UUID,
    *,
    password_hash: str,
    user_agent: str | None,
    opened_by: OpenedBy = "password",
) -> OpenSession:
    """Signs the user in.

    Raises InvalidCredentials when the account was closed or its password hash is no longer `password_hash`.
    """
    opened = await db.write(
        _INSERT,
        id=new_id(),
        user_id=user_id,
        password_hash=password_hash,
        user_agent=user_agent[:_MAX_USER_AGENT_CHARACTERS] if user_agent else None,
        opened_by=opened_by,
        lifetime=min(settings.lifetime, settings.max_lifetime),
    )
    if opened is None:
        raise InvalidCredentials
    return OpenSession(*opened)


async def close_surplus(db: Database, user_id: UUID, *, max_sessions: int) -> None:
    """Ends the user's oldest sessions beyond `max_sessions`, and deletes expired ones."""
    await db.write(_DELETE_SURPLUS, user_id=user_id, max_sessions=max_sessions)


async def fetch_user(
    db: Database, last_seen: SessionUpdates, max_lifetime: timedelta, user_id: UUID, session_id: UUID
) -> tuple[User, int]:
    """Returns the user of a session, and the number of the user's latest change.

    At most every 30 minutes, also updates the session's `last_seen_at`. Raises NotAuthenticated when the session has
    ended or expired.
    """
    needs_update = last_seen.needs_update(session_id)
    statement = _SELECT_USER_AND_UPDATE if needs_update else _SELECT_USER
    row = await db.fetch_one(statement, session_id=session_id, user_id=user_id, max_lifetime=max_lifetime)
    if row is None:
        raise NotAuthenticated
    if needs_update:
        last_seen.note_update(session_id)
    *columns, last_seq = row
    return User(*columns), last_seq


async def list_page(
    db: Executor,
    user_id: UUID,
    *,
    max_lifetime: timedelta,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> list[Session]:
    """Returns at most `limit` sessions of the user, newest sign-in first.

    `after` is the creation time and the id of the last session on the page before.
    """
    created_at, session_id = after or _BEFORE_FIRST_PAGE
    rows = await db.fetch_all(
        _SELECT_PAGE, user_id=user_id, max_lifetime=max_lifetime, created_at=created_at, id=session_id, limit=limit
    )
    return [Session(*row) for row in rows]


async def renew(db: Executor, settings: SessionSettings, user_id: UUID, session_id: UUID) -> OpenSession | None:
    """Extends the session, but not past its maximum lifetime. Returns None when it has ended or expired."""
    renewed = await db.write(_RENEW, session_id=session_id, user_id=user_id, **_lifetimes(settings))
    return None if renewed is None else OpenSession(*renewed)


async def replace(db: Executor, settings: SessionSettings, user_id: UUID, session_id: UUID) -> OpenSession:
    """Renews the session under a new id, so that all its tokens are refused from now on.

    Raises NotAuthenticated when the session has ended or expired.
    """
    replaced = await db.write(_REPLACE, session_id=session_id, new_id=new_id(), user_id=user_id, **_lifetimes(settings))
    if replaced is None:
        raise NotAuthenticated
    return OpenSession(*replaced)


def _lifetimes(settings: SessionSettings) -> dict[str, timedelta]:
    return {"lifetime": settings.lifetime, "max_lifetime": settings.max_lifetime}


async def close(db: Database, user_id: UUID, session_id: UUID) -> None:
    """Ends the session by deleting it. Raises SessionNotFound when the user has no such session (any more)."""
    if await db.write(_DELETE, session_id=session_id, user_id=user_id) is None:
        raise SessionNotFound


async def close_others(db: Executor, user_id: UUID, session_id: UUID) -> None:
    """Ends every session of the user except `session_id`."""
    await db.write(_DELETE_OTHERS, session_id=session_id, user_id=user_id)


async def close_all(db: Executor, user_id: UUID) -> int:
    """Ends every session of the user. Returns their number."""
    return len(await db.fetch_all(_DELETE_ALL, user_id=user_id))


delete_expired: Final = purged_at_expiry("sessions")
