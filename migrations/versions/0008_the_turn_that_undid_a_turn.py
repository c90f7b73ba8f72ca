"""The turn that undid a turn, so that a redo can bring the undone turn back."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("turns", sa.Column("undone_by", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("turns", "undone_by")
