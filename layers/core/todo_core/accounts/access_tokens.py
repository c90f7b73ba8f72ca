"""Access tokens of OAuth: secrets of connected clients, which work for one hour at one protected resource.

A token is `todo_oat_`, 34 random characters, and 6 of a checksum. The database has its SHA-256 alone.
"""

from typing import Final

from todo_core.accounts import token_texts
from todo_core.accounts.api_tokens import TokenMemory, TokenUser
from todo_core.accounts.user import USER_COLUMNS, USERS_WITH_USAGE, User
from todo_core.database.executor import Executor
from todo_core.database.statements import Statement
from todo_core.errors import InvalidToken

PREFIX: Final = "todo_oat_"

_THIS_HOUR: Final = "date_trunc('hour', now(), 'UTC')"
_USED_IN_EARLIER_HOUR: Final = f"(oauth_connections.last_used_at >= {_THIS_HOUR}) IS NOT TRUE"
_SELECT_USER = Statement(f"""
    SELECT {USER_COLUMNS}, last_seq, oauth_connections.id AS connection_id, client_name, may_delete_unasked,
        oauth_access_tokens.scopes AS token_scopes, resource, {_USED_IN_EARLIER_HOUR} AS needs_update
    FROM oauth_access_tokens JOIN oauth_connections ON oauth_connections.id = connection_id
        JOIN {USERS_WITH_USAGE} ON users.id = oauth_connections.user_id
    WHERE token_hash = :token_hash AND oauth_access_tokens.expires_at > now()
""")  # noqa: S608 - constants, as below
_UPDATE_LAST_USED = Statement(f"""
    UPDATE oauth_connections SET last_used_at = {_THIS_HOUR} WHERE id = :id AND {_USED_IN_EARLIER_HOUR}
""")  # noqa: S608


class AccessTokenHash(bytes):
    """The SHA-256 of an access token. The type tells it from the hash of an API token."""


def hash_token(token: str) -> AccessTokenHash | None:
    """Returns the SHA-256 by which a token is stored. None for a text with another form or a wrong checksum."""
    digest = token_texts.hash_token(PREFIX, token)
    return None if digest is None else AccessTokenHash(digest)


async def fetch_user(db: Executor, memory: TokenMemory, token_hash: AccessTokenHash, *, resource: str) -> TokenUser:
    """Returns the user of a token. The first use in an hour also updates `last_used_at` of the connection.

    `resource` is the path of the protected resource that got the request. The id and the name of the token are those
    of the connection and its client.

    Raises InvalidToken when the token is unknown, was revoked, has expired or was issued for another resource.
    """
    if memory.is_refused(token_hash):
        raise InvalidToken
    row = await db.fetch_one(_SELECT_USER, token_hash=token_hash)
    if row is None:
        memory.note_refusal(token_hash)
        raise InvalidToken
    *columns, last_seq, connection_id, client_name, may_delete_unasked, scopes, issued_for, needs_update = row
    user = User(*columns)
    memory.note_owner(token_hash, user.id)
    if issued_for != resource:
        raise InvalidToken
    if needs_update:
        await db.fetch_one(_UPDATE_LAST_USED, id=connection_id)
    return TokenUser(user, last_seq, connection_id, client_name, may_delete_unasked, frozenset(scopes))
