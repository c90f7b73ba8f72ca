"""The start of a recurrence, skipped occurrences, and the place of a postponed todo in its series."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("todos", sa.Column("recurrence_from", sa.Text(), server_default="due", nullable=False))
    op.add_column("todos", sa.Column("skips", sa.Integer(), server_default="0", nullable=False))
    series = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    op.add_column("todos", sa.Column("series", series, nullable=True))


def downgrade() -> None:
    for column in ("series", "skips", "recurrence_from"):
        op.drop_column("todos", column)
