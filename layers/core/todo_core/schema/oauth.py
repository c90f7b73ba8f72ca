"""Tables of the OAuth authorization server: registered clients, codes, connections and their tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Column, DateTime, ForeignKey, Index, LargeBinary, Text, Uuid, text
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import EXPORT_NAME, NOT_EXPORTED, instant_column, owner_column


class OAuthClientRow(SQLModel, table=True):
    """A client that has registered itself (RFC 7591). Its `client_id` is the id. Clients with a URL have no row.

    The row is deleted after `expires_at`, unless a user has a connection to the client.
    """

    __tablename__ = "oauth_clients"
    __table_args__ = (Index("oauth_clients_unused", "created_at", postgresql_where=text("NOT is_used")),)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    redirect_uris: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    secret_hash: bytes | None = Field(sa_column=Column(LargeBinary))
    """The SHA-256 of the client's secret. Null for a public client, which has none."""
    auth_method: str = Field(sa_column=Column(Text, nullable=False))
    """The way in which the client proves itself: `none`, `client_secret_post` or `client_secret_basic`."""
    is_used: bool = Field(sa_column=Column(Boolean, nullable=False, server_default="false"))
    """True once a user has connected the client. The number of unused clients is bounded."""
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))


class OAuthConnectionRow(SQLModel, table=True):
    """The consent of a user to one client. Deleting the row ends all of its tokens.

    The name and the host of the client are those that the consent page has shown.
    """

    __tablename__ = "oauth_connections"
    __table_args__ = (
        Index("oauth_connections_of_user", "user_id", "id"),
        {"info": {EXPORT_NAME: "connections"}},
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column())
    client_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    """The id of a registered client, or the URL of a client's metadata document."""
    client_name: str = Field(sa_column=Column(Text, nullable=False))
    client_host: str = Field(sa_column=Column(Text, nullable=False))
    """The host of the redirect URI."""
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    resource: str = Field(sa_column=Column(Text, nullable=False))
    """The path of the protected resource: `/mcp` or `/api/v1`. Tokens are refused elsewhere."""
    may_delete_unasked: bool = Field(sa_column=Column(Boolean, nullable=False, server_default="false"))
    refresh_family: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True, info=NOT_EXPORTED))
    """The SHA-256 of the part that all refresh tokens of the connection have in common."""
    refresh_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, info=NOT_EXPORTED))
    """The SHA-256 of the only refresh token that is valid. Another one of the family was used before."""
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    last_used_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    """The time of the latest use, accurate to one hour. Null before the first."""
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
    """The expiry of the refresh token."""


class OAuthCodeRow(SQLModel, table=True):
    """An authorization code, good for a minute and for one use. `code_hash` is its SHA-256.

    A used code stays for an hour: its second use ends the connection that the first one has made.
    """

    __tablename__ = "oauth_codes"
    # Not exported: the rows are deleted after an hour.
    __table_args__ = ({"info": NOT_EXPORTED},)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column(index=True))
    code_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    client_id: str = Field(sa_column=Column(Text, nullable=False))
    client_name: str = Field(sa_column=Column(Text, nullable=False))
    redirect_uri: str = Field(sa_column=Column(Text, nullable=False))
    code_challenge: str = Field(sa_column=Column(Text, nullable=False))
    """The SHA-256 of the client's verifier, in URL-safe base64 without padding (PKCE, method S256)."""
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    resource: str = Field(sa_column=Column(Text, nullable=False))
    may_delete_unasked: bool = Field(sa_column=Column(Boolean, nullable=False, server_default="false"))
    connection_id: UUID | None = Field(
        sa_column=Column(Uuid, ForeignKey("oauth_connections.id", ondelete="CASCADE"), index=True)
    )
    """The connection that the first use has made. Null before."""
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))


class AccessTokenRow(SQLModel, table=True):
    """An access token of a connection. `token_hash` is its SHA-256."""

    __tablename__ = "oauth_access_tokens"
    # Not exported: the rows have nothing but hashes and times of an exported connection.
    __table_args__ = ({"info": NOT_EXPORTED},)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    connection_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("oauth_connections.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    """The scopes of the connection, or fewer."""
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
