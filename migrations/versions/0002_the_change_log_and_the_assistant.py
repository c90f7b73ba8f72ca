"""The change log and the assistant."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


# The lock is held to the end of the transaction: a user's changes become visible in the order of their numbers.
# Writers take this lock before row locks; otherwise two transactions could deadlock.
_LOCK = """
CREATE FUNCTION lock_change_log(owner uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(23569, hashtext(owner::text));
    RETURN true;
END
$$
"""
# A trigger, so that no write can bypass the change log. The setting `todo.actor` names the actor.
_FUNCTION = """
CREATE FUNCTION log_todo_change() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    todo todos := coalesce(NEW, OLD);
    signature text := current_setting('todo.actor', true);
    operation text := CASE
        WHEN TG_OP = 'INSERT' THEN 'create'
        WHEN TG_OP = 'DELETE' THEN 'purge'
        WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN 'delete'
        WHEN OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN 'restore'
        WHEN NEW.completed AND NOT OLD.completed THEN 'complete'
        WHEN OLD.completed AND NOT NEW.completed THEN 'reopen'
        ELSE 'update'
    END;
    next_seq bigint;
BEGIN
    -- The change log is deleted with its account.
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM users WHERE id = OLD.user_id) THEN
        RETURN NULL;
    END IF;
    PERFORM lock_change_log(todo.user_id);
    SELECT coalesce(max(seq), 0) + 1 INTO next_seq FROM changes WHERE user_id = todo.user_id;
    INSERT INTO changes (user_id, seq, todo_id, op, actor, turn_id, before, after)
    VALUES (
        todo.user_id, next_seq, todo.id, operation,
        coalesce(nullif(split_part(signature, ':', 1), ''), 'system'),
        nullif(split_part(signature, ':', 2), '')::uuid,
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - ARRAY['user_id', 'words'] END,
        CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - ARRAY['user_id', 'words'] END
    );
    RETURN NULL;
END
$$
"""
_TRIGGER = """
CREATE TRIGGER todos_log AFTER INSERT OR UPDATE OR DELETE ON todos
FOR EACH ROW EXECUTE FUNCTION log_todo_change()
"""
# TRUNCATE fires no row triggers, so it would bypass the change log.
_REFUSAL = """
CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would go around the change log; use DELETE';
END
$$
"""
_TRUNCATE_TRIGGER = """
CREATE TRIGGER todos_no_truncate BEFORE TRUNCATE ON todos EXECUTE FUNCTION refuse_truncate()
"""
# Readers of the whole change log also get the todos that are older than the log.
_LOG_EXISTING_TODOS = """
INSERT INTO changes (user_id, seq, todo_id, op, actor, after)
SELECT user_id, row_number() OVER (PARTITION BY user_id ORDER BY id), id, 'create', 'user',
    to_jsonb(todos) - ARRAY['user_id', 'words']
FROM todos
"""


def upgrade() -> None:
    _create_assistant_usage()
    _create_changes()
    _create_conversations()
    _create_turns()
    _create_model_responses()
    _index_trash()
    op.execute(_LOCK)
    op.execute(_FUNCTION)
    op.execute(_TRIGGER)
    op.execute(_REFUSAL)
    op.execute(_TRUNCATE_TRIGGER)
    op.execute(_LOG_EXISTING_TODOS)


def _create_assistant_usage() -> None:
    op.create_table(
        "assistant_usage",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("turns", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "day"),
    )


def _create_changes() -> None:
    op.create_table(
        "changes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("turn_id", sa.Uuid(), nullable=True),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "seq"),
    )
    op.create_index(
        "changes_of_turn", "changes", ["turn_id"], unique=False, postgresql_where=sa.text("turn_id IS NOT NULL")
    )


def _create_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("active_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("conversations_by_activity", "conversations", ["user_id", "active_at", "id"], unique=False)


def _create_turns() -> None:
    op.create_table(
        "turns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("reply_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="running", nullable=False),
        sa.Column("stopped_by", sa.Text(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("approval", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('running', 'needs_approval', 'done', 'incomplete')", name="turns_status"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "turns_by_key",
        "turns",
        ["user_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_index("turns_of_conversation", "turns", ["conversation_id", "id"], unique=False)
    op.create_index("turns_of_user", "turns", ["user_id"], unique=False)


def _create_model_responses() -> None:
    op.create_table(
        "rounds",
        sa.Column("turn_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("turn_id", "number"),
    )
    op.create_table(
        "tool_calls",
        sa.Column("turn_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("result", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["turn_id", "round"], ["rounds.turn_id", "rounds.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("turn_id", "round", "position"),
    )


def _index_trash() -> None:
    op.create_index(
        "todos_in_trash",
        "todos",
        ["user_id", "order", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER todos_no_truncate ON todos")
    op.execute("DROP FUNCTION refuse_truncate()")
    op.execute("DROP TRIGGER todos_log ON todos")
    op.execute("DROP FUNCTION log_todo_change()")
    op.execute("DROP FUNCTION lock_change_log(uuid)")
    op.drop_index("todos_in_trash", table_name="todos", postgresql_where=sa.text("deleted_at IS NOT NULL"))
    op.drop_index("turns_of_user", table_name="turns")
    op.drop_table("tool_calls")
    op.drop_table("rounds")
    op.drop_index("turns_of_conversation", table_name="turns")
    op.drop_index("turns_by_key", table_name="turns", postgresql_where=sa.text("idempotency_key IS NOT NULL"))
    op.drop_table("turns")
    op.drop_index("conversations_by_activity", table_name="conversations")
    op.drop_table("conversations")
    op.drop_index("changes_of_turn", table_name="changes", postgresql_where=sa.text("turn_id IS NOT NULL"))
    op.drop_table("changes")
    op.drop_table("assistant_usage")
