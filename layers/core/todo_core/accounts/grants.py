"""Grants of OAuth: authorization codes, and their exchange for access tokens and refresh tokens.

A refresh token works once, and its exchange makes the next one. All refresh tokens of a connection begin alike. So a
token of the connection that is not the current one was used before: somebody else may have it, and the connection ends.
"""

from base64 import urlsafe_b64encode
from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.accounts import access_tokens, connections, oauth_clients, redirect_uris, token_texts
from todo_core.accounts.api_tokens import TokenScope
from todo_core.accounts.oauth_clients import OAuthClient
from todo_core.accounts.oauth_errors import OAuthError
from todo_core.database.executor import Database, Executor, Row, Transaction
from todo_core.database.expiry import deletes_expired, purged_at_expiry
from todo_core.database.statements import Statement
from todo_core.errors import NotAuthenticated
from todo_core.identifiers import new_id
from todo_core.secret_values import SecretValue
from todo_core.settings import OAuthSettings

CODE_PREFIX: Final = "todo_oac_"
REFRESH_PREFIX: Final = "todo_ort_"
CODE_LIFETIME: Final = timedelta(minutes=1)
_FAMILY_CHARACTERS: Final = 14
"""The random characters of a refresh token that all tokens of its connection have in common: 83 bits."""
_MAX_ACCESS_TOKENS: Final = 10
"""Access tokens of one connection. One more deletes the oldest."""


class Consent(Struct, frozen=True):
    """All that a user has allowed a client on the consent page. `resource` is a path."""

    user_id: UUID
    client: OAuthClient
    redirect_uri: str
    code_challenge: str
    scopes: Collection[TokenScope]
    resource: str
    may_delete_unasked: bool


class Tokens(SecretValue, frozen=True):
    """The tokens of a connection, as only the response to their client has them."""

    user_id: UUID
    connection_id: UUID
    access_token: str
    refresh_token: str
    scopes: list[TokenScope]
    seconds: int


class ConnectionEnded(OAuthError):
    """A code or a refresh token was used twice, so its connection has ended."""

    def __init__(self, user_id: UUID, sentence: str) -> None:
        super().__init__("invalid_grant", sentence)
        self.user_id = user_id


_INVALID_CODE: Final = "The code is not valid: it is unknown, has expired, was used, or belongs to another request."
_INVALID_REFRESH_TOKEN: Final = "The refresh token is not valid: it is unknown, has expired or was revoked."  # noqa: S105
_ANOTHER_RESOURCE: Final = "The tokens were granted for another resource."

_INSERT_CODE = Statement("""
    INSERT INTO oauth_codes (
        id, user_id, code_hash, client_id, client_name, redirect_uri, code_challenge, scopes, resource,
        may_delete_unasked, expires_at
    )
    SELECT CAST(:id AS uuid), users.id, CAST(:code_hash AS bytea), CAST(:client_id AS text),
        CAST(:client_name AS text), CAST(:redirect_uri AS text), CAST(:code_challenge AS text),
        CAST(:scopes AS text[]), CAST(:resource AS text), CAST(:may_delete_unasked AS boolean),
        now() + CAST(:lifetime AS interval)
    FROM users WHERE id = :user_id
    RETURNING id
""")
_LOCK_CODE = Statement("""
    SELECT id, user_id, client_id, client_name, redirect_uri, code_challenge, scopes, resource, may_delete_unasked,
        connection_id, expires_at > now() AS is_valid
    FROM oauth_codes WHERE code_hash = :code_hash FOR UPDATE
""")
_USE_CODE = Statement("UPDATE oauth_codes SET connection_id = :connection_id WHERE id = :id")
_DELETE_CODE = Statement("DELETE FROM oauth_codes WHERE id = :id")
_DELETE_OLD_CODES = Statement("""
    DELETE FROM oauth_codes WHERE id IN (
        SELECT id FROM oauth_codes WHERE expires_at <= now() - interval '1 hour'
        ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id
""")
# Transactions that connect clients of one user pass one by one, so each sees the connections of those before.
_LOCK_OWNER = Statement("SELECT id FROM users WHERE id = :user_id FOR NO KEY UPDATE")
_INSERT_CONNECTION = Statement("""
    INSERT INTO oauth_connections (
        id, user_id, client_id, client_name, client_host, scopes, resource, may_delete_unasked, refresh_family,
        refresh_hash, expires_at
    )
    VALUES (
        :id, :user_id, :client_id, :client_name, :client_host, :scopes, :resource, :may_delete_unasked,
        :refresh_family, :refresh_hash,
        now() + LEAST(CAST(:idle AS interval), CAST(:max_lifetime AS interval))
    )
""")
_DELETE_SURPLUS = Statement("""
    DELETE FROM oauth_connections WHERE user_id = :user_id AND id IN (
        SELECT id FROM oauth_connections WHERE user_id = :user_id
        ORDER BY coalesce(last_used_at, created_at) DESC, id DESC OFFSET :quota
    )
""")
_ROTATE = Statement("""
    UPDATE oauth_connections SET refresh_hash = :new_hash,
        expires_at = LEAST(now() + CAST(:idle AS interval), created_at + CAST(:max_lifetime AS interval))
    WHERE refresh_family = :family AND refresh_hash = :old_hash AND client_id = :client_id AND expires_at > now()
    RETURNING id, user_id, scopes, resource
""")
_SELECT_FAMILY = Statement("""
    SELECT id, user_id, client_id, refresh_hash FROM oauth_connections WHERE refresh_family = :family
""")
_INSERT_ACCESS_TOKEN = Statement("""
    INSERT INTO oauth_access_tokens (id, connection_id, token_hash, scopes, expires_at)
    SELECT CAST(:id AS uuid), CAST(:connection_id AS uuid), CAST(:token_hash AS bytea), CAST(:scopes AS text[]),
        LEAST(now() + CAST(:lifetime AS interval), oauth_connections.expires_at)
    FROM oauth_connections WHERE id = :connection_id
    RETURNING ceil(extract(epoch FROM expires_at - now()))::int AS seconds
""")
_DELETE_SURPLUS_ACCESS_TOKENS = Statement("""
    DELETE FROM oauth_access_tokens WHERE connection_id = :connection_id AND (expires_at <= now() OR id IN (
        SELECT id FROM oauth_access_tokens WHERE connection_id = :connection_id
        ORDER BY created_at DESC, id DESC OFFSET :kept
    ))
""")
_SELECT_ACCESS_TOKEN = Statement("""
    SELECT oauth_access_tokens.id, client_id, user_id
    FROM oauth_access_tokens JOIN oauth_connections ON oauth_connections.id = connection_id
    WHERE token_hash = :token_hash
""")
_DELETE_ACCESS_TOKEN = Statement("DELETE FROM oauth_access_tokens WHERE id = :id")


async def make_code(db: Database, consent: Consent) -> str:
    """Stores a consent. Returns the code for it, which works for a minute and once.

    Raises NotAuthenticated when the account was closed meanwhile.
    """
    code = token_texts.make_token(CODE_PREFIX)
    stored = await db.write(
        _INSERT_CODE,
        id=new_id(),
        user_id=consent.user_id,
        code_hash=sha256(code.encode()).digest(),
        client_id=consent.client.id,
        client_name=consent.client.name,
        redirect_uri=consent.redirect_uri,
        code_challenge=consent.code_challenge,
        scopes=sorted(set(consent.scopes)),
        resource=consent.resource,
        may_delete_unasked=consent.may_delete_unasked,
        lifetime=CODE_LIFETIME,
    )
    if stored is None:
        raise NotAuthenticated
    return code


async def exchange_code(  # noqa: PLR0913 - the parameters of the request
    db: Database,
    settings: OAuthSettings,
    client_id: str,
    *,
    code: str,
    verifier: str,
    redirect_uri: str | None,
    resource: str | None,
    quota: int,
) -> Tokens:
    """Makes a connection of a code, and its tokens. Past `quota`, the connection ends that was unused for longest.

    A second use of a code ends the connection of the first one. A wrong verifier, client, redirect URI or resource
    uses the code up. Raises OAuthError, and ConnectionEnded after a second use.
    """
    code_hash = token_texts.hash_token(CODE_PREFIX, code)
    async with db.transaction() as transaction:
        row = None if code_hash is None else await transaction.write(_LOCK_CODE, code_hash=code_hash)
        error = _find_fault(row, client_id, verifier, redirect_uri, resource)
        if row is not None and error is None:
            return await _connect(transaction, settings, row, quota)
        if row is not None:
            await _use_up(transaction, row)
    raise error or OAuthError("invalid_grant", _INVALID_CODE)


def _find_fault(
    row: Row | None, client_id: str, verifier: str, redirect_uri: str | None, resource: str | None
) -> OAuthError | None:
    """Returns the error of a code that must not be exchanged, or None."""
    if row is None:
        return OAuthError("invalid_grant", _INVALID_CODE)
    if row["connection_id"] is not None:
        return ConnectionEnded(row["user_id"], "The code was used before, so the connection that it made has ended.")
    is_right = (
        row["is_valid"],
        row["client_id"] == client_id,
        redirect_uri is None or row["redirect_uri"] == redirect_uri,
        is_right_verifier(verifier, row["code_challenge"]),
    )
    if not all(is_right):
        return OAuthError("invalid_grant", _INVALID_CODE)
    return OAuthError("invalid_target", _ANOTHER_RESOURCE) if resource not in {None, row["resource"]} else None


async def _use_up(transaction: Transaction, row: Row) -> None:
    if row["connection_id"] is not None:
        await connections.delete_if_there(transaction, row["user_id"], row["connection_id"])
    else:
        await transaction.write(_DELETE_CODE, id=row["id"])


async def _connect(transaction: Transaction, settings: OAuthSettings, row: Row, quota: int) -> Tokens:
    connection_id, user_id, refresh_token = new_id(), row["user_id"], token_texts.make_token(REFRESH_PREFIX)
    await transaction.write(_LOCK_OWNER, user_id=user_id)
    await transaction.write(
        _INSERT_CONNECTION,
        id=connection_id,
        user_id=user_id,
        client_id=row["client_id"],
        client_name=row["client_name"],
        client_host=redirect_uris.find_host(row["redirect_uri"]),
        scopes=row["scopes"],
        resource=row["resource"],
        may_delete_unasked=row["may_delete_unasked"],
        refresh_family=_hash_family(refresh_token),
        refresh_hash=sha256(refresh_token.encode()).digest(),
        idle=settings.refresh_lifetime,
        max_lifetime=settings.connection_lifetime,
    )
    await transaction.write(_DELETE_SURPLUS, user_id=user_id, quota=quota)
    await transaction.write(_USE_CODE, id=row["id"], connection_id=connection_id)
    await oauth_clients.mark_as_used(transaction, row["client_id"])
    return await _issue(transaction, settings, user_id, connection_id, refresh_token, row["scopes"])


async def refresh(  # noqa: PLR0913 - the parameters of the request
    db: Database,
    settings: OAuthSettings,
    client_id: str,
    *,
    token: str,
    scopes: Collection[TokenScope] | None,
    resource: str | None,
) -> Tokens:
    """Exchanges a refresh token for the next one and an access token, with these scopes or all of the connection.

    Raises OAuthError, and ConnectionEnded for a token that was exchanged before: its connection ends.
    """
    if token_texts.hash_token(REFRESH_PREFIX, token) is None:
        raise OAuthError("invalid_grant", _INVALID_REFRESH_TOKEN)
    following = token_texts.make_token(REFRESH_PREFIX, beginning=_find_family(token))
    async with db.transaction() as transaction:
        row = await transaction.write(
            _ROTATE,
            family=_hash_family(token),
            old_hash=sha256(token.encode()).digest(),
            new_hash=sha256(following.encode()).digest(),
            client_id=client_id,
            idle=settings.refresh_lifetime,
            max_lifetime=settings.connection_lifetime,
        )
        if row is not None:
            if resource not in {None, row["resource"]}:
                raise OAuthError("invalid_target", _ANOTHER_RESOURCE)
            chosen: list[TokenScope] = row["scopes"] if scopes is None else sorted(set(scopes))
            if not set(chosen) <= set(row["scopes"]):
                raise OAuthError("invalid_scope", "The user has not granted all of these scopes.")
            return await _issue(transaction, settings, row["user_id"], row["id"], following, chosen)
        error = await _end_if_reused(transaction, client_id, token)
    raise error


async def _end_if_reused(transaction: Transaction, client_id: str, token: str) -> OAuthError:
    """Ends the connection of a refresh token that was exchanged before. Returns the error for the client."""
    row = await transaction.fetch_one(_SELECT_FAMILY, family=_hash_family(token))
    is_reused = row is not None and not compare_digest(row["refresh_hash"], sha256(token.encode()).digest())
    if row is None or not is_reused or row["client_id"] != client_id:
        return OAuthError("invalid_grant", _INVALID_REFRESH_TOKEN)
    await connections.delete_if_there(transaction, row["user_id"], row["id"])
    return ConnectionEnded(row["user_id"], "The refresh token was used before, so its connection has ended.")


async def _issue(  # noqa: PLR0913, PLR0917 - what a response has
    transaction: Transaction,
    settings: OAuthSettings,
    user_id: UUID,
    connection_id: UUID,
    refresh_token: str,
    scopes: list[TokenScope],
) -> Tokens:
    access_token = token_texts.make_token(access_tokens.PREFIX)
    row = await transaction.write(
        _INSERT_ACCESS_TOKEN,
        id=new_id(),
        connection_id=connection_id,
        token_hash=sha256(access_token.encode()).digest(),
        scopes=scopes,
        lifetime=settings.access_lifetime,
    )
    if row is None:
        raise OAuthError("invalid_grant", _INVALID_REFRESH_TOKEN)
    await transaction.write(_DELETE_SURPLUS_ACCESS_TOKENS, connection_id=connection_id, kept=_MAX_ACCESS_TOKENS)
    return Tokens(user_id, connection_id, access_token, refresh_token, scopes, row["seconds"])


async def revoke(db: Executor, client_id: str, token: str) -> UUID | None:
    """Ends an access token, or the connection of a refresh token. Returns the user if a connection has ended.

    Does nothing for an unknown token (RFC 7009). Raises OAuthError for a token of another client.
    """
    if token_texts.hash_token(REFRESH_PREFIX, token) is not None:
        row = await db.fetch_one(_SELECT_FAMILY, family=_hash_family(token))
        if row is not None:
            _require_own(row, client_id)
            await connections.delete_if_there(db, row["user_id"], row["id"])
            user_id: UUID = row["user_id"]
            return user_id
    elif (token_hash := access_tokens.hash_token(token)) is not None:
        row = await db.fetch_one(_SELECT_ACCESS_TOKEN, token_hash=token_hash)
        if row is not None:
            _require_own(row, client_id)
            await db.write(_DELETE_ACCESS_TOKEN, id=row["id"])
    return None


def _require_own(row: Row, client_id: str) -> None:
    if row["client_id"] != client_id:
        raise OAuthError("unauthorized_client", "The token belongs to another client.")


def is_right_verifier(verifier: str, challenge: str) -> bool:
    """Returns True if the challenge is the SHA-256 of the verifier (RFC 7636, method S256)."""
    computed = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    return compare_digest(computed, challenge)


def _find_family(token: str) -> str:
    return token.removeprefix(REFRESH_PREFIX)[:_FAMILY_CHARACTERS]


def _hash_family(token: str) -> bytes:
    return sha256(_find_family(token).encode()).digest()


delete_expired_access_tokens: Final = purged_at_expiry("oauth_access_tokens")


@deletes_expired("oauth_codes")
async def delete_old_codes(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` codes that have expired an hour ago. Returns their number."""
    return len(await db.fetch_all(_DELETE_OLD_CODES, limit=limit))
