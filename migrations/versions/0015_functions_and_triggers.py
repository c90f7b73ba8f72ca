"""The functions and triggers of today, which use the columns and tables of the revisions before."""

from collections.abc import Mapping, Sequence
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
_NEW_TRIGGERS: Final[dict[str, tuple[str, ...]]] = {
    "todos": ("todos_past_reminder_new", "todos_past_reminder"),
    "projects": ("projects_log", "projects_no_truncate"),
}
_NEW_FUNCTIONS: Final[tuple[str, ...]] = (
    *("log_created_todo()", "check_tags(uuid, text[])", "check_changed_tags()"),
    *("skip_reminder()", "quiet_until(timestamptz, text, time, time)"),
    "reminder_message_id(uuid, timestamptz, text, uuid)",
    *("log_project()", "snapshot_of_project(projects)", "log_tag(uuid, text, text)"),
    "log_change(uuid, uuid, text, text, jsonb, jsonb)",
    *("spell_tags(uuid, text[])", "number_of_tags(uuid)", "retagged(text[], text, text)"),
    "order_of_new(text, uuid, double precision, text)",
    "room_for(text, uuid, uuid, double precision, integer, text)",
)
_OLD_TRIGGERS: Final[dict[str, tuple[str, ...]]] = {"todos": ("todos_tags_new",)}
_OLD_FUNCTIONS: Final[tuple[str, ...]] = ("log_created_todos()", "check_tags()")


def upgrade() -> None:
    for name in SQL_FILES:
        run_sql_file(op.get_bind(), name)
    _drop(_OLD_TRIGGERS, _OLD_FUNCTIONS)


def downgrade() -> None:
    for name in _CHANGED:
        run_script(op.get_bind(), Path(__file__).with_name(f"0009_{name}.sql").read_text())
    _drop(_NEW_TRIGGERS, _NEW_FUNCTIONS)


def _drop(triggers: Mapping[str, Sequence[str]], functions: Sequence[str]) -> None:
    for table, names in triggers.items():
        for name in names:
            op.execute(f"DROP TRIGGER {name} ON {table}")
    for function in functions:
        op.execute(f"DROP FUNCTION {function}")
