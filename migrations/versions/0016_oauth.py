"""Clients, codes, connections and tokens of OAuth. API tokens that may delete without asking."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("redirect_uris", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("auth_method", sa.Text(), nullable=False),
        _flag("is_used"),
        *_times(),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("oauth_clients_unused", "oauth_clients", ["created_at"], postgresql_where=sa.text("NOT is_used"))
    op.create_table(
        "oauth_connections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_name", sa.Text(), nullable=False),
        sa.Column("client_host", sa.Text(), nullable=False),
        *_grant(),
        sa.Column("refresh_family", sa.LargeBinary(), nullable=False),
        sa.Column("refresh_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        *_times(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("refresh_family"),
    )
    op.create_index("oauth_connections_of_user", "oauth_connections", ["user_id", "id"])
    op.create_index(op.f("ix_oauth_connections_client_id"), "oauth_connections", ["client_id"])
    op.create_table(
        "oauth_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_name", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.Text(), nullable=False),
        *_grant(),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        *_times(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["connection_id"], ["oauth_connections.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code_hash"),
    )
    op.create_index(op.f("ix_oauth_codes_user_id"), "oauth_codes", ["user_id"])
    op.create_index(op.f("ix_oauth_codes_connection_id"), "oauth_codes", ["connection_id"])
    op.create_table(
        "oauth_access_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        *_times(),
        sa.ForeignKeyConstraint(["connection_id"], ["oauth_connections.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(op.f("ix_oauth_access_tokens_connection_id"), "oauth_access_tokens", ["connection_id"])
    for table in ("oauth_clients", "oauth_connections", "oauth_codes", "oauth_access_tokens"):
        op.create_index(op.f(f"ix_{table}_expires_at"), table, ["expires_at"])
    op.add_column("api_tokens", _flag("may_delete_unasked"))


def _grant() -> list[sa.Column[object]]:
    return [
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        _flag("may_delete_unasked"),
    ]


def _times() -> list[sa.Column[object]]:
    return [
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    ]


def _flag(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean(), server_default="false", nullable=False)


def downgrade() -> None:
    op.drop_column("api_tokens", "may_delete_unasked")
    for table in ("oauth_access_tokens", "oauth_codes", "oauth_connections", "oauth_clients"):
        op.drop_table(table)
