"""API tokens: secrets with scopes, which programs send as bearer tokens instead of a session token.

A token is `todo_pat_`, 34 random characters, and 6 of a checksum by which secret scanners recognize it. The database
has its SHA-256 alone. Deleting the row revokes the token.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from todo_core.accounts import token_texts
from todo_core.accounts.errors import TokenNotFound
from todo_core.accounts.user import USER_COLUMNS, USERS_WITH_USAGE, User
from todo_core.database.executor import Database, Executor
from todo_core.database.expiry import purged_at_expiry
from todo_core.database.statements import Statement
from todo_core.errors import InvalidToken, NotAuthenticated, QuotaExceeded
from todo_core.identifiers import new_id
from todo_core.secret_values import SecretValue

type TokenScope = Literal["todos:read", "todos:write", "chat", "account:read"]
"""A part of the API that a token opens. `chat` includes all that the assistant may do with todos."""

PREFIX: Final = "todo_pat_"
_MAX_REMEMBERED_TOKENS: Final = 4096


class ApiToken(Struct, frozen=True):
    """An API token that has not expired. `last_used_at` is the beginning of the hour of its latest use (UTC).

    With `may_delete_unasked`, the program may delete without asking a person.
    """

    id: UUID
    name: str
    scopes: Sequence[TokenScope]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    may_delete_unasked: bool


class CreatedApiToken(ApiToken, SecretValue, frozen=True):
    """A new API token. Its text is known only now."""

    token: str


class TokenUser(Struct, frozen=True):
    """The user of a valid API token or access token, with the token's name and rights.

    `last_seq` is the number of the user's latest change.
    """

    user: User
    last_seq: int
    token_id: UUID
    token_name: str
    may_delete_unasked: bool
    scopes: frozenset[TokenScope]


class TokenMemory:
    """Remembers the owners of API tokens that this process has seen, and tokens that it has refused.

    By the owner, a request counts for its user before the database is asked. A refused token never becomes valid, so a
    program that repeats it costs no statements. Tokens are known by their hashes.
    """

    def __init__(self) -> None:
        self._owners: dict[bytes, UUID] = {}
        self._refused: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._owners) + len(self._refused)

    def find_owner(self, token_hash: bytes) -> UUID | None:
        return self._owners.get(token_hash)

    def is_refused(self, token_hash: bytes) -> bool:
        return token_hash in self._refused

    def note_owner(self, token_hash: bytes, owner: UUID) -> None:
        if len(self._owners) >= _MAX_REMEMBERED_TOKENS:
            self._owners.clear()
        self._owners[token_hash] = owner

    def note_refusal(self, token_hash: bytes) -> None:
        self._owners.pop(token_hash, None)
        if len(self._refused) >= _MAX_REMEMBERED_TOKENS:
            self._refused.clear()
        self._refused.add(token_hash)


_COLUMNS: Final = "id, name, scopes, created_at, last_used_at, expires_at, may_delete_unasked"
_NOT_EXPIRED: Final = "(api_tokens.expires_at > now()) IS NOT FALSE"
_THIS_HOUR: Final = "date_trunc('hour', now(), 'UTC')"
_USED_IN_EARLIER_HOUR: Final = f"(api_tokens.last_used_at >= {_THIS_HOUR}) IS NOT TRUE"

# Transactions that make tokens of one user pass one by one, so each counts the tokens of those before.
_LOCK_OWNER = Statement("SELECT id FROM users WHERE id = :user_id FOR NO KEY UPDATE")
_DELETE_EXPIRED_OF_OWNER = Statement("DELETE FROM api_tokens WHERE user_id = :user_id AND expires_at <= now()")
_INSERT = Statement(f"""
    INSERT INTO api_tokens (id, user_id, name, token_hash, scopes, expires_at, may_delete_unasked)
    SELECT CAST(:id AS uuid), CAST(:user_id AS uuid), CAST(:name AS text), CAST(:token_hash AS bytea),
        CAST(:scopes AS text[]), CAST(:expires_at AS timestamptz),
        CAST(:may_delete_unasked AS boolean)
    WHERE (SELECT count(*) FROM api_tokens WHERE user_id = :user_id) < CAST(:quota AS int)
    RETURNING {_COLUMNS}
""")  # noqa: S608 - constants, as all below
_SELECT_PAGE = Statement(f"""
    SELECT {_COLUMNS} FROM api_tokens
    WHERE user_id = :user_id AND {_NOT_EXPIRED} AND (created_at, id) < (:created_at, :id)
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")  # noqa: S608
_DELETE_ALL = Statement("DELETE FROM api_tokens WHERE user_id = :user_id RETURNING id")
_DELETE = Statement("DELETE FROM api_tokens WHERE id = :id AND user_id = :user_id RETURNING id")
_SELECT_USER = Statement(f"""
    SELECT {USER_COLUMNS}, last_seq, api_tokens.id AS token_id, api_tokens.name AS token_name, may_delete_unasked,
        scopes, {_USED_IN_EARLIER_HOUR} AS needs_update
    FROM api_tokens JOIN {USERS_WITH_USAGE} ON users.id = api_tokens.user_id
    WHERE token_hash = :token_hash AND {_NOT_EXPIRED}
""")  # noqa: S608
_UPDATE_LAST_USED = Statement(f"""
    UPDATE api_tokens SET last_used_at = {_THIS_HOUR} WHERE token_hash = :token_hash AND {_USED_IN_EARLIER_HOUR}
""")  # noqa: S608

_BEFORE_FIRST_PAGE: Final = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


async def create(  # noqa: PLR0913 - the fields of a token, and the quota
    db: Database,
    user_id: UUID,
    *,
    name: str,
    scopes: Collection[TokenScope],
    expires_at: datetime | None,
    may_delete_unasked: bool = False,
    quota: int,
) -> CreatedApiToken:
    """Makes an API token.

    Raises QuotaExceeded beyond `quota` tokens that have not expired, and NotAuthenticated when the account was closed.
    """
    token = token_texts.make_token(PREFIX)
    async with db.transaction() as transaction:
        if await transaction.write(_LOCK_OWNER, user_id=user_id) is None:
            raise NotAuthenticated
        await transaction.write(_DELETE_EXPIRED_OF_OWNER, user_id=user_id)
        row = await transaction.write(
            _INSERT,
            id=new_id(),
            user_id=user_id,
            name=name,
            token_hash=sha256(token.encode()).digest(),
            scopes=sorted(set(scopes)),
            expires_at=expires_at,
            may_delete_unasked=may_delete_unasked,
            quota=quota,
        )
    if row is None:
        raise QuotaExceeded("api_tokens", quota)
    return CreatedApiToken(**dict(row), token=token)


async def list_page(
    db: Executor, user_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[ApiToken]:
    """Returns at most `limit` tokens of the user, the newest first.

    `after` is the creation time and the id of the last token on the page before.
    """
    created_at, token_id = after or _BEFORE_FIRST_PAGE
    rows = await db.fetch_all(_SELECT_PAGE, user_id=user_id, created_at=created_at, id=token_id, limit=limit)
    return [ApiToken(*row) for row in rows]


async def delete(db: Executor, user_id: UUID, token_id: UUID) -> None:
    """Revokes a token. Raises TokenNotFound when the user has no such token (any more)."""
    if await db.write(_DELETE, id=token_id, user_id=user_id) is None:
        raise TokenNotFound


async def delete_all(db: Executor, user_id: UUID) -> int:
    """Revokes all tokens of the user. Returns their number."""
    return len(await db.fetch_all(_DELETE_ALL, user_id=user_id))


async def fetch_user(db: Executor, memory: TokenMemory, token_hash: bytes) -> TokenUser:
    """Returns the user of a token. The first use in an hour also updates `last_used_at`.

    Raises InvalidToken when the token is unknown, was revoked or has expired.
    """
    if memory.is_refused(token_hash):
        raise InvalidToken
    row = await db.fetch_one(_SELECT_USER, token_hash=token_hash)
    if row is None:
        memory.note_refusal(token_hash)
        raise InvalidToken
    *columns, last_seq, token_id, token_name, may_delete_unasked, scopes, needs_update = row
    user = User(*columns)
    memory.note_owner(token_hash, user.id)
    if needs_update:
        await db.fetch_one(_UPDATE_LAST_USED, token_hash=token_hash)
    return TokenUser(user, last_seq, token_id, token_name, may_delete_unasked, frozenset(scopes))


delete_expired: Final = purged_at_expiry("api_tokens")


def hash_token(token: str) -> bytes | None:
    """Returns the SHA-256 by which a token is stored. None for a text with another form or a wrong checksum."""
    return token_texts.hash_token(PREFIX, token)
