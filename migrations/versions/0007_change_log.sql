-- The change log: each change of a todo adds one row to `changes`, in the transaction that makes the change.

-- Locks one user's change log until the end of the transaction, and returns true.
--
-- One user's changes thereby become visible in the order of their sequence numbers. Writers take this lock before they
-- lock rows; in the other order two transactions could deadlock.
CREATE OR REPLACE FUNCTION lock_change_log(owner uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(23569, hashtext(owner::text));
    RETURN true;
END
$$;

-- Adds one row to `changes` for each created, updated or purged todo. A trigger, because no write can bypass a trigger.
--
-- The row has the todo before and after the change. Its actor and turn are read from the setting `todo.actor`, which
-- has the form `kind:turn_id`; without that setting the actor is `system`. Completing a recurring todo does not set
-- `completed`: an increased number of occurrences counts as `complete`, a decreased one as `reopen`.
--
-- Nothing is logged for todos that are deleted with their account, because the log is deleted with it too. Deleting an
-- account may delete the projects before the todos; the foreign key then sets `project_id` to null.
CREATE OR REPLACE FUNCTION log_todo_change() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    todo todos := coalesce(NEW, OLD);
    signature text := current_setting('todo.actor', true);
    operation text := CASE
        WHEN TG_OP = 'INSERT' THEN 'create'
        WHEN TG_OP = 'DELETE' THEN 'purge'
        WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN 'delete'
        WHEN OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN 'restore'
        WHEN NEW.completed AND NOT OLD.completed OR NEW.occurrences > OLD.occurrences THEN 'complete'
        WHEN OLD.completed AND NOT NEW.completed OR NEW.occurrences < OLD.occurrences THEN 'reopen'
        ELSE 'update'
    END;
    next_seq bigint;
BEGIN
    IF (TG_OP = 'DELETE' OR NEW.project_id IS DISTINCT FROM OLD.project_id)
        AND NOT EXISTS (SELECT FROM users WHERE id = todo.user_id) THEN
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
$$;

-- Logs every change of a todo. PostgreSQL runs triggers in the order of their names: `todos_log` before
-- `todos_subtodos`, so that the log has the change of a parent before the changes of its subtodos.
CREATE OR REPLACE TRIGGER todos_log AFTER INSERT OR UPDATE OR DELETE ON todos
FOR EACH ROW EXECUTE FUNCTION log_todo_change();

-- Refuses TRUNCATE of the todos: TRUNCATE fires no row triggers, so the change log would miss the deleted todos.
CREATE OR REPLACE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would go around the change log; use DELETE';
END
$$;

CREATE OR REPLACE TRIGGER todos_no_truncate BEFORE TRUNCATE ON todos EXECUTE FUNCTION refuse_truncate();
