"""The functions and triggers of today, which use the columns and tables of the revisions before."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from alembic import op

from todo_core.schema.sql_files import SQL_FILES, run_script, run_sql_file

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_CHANGED: Final = ("usage", "change_log")
"""The files of which `0009_*.sql` is the text before this revision."""
_NEW_TRIGGERS: Final[dict[str, tuple[str, ...]]] = {}
_NEW_FUNCTIONS: Final[tuple[str, ...]] = ()


def upgrade() -> None:
    for name in SQL_FILES:
        run_sql_file(op.get_bind(), name)


def downgrade() -> None:
    for table, triggers in _NEW_TRIGGERS.items():
        for trigger in triggers:
            op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for name in _CHANGED:
        run_script(op.get_bind(), Path(__file__).with_name(f"0009_{name}.sql").read_text())
    for function in _NEW_FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
