"""Lists by due date in the user's time zone, search in scripts without spaces, and tags without regard to case."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import op

from functions.migrate.indexes import build_index, rebuild_index
from todo_core.schema.sql_files import run_script, run_sql_file

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_DUE_INDEXES: Final = {f"todos_by_{column}": column for column in ("due_at", "due_date")}
_NEW_FUNCTIONS: Final = (
    *("any_asked(text, text)", "parts_asked(text)", "part_query(text[], boolean, text)", "pairs_in(text)"),
    *("plain_words_in(text)", "without_runs(text)", "run_text(text)", "run_character()", "tag_key(text)"),
)
_LOG_TRIGGER: Final = """
    CREATE OR REPLACE TRIGGER todos_log_updated AFTER UPDATE ON todos
    REFERENCING OLD TABLE AS old_todos NEW TABLE AS new_todos
    FOR EACH STATEMENT {condition} EXECUTE FUNCTION log_updated_todos()
"""
_UNLESS_REWORDING: Final = "WHEN (current_setting('todo.rewording', true) IS DISTINCT FROM 'on')"
_MAY_HAVE_OTHER_WORDS: Final = """
    (title ~ ('ς|' || {runs}) OR description ~ ('ς|' || {runs})) AND words IS DISTINCT FROM words_of(title, description)
"""
_REWORD: Final = """
    WITH chosen AS MATERIALIZED (
        SELECT id FROM todos WHERE id > CAST(:after AS uuid) AND {has_other_words}
        ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED
    ), reworded AS (
        UPDATE todos SET title = title WHERE id IN (SELECT id FROM chosen)
    )
    SELECT CAST(max(CAST(id AS text)) AS uuid) FROM chosen
"""
_MAX_PASSES: Final = 20
"""Passes over the table. Each skips the todos that a writer holds at that moment."""


def upgrade() -> None:
    # Each step may run twice: some commit, and a later one may fail.
    for name, column in _DUE_INDEXES.items():
        build_index(name, f"todos (user_id, {column}, id, completed) WHERE deleted_at IS NULL AND {column} IS NOT NULL")
    runs = "run_character()"
    run_sql_file(op.get_bind(), "search")
    op.create_index("known_tags_by_key", "known_tags", ["user_id", sa.text("tag_key(tag)")], if_not_exists=True)
    op.execute(_LOG_TRIGGER.format(condition=_UNLESS_REWORDING))
    _reword(runs)
    # The keys of tags are in this index; rows that were reworded are in it already.
    rebuild_index("todos_by_terms")


def _reword(runs: str) -> None:
    """Computes the words of todos anew where they differ. Todos keep their versions, and the log gets no entry.

    Commits what the migration has changed before, and each 500 todos.
    """
    has_other_words = _MAY_HAVE_OTHER_WORDS.format(runs=runs)
    statement = sa.text(_REWORD.format(has_other_words=has_other_words))
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        connection.execute(sa.text("SET todo.rewording = 'on'"))
        for _ in range(_MAX_PASSES):
            after: object = "00000000-0000-0000-0000-000000000000"
            while after is not None:
                after = connection.scalar(statement, {"after": after})
            if not connection.scalar(sa.text(f"SELECT EXISTS (SELECT FROM todos WHERE {has_other_words})")):  # noqa: S608
                break
        connection.execute(sa.text("RESET todo.rewording"))


def downgrade() -> None:
    # The text of `run_character()`, which the functions of before do not have.
    runs = str(op.get_bind().scalar(sa.text("SELECT quote_literal(run_character())")))
    op.drop_index("known_tags_by_key", table_name="known_tags", if_exists=True)
    run_script(op.get_bind(), Path(__file__).with_name("0009_search.sql").read_text())
    for function in _NEW_FUNCTIONS:
        op.execute(f"DROP FUNCTION IF EXISTS {function}")
    op.execute(_LOG_TRIGGER.format(condition=_UNLESS_REWORDING))
    _reword(runs)
    op.execute(_LOG_TRIGGER.format(condition=""))
    rebuild_index("todos_by_terms")
    for name in _DUE_INDEXES:
        op.drop_index(name, table_name="todos", if_exists=True)
