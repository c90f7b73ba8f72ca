"""Questions and reversals of turns, and the data that a model's provider must get back."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _json_column(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)


def upgrade() -> None:
    op.add_column("turns", sa.Column("reversal", sa.Text(), nullable=True))
    op.create_check_constraint("turns_reversal", "turns", "reversal IN ('undo', 'redo')")
    # The turn that undid this turn: a redo brings the undone turn back.
    op.add_column("turns", sa.Column("undone_by", sa.Uuid(), nullable=True))
    op.add_column("rounds", _json_column("question"))
    op.add_column("rounds", _json_column("extras"))
    op.add_column("tool_calls", _json_column("extras"))


def downgrade() -> None:
    op.drop_column("tool_calls", "extras")
    op.drop_column("rounds", "extras")
    op.drop_column("rounds", "question")
    op.drop_column("turns", "undone_by")
    op.drop_constraint("turns_reversal", "turns")
    op.drop_column("turns", "reversal")
