"""Counters and quotas of accounts, the change log by statement, invites, and more about passwords and turns."""

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from functions.migrate.indexes import build_index
from todo_core.schema.sql_files import run_script, run_sql_file

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Indexes of tables with many rows.
_BUILT_BESIDE_WRITES = {
    "changes_of_description": "changes (user_id, todo_id, seq) WHERE (before ->> 'description') IS NOT NULL",
    "todos_by_id": "todos (user_id, id)",
    # An export reads a user's turns in the order of their ids.
    "turns_by_id": "turns (user_id, id)",
    "turns_leased": "turns (user_id) WHERE lease IS NOT NULL",
}
_COUNT_CHANGES = """
    UPDATE account_usage SET last_seq = counted.last_seq, log_begins_at = counted.begin, stored_bytes = counted.bytes
    FROM (
        SELECT user_id, max(seq) AS last_seq, min(created_at) AS begin,
            sum(snapshot_bytes(before) + snapshot_bytes(after)) AS bytes
        FROM change_log GROUP BY user_id
    ) AS counted
    WHERE account_usage.user_id = counted.user_id
"""
_COUNT_TODOS = """
    UPDATE account_usage SET live_todos = counted.live, stored_bytes = stored_bytes + counted.bytes
    FROM (
        SELECT user_id, count(*) FILTER (WHERE deleted_at IS NULL) AS live,
            sum(todo_bytes(title, description, tags)) AS bytes
        FROM todos GROUP BY user_id
    ) AS counted
    WHERE account_usage.user_id = counted.user_id
"""
_COLLECT_TAGS = """
    INSERT INTO known_tags (user_id, tag)
    SELECT DISTINCT user_id, unnest(tags) FROM todos WHERE deleted_at IS NULL
"""
_COUNT_TURNS = """
    UPDATE turns SET stored_bytes = 600 + octet_length(message) + coalesce(octet_length(response), 0)
        + coalesce(octet_length(approval::text), 0)
        + coalesce((
            SELECT sum(200 + octet_length(content) + coalesce(octet_length(extras::text), 0))
            FROM rounds WHERE rounds.turn_id = turns.id
        ), 0)
        + coalesce((
            SELECT sum(200 + octet_length(call_id) + octet_length(name) + octet_length(arguments)
                + coalesce(octet_length(result::text), 0) + coalesce(octet_length(extras::text), 0))
            FROM tool_calls WHERE tool_calls.turn_id = turns.id
        ), 0)
"""
_COUNT_RESPONSES = """
    UPDATE account_usage SET stored_bytes = stored_bytes + counted.bytes
    FROM (
        SELECT user_id, sum(600 + octet_length(body)) AS bytes FROM idempotency_keys
        WHERE body IS NOT NULL GROUP BY user_id
    ) AS counted
    WHERE account_usage.user_id = counted.user_id
"""
_NEW_TRIGGERS = {
    "todos": (
        *("todos_log_created", "todos_log_purged", "todos_log_updated", "todos_identity", "todos_release"),
        *("todos_subtodos", "todos_undone", "todos_place", "todos_tags_new", "todos_tags"),
    ),
    "users": ("users_usage", "users_empty"),
    "turns": ("turns_bytes", "turns_bytes_deleted"),
}
_NEW_FUNCTIONS = (
    *("begin_account_usage()", "empty_account()", "check_tags()", "refuse_new_identity()"),
    *(
        "log_created_todos()",
        "log_purged_todos()",
        "log_updated_todos()",
        "repair_undone_todos()",
        "release_subtodos()",
    ),
    "count_changes(uuid, bigint, bigint, bigint, bigint, boolean)",
    *("snapshot_bytes(jsonb)", "todo_bytes(text, text, text[])", "actor_quota(integer)"),
    *("refuse_beyond_quota(text, bigint)", "snapshot_of(todos, boolean)", "operation_of(todos, todos)"),
    "full_snapshot(jsonb, uuid, uuid, bigint)",
    "require_room_for_project(uuid, integer)",
    "count_turn_bytes()",
)


def upgrade() -> None:
    for name, definition in _BUILT_BESIDE_WRITES.items():
        build_index(name, definition)
    _extend_accounts()
    _create_usage()
    # The old name is that of a view for the code of version 0.2.0: see change_log.sql.
    _rename_table("changes", "change_log")
    op.add_column("change_log", sa.Column("read_bytes", sa.Integer(), nullable=True))
    op.drop_constraint("change_log_user_id_fkey", "change_log", type_="foreignkey")
    op.drop_constraint("todos_parent_id_fkey", "todos", type_="foreignkey")
    for trigger in ("todos_log", "todos_subtodos", "todos_undone"):
        op.execute(f"DROP TRIGGER {trigger} ON todos")
    op.execute("DROP FUNCTION log_todo_change()")
    op.execute("DROP FUNCTION repair_undone_todo()")
    # Today's files need columns of later revisions.
    for name in ("0009_usage", "0008_change_log"):
        run_script(op.get_bind(), Path(__file__).with_name(f"{name}.sql").read_text())
    for name in ("trees", "accounts", "assistant"):
        run_sql_file(op.get_bind(), name)
    # The new triggers lock the tables `users` and `todos`, so no row is missed and none is counted twice.
    op.execute("INSERT INTO account_usage (user_id) SELECT id FROM users")
    op.execute(_COUNT_CHANGES)
    op.execute(_COUNT_TODOS)
    op.execute(_COLLECT_TAGS)
    # The trigger `turns_bytes` adds the bytes of the turns.
    op.execute(_COUNT_TURNS)
    op.execute(_COUNT_RESPONSES)


def _rename_table(old: str, new: str) -> None:
    """Renames a table with its constraints, whose names begin with that of the table."""
    op.rename_table(old, new)
    constraints = sa.text("SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(:name)")
    for name in op.get_bind().scalars(constraints, {"name": new}).all():
        op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT {name} TO {name.replace(old, new, 1)}")


def _create_usage() -> None:
    op.create_table(
        "account_usage",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("log_begins_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("live_todos", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stored_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index("account_usage_by_log", "account_usage", ["log_begins_at"])
    op.create_table(
        "known_tags",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "tag"),
    )


def _extend_accounts() -> None:
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
    op.drop_index("turns_of_user", "turns")
    op.add_column("turns", sa.Column("stored_bytes", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    # The older version reads the log without full_snapshot().
    op.execute("""
        UPDATE change_log SET before = full_snapshot(before, user_id, todo_id, seq),
            after = full_snapshot(after, user_id, todo_id, seq)
        WHERE NOT coalesce(after, before) ? 'description'
    """)
    op.execute("DROP VIEW changes")
    _rename_table("change_log", "changes")
    for table, triggers in _NEW_TRIGGERS.items():
        for trigger in triggers:
            op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for function in _NEW_FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    for name in ("change_log", "trees"):
        run_script(op.get_bind(), Path(__file__).with_name(f"0007_{name}.sql").read_text())
    for name in _BUILT_BESIDE_WRITES:
        op.execute(f"DROP INDEX {name}")
    op.create_foreign_key("todos_parent_id_fkey", "todos", "todos", ["parent_id"], ["id"], ondelete="SET NULL")
    op.create_foreign_key("changes_user_id_fkey", "changes", "users", ["user_id"], ["id"], ondelete="CASCADE")
    op.drop_column("changes", "read_bytes")
    op.drop_table("known_tags")
    op.drop_table("account_usage")
    op.create_index("turns_of_user", "turns", ["user_id"])
    op.drop_column("turns", "stored_bytes")
    op.drop_column("turns", "reserved_tokens")
    op.drop_table("invites")
    op.drop_column("users", "known_networks")
    op.drop_column("users", "password_expires_at")
