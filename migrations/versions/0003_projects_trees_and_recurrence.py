"""Projects, trees and recurrence."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


_ABOVE = """
CREATE FUNCTION todos_above(subtodo uuid) RETURNS TABLE (id uuid) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE above AS (
        SELECT todos.id, todos.parent_id FROM todos WHERE todos.id = subtodo
        UNION
        SELECT todos.id, todos.parent_id FROM todos JOIN above ON todos.id = above.parent_id
    )
    SELECT above.id FROM above WHERE above.id <> subtodo
$$
"""
# Subtodos in the trash do not count; they are checked when they are restored. The limit ends the recursion at a cycle,
# which may exist during an undo.
_BELOW = """
CREATE FUNCTION todos_below(root uuid) RETURNS TABLE (id uuid, level integer) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE below AS (
        SELECT root AS id, 0 AS level
        UNION ALL
        SELECT todos.id, below.level + 1 FROM todos JOIN below ON todos.parent_id = below.id
        WHERE todos.deleted_at IS NULL AND below.level <= 5
    )
    SELECT below.id, below.level FROM below WHERE below.level > 0
$$
"""
# Returns the depth of the deepest subtodo of `todo` if `todo` were a subtodo of `parent`.
_DEPTH = """
CREATE FUNCTION depth_under(parent uuid, todo uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT 1 + (SELECT count(*) FROM todos_above(parent)) + (SELECT coalesce(max(level), 0) FROM todos_below(todo))
$$
"""
_REFUSE = """
CREATE FUNCTION refuse_todo(rule text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = rule, MESSAGE = rule;
END
$$
"""
_PLACE = """
CREATE FUNCTION place_todo() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent todos;
    moves boolean := NEW.parent_id IS DISTINCT FROM OLD.parent_id;
    returns boolean := OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL;
BEGIN
    -- An undo restores many todos at once; settle_undone_todo() checks them when all are restored.
    IF current_setting('todo.undoing', true) = 'on' THEN
        RETURN NEW;
    END IF;
    PERFORM lock_change_log(NEW.user_id);
    IF NEW.version = OLD.version THEN -- ON DELETE SET NULL of a foreign key
        NEW.version := OLD.version + 1;
        NEW.updated_at := now();
    END IF;

    IF NEW.parent_id IS NOT NULL THEN
        SELECT * INTO parent FROM todos WHERE id = NEW.parent_id AND user_id = NEW.user_id AND deleted_at IS NULL;
        IF moves THEN
            IF parent.id IS NULL THEN
                PERFORM refuse_todo('unknown_parent');
            ELSIF NEW.id = parent.id OR NEW.id IN (SELECT id FROM todos_above(parent.id)) THEN
                PERFORM refuse_todo('tree_cycle');
            ELSIF depth_under(parent.id, NEW.id) > 5 THEN
                PERFORM refuse_todo('tree_too_deep');
            END IF;
            NEW.project_id := parent.project_id;
        ELSIF returns THEN
            IF parent.id IS NULL OR depth_under(parent.id, NEW.id) > 5 THEN
                NEW.parent_id := NULL;
            ELSE
                NEW.project_id := parent.project_id;
            END IF;
        ELSIF NEW.project_id IS DISTINCT FROM parent.project_id
            -- When the old project was deleted, the subtree stays together.
            AND (NEW.project_id IS NOT NULL OR EXISTS (SELECT FROM projects WHERE id = OLD.project_id)) THEN
            NEW.parent_id := NULL;
        END IF;
    END IF;

    IF NEW.parent_id IS NULL AND NEW.project_id IS DISTINCT FROM OLD.project_id AND NEW.project_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM projects WHERE id = NEW.project_id AND user_id = NEW.user_id) THEN
        PERFORM refuse_todo('unknown_project');
    END IF;
    RETURN NEW;
END
$$
"""
_PLACE_NEW = """
CREATE TRIGGER todos_place_new BEFORE INSERT ON todos FOR EACH ROW
WHEN (NEW.parent_id IS NOT NULL OR NEW.project_id IS NOT NULL) EXECUTE FUNCTION place_todo()
"""
_PLACE_MOVED = """
CREATE TRIGGER todos_place BEFORE UPDATE ON todos FOR EACH ROW
WHEN (NEW.parent_id IS DISTINCT FROM OLD.parent_id OR NEW.project_id IS DISTINCT FROM OLD.project_id
    OR (NEW.parent_id IS NOT NULL AND OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL))
EXECUTE FUNCTION place_todo()
"""
_CARRY = """
CREATE FUNCTION carry_subtodos() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN
        UPDATE todos SET deleted_at = NEW.deleted_at, version = version + 1, updated_at = now()
        WHERE parent_id = NEW.id AND deleted_at IS NULL;
    END IF;
    IF OLD.project_id IS DISTINCT FROM NEW.project_id THEN
        UPDATE todos SET project_id = NEW.project_id, version = version + 1, updated_at = now()
        WHERE parent_id = NEW.id AND project_id IS DISTINCT FROM NEW.project_id AND deleted_at IS NULL;
    END IF;
    -- An undo sets each todo to its own earlier state.
    IF current_setting('todo.undoing', true) = 'on' THEN
        RETURN NULL;
    END IF;
    IF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN
        UPDATE todos SET deleted_at = NULL, version = version + 1, updated_at = now()
        WHERE parent_id = NEW.id AND deleted_at = OLD.deleted_at;
    END IF;
    IF NEW.completed AND NOT OLD.completed THEN
        UPDATE todos SET completed = true, completed_at = NEW.completed_at, version = version + 1, updated_at = now()
        WHERE id IN (SELECT id FROM todos_below(NEW.id)) AND NOT completed;
    END IF;
    IF NEW.occurrences > OLD.occurrences THEN
        UPDATE todos SET completed = false, completed_at = NULL, version = version + 1, updated_at = now()
        WHERE id IN (SELECT id FROM todos_below(NEW.id)) AND completed;
    END IF;
    RETURN NULL;
END
$$
"""
# Its name sorts after `todos_log`: the log has the change of a todo before those of its subtodos.
_CARRY_TRIGGER = """
CREATE TRIGGER todos_subtodos AFTER UPDATE ON todos FOR EACH ROW
WHEN (NEW.deleted_at IS DISTINCT FROM OLD.deleted_at OR NEW.project_id IS DISTINCT FROM OLD.project_id
    OR (NEW.completed AND NOT OLD.completed) OR NEW.occurrences > OLD.occurrences)
EXECUTE FUNCTION carry_subtodos()
"""
# A todo whose earlier parent is no longer possible moves to the top level after an undo.
_SETTLE = """
CREATE FUNCTION settle_undone_todo() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    todo todos;
    parent todos;
BEGIN
    SELECT * INTO todo FROM todos WHERE id = NEW.id;
    SELECT * INTO parent FROM todos WHERE id = todo.parent_id;
    IF parent.id IS NULL OR todo.deleted_at IS NOT NULL THEN
        RETURN NULL;
    END IF;
    IF parent.deleted_at IS NOT NULL OR todo.id IN (SELECT id FROM todos_above(parent.id))
        OR depth_under(parent.id, todo.id) > 5 THEN
        UPDATE todos SET parent_id = NULL, version = version + 1, updated_at = now() WHERE id = todo.id;
    ELSIF todo.project_id IS DISTINCT FROM parent.project_id THEN
        UPDATE todos SET project_id = parent.project_id, version = version + 1, updated_at = now() WHERE id = todo.id;
    END IF;
    RETURN NULL;
END
$$
"""
_SETTLE_TRIGGER = """
CREATE TRIGGER todos_undone AFTER UPDATE ON todos FOR EACH ROW
WHEN (NEW.parent_id IS NOT NULL AND current_setting('todo.undoing', true) = 'on')
EXECUTE FUNCTION settle_undone_todo()
"""
# Like 0002, but completing and reopening a recurring todo changes only its number of occurrences.
_LOG = """
CREATE OR REPLACE FUNCTION log_todo_change() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    todo todos := coalesce(NEW, OLD);
    signature text := current_setting('todo.actor', true);
    operation text := CASE
        WHEN TG_OP = 'INSERT' THEN 'create'
        WHEN TG_OP = 'DELETE' THEN 'purge'
        WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN 'delete'
        WHEN OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN 'restore'
        WHEN NEW.completed AND NOT OLD.completed {completed} THEN 'complete'
        WHEN OLD.completed AND NOT NEW.completed {reopened} THEN 'reopen'
        ELSE 'update'
    END;
    next_seq bigint;
BEGIN
    -- The change log is deleted with its account.
    IF {may_be_deletion} AND NOT EXISTS (SELECT FROM users WHERE id = todo.user_id) THEN
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
_LOG_OF_RECURRING = _LOG.format(
    completed="OR NEW.occurrences > OLD.occurrences",
    reopened="OR NEW.occurrences < OLD.occurrences",
    # The projects of a deleted account may be deleted before its todos, whose project_id is then set to null.
    may_be_deletion="(TG_OP = 'DELETE' OR NEW.project_id IS DISTINCT FROM OLD.project_id)",
)
_LOG_OF_REVISION_0002 = _LOG.format(completed="", reopened="", may_be_deletion="TG_OP = 'DELETE'")


def upgrade() -> None:
    _create_projects()
    _extend_todos()
    for statement in (
        _ABOVE,
        _BELOW,
        _DEPTH,
        _REFUSE,
        _PLACE,
        _PLACE_NEW,
        _PLACE_MOVED,
        _CARRY,
        _CARRY_TRIGGER,
        _SETTLE,
        _SETTLE_TRIGGER,
        _LOG_OF_RECURRING,
    ):
        op.execute(statement)


def _create_projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("order", sa.Double(), nullable=False),
        sa.Column("archived", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("projects_by_order", "projects", ["user_id", "order", "id"], unique=False)


def _extend_todos() -> None:
    op.add_column("todos", sa.Column("reminder_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("todos", sa.Column("recurrence", sa.Text(), nullable=True))
    op.add_column("todos", sa.Column("project_id", sa.Uuid(), nullable=True))
    op.add_column("todos", sa.Column("parent_id", sa.Uuid(), nullable=True))
    op.add_column("todos", sa.Column("due_time", sa.Time(), nullable=True))
    op.add_column("todos", sa.Column("occurrences", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(
        "recurrence_needs_due", "todos", "recurrence IS NULL OR due_date IS NOT NULL OR due_at IS NOT NULL"
    )
    op.create_foreign_key("todos_parent_id_fkey", "todos", "todos", ["parent_id"], ["id"], ondelete="SET NULL")
    op.create_foreign_key("todos_project_id_fkey", "todos", "projects", ["project_id"], ["id"], ondelete="SET NULL")
    op.create_index(
        "todos_of_parent",
        "todos",
        ["parent_id"],
        unique=False,
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        "todos_of_project",
        "todos",
        ["project_id"],
        unique=False,
        postgresql_where=sa.text("project_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute(_LOG_OF_REVISION_0002)
    for trigger in ("todos_undone", "todos_subtodos", "todos_place", "todos_place_new"):
        op.execute(f"DROP TRIGGER {trigger} ON todos")
    for function in (
        "settle_undone_todo()",
        "carry_subtodos()",
        "place_todo()",
        "refuse_todo(text)",
        "depth_under(uuid, uuid)",
        "todos_below(uuid)",
        "todos_above(uuid)",
    ):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_index("todos_of_project", table_name="todos", postgresql_where=sa.text("project_id IS NOT NULL"))
    op.drop_index("todos_of_parent", table_name="todos", postgresql_where=sa.text("parent_id IS NOT NULL"))
    op.drop_constraint("todos_project_id_fkey", "todos", type_="foreignkey")
    op.drop_constraint("todos_parent_id_fkey", "todos", type_="foreignkey")
    op.drop_constraint("recurrence_needs_due", "todos", type_="check")
    for column in ("occurrences", "due_time", "parent_id", "project_id", "recurrence", "reminder_at"):
        op.drop_column("todos", column)
    op.drop_index("projects_by_order", table_name="projects")
    op.drop_table("projects")
