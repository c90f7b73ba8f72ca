"""Functions and triggers from the files of todo_core/schema.

A migration that changes a file runs the changed file again. If the file needs a column that this revision lacks, remove
the file from the list here: the later migration runs it anyway.
"""

from collections.abc import Sequence

from alembic import op

from todo_core.schema.sql_files import run_sql_file

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Only triggers call these functions, and triggers refer to functions by OID, so the running version is not affected.
_RENAMED = {
    "place_todo": "enforce_tree_rules",
    "carry_subtodos": "cascade_to_subtodos",
    "settle_undone_todo": "repair_undone_todo",
}


def upgrade() -> None:
    for old, new in _RENAMED.items():
        op.execute(f"ALTER FUNCTION {old}() RENAME TO {new}")
    for name in ("search", "sort_keys", "accounts"):
        run_sql_file(op.get_bind(), name)


def downgrade() -> None:
    op.execute("DROP FUNCTION lock_account(uuid)")
    # The other functions keep their bodies, which work with both revisions.
    for old, new in _RENAMED.items():
        op.execute(f"ALTER FUNCTION {new}() RENAME TO {old}")
