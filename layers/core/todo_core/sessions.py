"""Sign-ins. A session token is good only as long as its session is here, so ending a session ends its token."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

from sqlalchemy import Integer, Uuid, bindparam, delete, func, insert, select, tuple_, update

from todo_core.database import Database, Executor
from todo_core.errors import InvalidCredentials, NotAuthenticated, SessionNotFound
from todo_core.identifiers import new_id
from todo_core.statements import Statement
from todo_core.tables import table_of
from todo_core.tables.accounts import SessionRow, UserRow
from todo_core.user import USER_COLUMNS, User

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


_sessions = table_of(SessionRow)
_users = table_of(UserRow)
_THIS = (_sessions.c.id == bindparam("session_id")) & (_sessions.c.user_id == bindparam("of_user"))

_GOES_ON = _sessions.c.expires_at > func.now()

_INSERT = Statement(
    insert(_sessions)
    .from_select(
        ["id", "user_id", "user_agent", "expires_at"],
        select(
            bindparam("id", type_=Uuid),
            _users.c.id,
            bindparam("user_agent", type_=_sessions.c.user_agent.type),
            bindparam("expires_at", type_=_sessions.c.expires_at.type),
        )
        .where(_users.c.id == bindparam("of_user"), _users.c.password_hash == bindparam("password_hash"))
        # A change of the password waits for this, or is waited for and seen.
        .with_for_update(read=True),
    )
    .add_cte(
        delete(_sessions)
        .where(_sessions.c.user_id == bindparam("of_user"), _sessions.c.expires_at <= func.now())
        .cte("expired")
    )
    .returning(_sessions.c.id)
)
_select_user = (
    select(*USER_COLUMNS).join_from(_sessions, _users, _sessions.c.user_id == _users.c.id).where(_THIS, _GOES_ON)
)
_USER_OF = Statement(_select_user)
_USER_OF_SEEN = Statement(
    _select_user.add_cte(
        update(_sessions)
        .where(_THIS, _GOES_ON, _sessions.c.last_seen_at < func.now() - timedelta(seconds=_SECONDS_BETWEEN_SIGHTINGS))
        .values(last_seen_at=func.now())
        .cte("seen")
    )
)
_PAGE = Statement(
    select(*(_sessions.c[name] for name in ("id", "created_at", "last_seen_at", "user_agent")))
    .where(
        _sessions.c.user_id == bindparam("of_user"),
        _GOES_ON,
        tuple_(_sessions.c.created_at, _sessions.c.id)
        < tuple_(bindparam("created_at", type_=_sessions.c.created_at.type), bindparam("id", type_=Uuid)),
    )
    .order_by(_sessions.c.created_at.desc(), _sessions.c.id.desc())
    .limit(bindparam("most", type_=Integer))
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
_DELETE = Statement(delete(_sessions).where(_THIS).returning(_sessions.c.id))
_DELETE_OTHERS = Statement(
    delete(_sessions).where(
        _sessions.c.user_id == bindparam("of_user"), _sessions.c.id != bindparam("session_id", type_=Uuid)
    )
)

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
        of_user=user_id,
        password_hash=password_hash,
        user_agent=user_agent[:_LONGEST_USER_AGENT] if user_agent else None,
        expires_at=datetime.now(UTC) + lifetime,
    )
    if opened is None:
        raise InvalidCredentials
    return session_id


async def user_of(db: Database, user_id: UUID, session_id: UUID) -> User:
    """The user of a session that goes on, which is now seen. Raises NotAuthenticated when it has ended."""
    now = monotonic()
    is_due = now - _seen.get(session_id, -_SECONDS_BETWEEN_SIGHTINGS) >= _SECONDS_BETWEEN_SIGHTINGS
    row = await db.fetch_one(_USER_OF_SEEN if is_due else _USER_OF, session_id=session_id, of_user=user_id)
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
    db: Executor, user_id: UUID, *, most: int, after: tuple[datetime, UUID] | None = None
) -> list[Session]:
    """At most `most` of the user's sessions, the newest sign-in first, after the one that was made then."""
    created_at, session_id = after or _BEFORE_THE_FIRST
    rows = await db.fetch_all(_PAGE, of_user=user_id, created_at=created_at, id=session_id, most=most)
    return [Session(*row) for row in rows]


async def extend(db: Database, user_id: UUID, session_id: UUID, lifetime: timedelta) -> None:
    """Lets the session go on for another `lifetime` from now."""
    await db.write(_EXTEND, session_id=session_id, of_user=user_id, new_expiry=datetime.now(UTC) + lifetime)


async def close(db: Database, user_id: UUID, session_id: UUID) -> None:
    """Ends the session. Raises SessionNotFound when there is none, or no more."""
    if await db.write(_DELETE, session_id=session_id, of_user=user_id) is None:
        raise SessionNotFound


async def close_others(db: Executor, user_id: UUID, session_id: UUID) -> None:
    """Ends every session of the user but this one."""
    await db.write(_DELETE_OTHERS, session_id=session_id, of_user=user_id)


async def sweep(db: Database, *, most: int) -> int:
    """Forgets at most so many sessions that have expired. Gives how many it were."""
    return len(await db.fetch_all(_SWEEP, most=most))
