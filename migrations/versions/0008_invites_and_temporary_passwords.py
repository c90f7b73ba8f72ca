"""Invites, and temporary passwords of accounts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("users", sa.Column("password_expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "users",
        sa.Column("known_networks", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.create_table(
        "invites",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code_hash"),
    )
    op.create_index(op.f("ix_invites_expires_at"), "invites", ["expires_at"])
    op.add_column("turns", sa.Column("reserved_tokens", sa.Integer(), server_default="0", nullable=False))
    op.create_index("turns_leased", "turns", ["user_id"], postgresql_where=sa.text("lease IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("turns_leased", "turns")
    op.drop_column("turns", "reserved_tokens")
    op.drop_table("invites")
    op.drop_column("users", "known_networks")
    op.drop_column("users", "password_expires_at")
