"""Reminders that were sent, their channels, and push subscriptions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from functions.migrate.indexes import build_index

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TO_REMIND = """
    todos (reminder_at, user_id) WHERE reminder_at IS NOT NULL AND (reminded_at IS NULL OR reminded_at < reminder_at)
        AND deleted_at IS NULL AND NOT completed
"""


def upgrade() -> None:
    # The default holds for all rows that exist, which are not rewritten: their past reminders must not fire now.
    op.execute("ALTER TABLE todos ADD COLUMN IF NOT EXISTS reminded_at timestamptz DEFAULT now()")
    op.execute("ALTER TABLE todos ALTER COLUMN reminded_at DROP DEFAULT")
    build_index("todos_to_remind", _TO_REMIND)
    op.create_table(
        "reminder_channels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("mail", sa.Boolean(), nullable=False),
        sa.Column("push", sa.Boolean(), nullable=False),
        sa.Column("webhook", sa.Boolean(), nullable=False),
        sa.Column("quiet_start", sa.Time(), nullable=True),
        sa.Column("quiet_end", sa.Time(), nullable=True),
        _instant("updated_at"),
        sa.CheckConstraint(
            "(quiet_start IS NULL) = (quiet_end IS NULL) AND (quiet_start = quiet_end) IS NOT TRUE",
            name="reminder_channels_quiet_hours",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id"),
    )
    _create_push_subscriptions()


def _create_push_subscriptions() -> None:
    op.create_table(
        "push_subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("endpoint_hash", sa.LargeBinary(), nullable=False),
        sa.Column("p256dh", sa.LargeBinary(), nullable=False),
        sa.Column("auth", sa.LargeBinary(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=True),
        _instant("created_at"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], onupdate="CASCADE", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("push_subscriptions_of_user", "push_subscriptions", ["user_id", "id"])
    op.create_index("push_subscriptions_by_endpoint", "push_subscriptions", ["endpoint_hash", "user_id"], unique=True)
    op.create_index("push_subscriptions_of_session", "push_subscriptions", ["session_id"])


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def downgrade() -> None:
    op.drop_table("push_subscriptions")
    op.drop_table("reminder_channels")
    op.drop_index("todos_to_remind", "todos")
    op.drop_column("todos", "reminded_at")
