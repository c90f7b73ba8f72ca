"""The change log covers projects and tags, and tells followers of changes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# By the column `read_bytes`: the function snapshot_bytes() of the revision before counts todos only.
_DELETE_LOG_OF_OTHERS = """
    WITH deleted AS (DELETE FROM change_log WHERE todo_id IS NULL RETURNING user_id, read_bytes)
    UPDATE account_usage SET stored_bytes = stored_bytes - deleted_of_user.bytes
    FROM (SELECT user_id, sum(read_bytes) AS bytes FROM deleted GROUP BY user_id) AS deleted_of_user
    WHERE account_usage.user_id = deleted_of_user.user_id
"""


def upgrade() -> None:
    op.add_column("account_usage", sa.Column("followed_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("change_log", sa.Column("project_id", sa.Uuid(), nullable=True))
    op.add_column("change_log", sa.Column("tag", sa.Text(), nullable=True))
    op.alter_column("change_log", "todo_id", nullable=True)


def downgrade() -> None:
    op.execute(_DELETE_LOG_OF_OTHERS)
    op.alter_column("change_log", "todo_id", nullable=False)
    op.drop_column("change_log", "tag")
    op.drop_column("change_log", "project_id")
    op.drop_column("account_usage", "followed_until")
