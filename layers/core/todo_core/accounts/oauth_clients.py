"""Clients of OAuth: their metadata, and those that have registered themselves (RFC 7591).

A client with an https URL as its id publishes its metadata there, and has no row.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from secrets import token_bytes
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from todo_core.accounts.oauth_errors import OAuthError
from todo_core.accounts.redirect_uris import MAX_CHARACTERS, MAX_URIS, find_host, require_valid
from todo_core.database.executor import Database, Executor
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement
from todo_core.identifiers import new_id
from todo_core.secret_values import SecretValue
from todo_core.text import Text

type AuthMethod = Literal["none", "client_secret_post", "client_secret_basic"]

MAX_NAME_CHARACTERS: Final = 100
_MAX_UNUSED_CLIENTS: Final = 10_000
"""Registered clients that no user has connected. One more deletes the oldest."""
_MAX_DELETED_BY_REGISTRATION: Final = 100
_UNUSED_LIFETIME: Final = timedelta(days=1)
_USED_LIFETIME: Final = timedelta(days=90)
_GRANT_TYPES: Final = frozenset({"authorization_code", "refresh_token"})
_MAX_LISTED: Final = 20


class ClientMetadata(BaseModel):
    """The metadata that a client registers or publishes (RFC 7591). Members that this service does not use are ignored.

    Without `token_endpoint_auth_method`, the client gets a secret, as the standard demands.
    """

    model_config: ClassVar = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "client_name": "Weekly planner",
                    "redirect_uris": ["https://planner.example.com/callback"],
                    "token_endpoint_auth_method": "none",
                }
            ]
        },
    )

    redirect_uris: list[Annotated[str, Field(max_length=MAX_CHARACTERS)]] = Field(min_length=1, max_length=MAX_URIS)
    client_name: Annotated[str, Text(min_length=1, max_length=MAX_NAME_CHARACTERS)] | None = None
    token_endpoint_auth_method: AuthMethod = "client_secret_basic"  # noqa: S105 - the name of a method
    grant_types: list[Annotated[str, Field(max_length=100)]] = Field(
        default=["authorization_code"], max_length=_MAX_LISTED
    )
    response_types: list[Annotated[str, Field(max_length=100)]] = Field(default=["code"], max_length=_MAX_LISTED)


class OAuthClient(Struct, frozen=True):
    """A client. `id` is a URL for a client that publishes its metadata, and else the id of its registration."""

    id: str
    name: str
    redirect_uris: list[str]
    auth_method: AuthMethod
    secret_hash: bytes | None = None

    def has_secret(self, secret: str) -> bool:
        return self.secret_hash is not None and compare_digest(sha256(secret.encode()).digest(), self.secret_hash)


class RegisteredClient(SecretValue, frozen=True):
    """A client that has just registered. Its secret, if it has one, is known only now."""

    client: OAuthClient
    secret: str | None


_DELETE_SURPLUS = Statement("""
    DELETE FROM oauth_clients WHERE id IN (
        SELECT id FROM oauth_clients WHERE NOT is_used
        ORDER BY created_at DESC OFFSET :kept LIMIT :limit FOR UPDATE SKIP LOCKED
    )
""")
_INSERT = Statement("""
    INSERT INTO oauth_clients (id, name, redirect_uris, secret_hash, auth_method, expires_at)
    VALUES (:id, :name, :redirect_uris, :secret_hash, :auth_method, now() + CAST(:lifetime AS interval))
""")
_SELECT = Statement("""
    SELECT id, name, redirect_uris, auth_method, secret_hash FROM oauth_clients
    WHERE id = :id AND (expires_at > now() OR EXISTS (
        SELECT FROM oauth_connections WHERE client_id = CAST(oauth_clients.id AS text)
    ))
""")
_MARK_AS_USED = Statement("""
    UPDATE oauth_clients SET is_used = true, expires_at = now() + CAST(:lifetime AS interval) WHERE id = :id
""")
_DELETE_EXPIRED = Statement("""
    DELETE FROM oauth_clients WHERE id IN (
        SELECT id FROM oauth_clients WHERE expires_at <= now() AND NOT EXISTS (
            SELECT FROM oauth_connections WHERE client_id = CAST(oauth_clients.id AS text)
        )
        ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id
""")


def parse_metadata(document: object) -> ClientMetadata:
    """Returns the metadata of a client. Raises OAuthError for metadata with which it could not work."""
    try:
        metadata = ClientMetadata.model_validate(document)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = ".".join(map(str, fault["loc"])) or "the document"
        raise OAuthError("invalid_client_metadata", f"{name}: {fault['msg']}.") from None
    for uri in metadata.redirect_uris:
        require_valid(uri)
    if "authorization_code" not in metadata.grant_types or not set(metadata.grant_types) <= _GRANT_TYPES:
        raise OAuthError("invalid_client_metadata", f"grant_types may be {', '.join(sorted(_GRANT_TYPES))}.")
    if metadata.response_types != ["code"]:
        raise OAuthError("invalid_client_metadata", "response_types may be code only.")
    return metadata


def name_client(metadata: ClientMetadata) -> str:
    """Returns the name of a client: the one that it gives itself, or the host of its first redirect URI."""
    return metadata.client_name or find_host(metadata.redirect_uris[0])[:MAX_NAME_CHARACTERS]


async def register(db: Database, metadata: ClientMetadata) -> RegisteredClient:
    """Stores a client. Nobody has proved anything: the consent page shows the host of its redirect URI."""
    method = metadata.token_endpoint_auth_method
    secret = None if method == "none" else urlsafe_b64encode(token_bytes(32)).decode().rstrip("=")
    secret_hash = None if secret is None else sha256(secret.encode()).digest()
    client_id = new_id()
    name, uris = name_client(metadata), list(dict.fromkeys(metadata.redirect_uris))
    await db.write(_DELETE_SURPLUS, kept=_MAX_UNUSED_CLIENTS - 1, limit=_MAX_DELETED_BY_REGISTRATION)
    await db.write(
        _INSERT,
        id=client_id,
        name=name,
        redirect_uris=uris,
        secret_hash=secret_hash,
        auth_method=method,
        lifetime=_UNUSED_LIFETIME,
    )
    return RegisteredClient(OAuthClient(str(client_id), name, uris, method, secret_hash), secret)


async def find_registered(db: Executor, client_id: str) -> OAuthClient | None:
    """Returns a registered client, or None for an id that no client has (any more)."""
    parsed = parse_id(client_id)
    row = None if parsed is None else await db.fetch_one(_SELECT, id=parsed)
    return None if row is None else OAuthClient(str(row[0]), *row[1:])


async def mark_as_used(db: Executor, client_id: str) -> None:
    """Keeps a registered client, because a user has connected it."""
    parsed = parse_id(client_id)
    if parsed is not None:
        await db.write(_MARK_AS_USED, id=parsed, lifetime=_USED_LIFETIME)


def parse_id(client_id: str) -> UUID | None:
    """Returns the id of a registration, or None for text in another form, such as another spelling of a UUID."""
    try:
        parsed = UUID(client_id)
    except ValueError:
        return None
    return parsed if str(parsed) == client_id else None


@deletes_expired("oauth_clients")
async def delete_expired(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` clients that have expired and that no user has connected. Returns their number."""
    return len(await db.fetch_all(_DELETE_EXPIRED, limit=limit))


def list_members(registered: RegisteredClient, metadata: ClientMetadata, issued_at: int) -> dict[str, Any]:
    """Returns the response to a registration (RFC 7591, section 3.2.1). `issued_at` is in Unix seconds."""
    client = registered.client
    grants: Sequence[str] = sorted(set(metadata.grant_types))
    members: dict[str, Any] = {
        "client_id": client.id,
        "client_id_issued_at": issued_at,
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "token_endpoint_auth_method": client.auth_method,
        "grant_types": grants,
        "response_types": ["code"],
    }
    secret = {} if registered.secret is None else {"client_secret": registered.secret, "client_secret_expires_at": 0}
    return members | secret
