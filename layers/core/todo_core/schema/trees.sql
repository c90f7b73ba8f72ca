-- Rules of projects and subtodos: where a todo may be placed, and which changes of a parent cascade to its subtodos.

-- Returns the parent of a todo, the parent of that parent, and so on up to the top level.
CREATE OR REPLACE FUNCTION todos_above(subtodo uuid) RETURNS TABLE (id uuid) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE above AS (
        SELECT todos.id, todos.parent_id FROM todos WHERE todos.id = subtodo
        UNION
        SELECT todos.id, todos.parent_id FROM todos JOIN above ON todos.id = above.parent_id
    )
    SELECT above.id FROM above WHERE above.id <> subtodo
$$;

-- Returns all subtodos of a todo, at any depth, each with its level: 1 for a direct subtodo.
--
-- Subtodos in the trash are not returned; the rules apply to them when they are restored. The limit on `level` ends the
-- recursion at a cycle, which may exist while an undo is running.
CREATE OR REPLACE FUNCTION todos_below(root uuid) RETURNS TABLE (id uuid, level integer) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE below AS (
        SELECT root AS id, 0 AS level
        UNION ALL
        SELECT todos.id, below.level + 1 FROM todos JOIN below ON todos.parent_id = below.id
        WHERE todos.deleted_at IS NULL AND below.level <= 5
    )
    SELECT below.id, below.level FROM below WHERE below.level > 0
$$;

-- Returns the depth of the lowest todo in the tree of `todo`, itself included, if `todo` became a subtodo of `parent`.
--
-- A todo at the top level has the depth 0, its subtodos have the depth 1.
CREATE OR REPLACE FUNCTION depth_under(parent uuid, todo uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT 1 + (SELECT count(*) FROM todos_above(parent)) + (SELECT coalesce(max(level), 0) FROM todos_below(todo))
$$;

-- Fails like a check constraint with the name `rule`. The application maps that name to an error.
CREATE OR REPLACE FUNCTION refuse_todo(rule text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = rule, MESSAGE = rule;
END
$$;

-- Checks the parent and the project of a todo that is created, moved or restored:
--
-- * A new parent must exist, belong to the same user and not be in the trash (`unknown_parent`).
-- * A todo cannot be a subtodo of itself or of its own subtodos (`tree_cycle`).
-- * Below a todo of the top level there are at most five levels of subtodos (`tree_too_deep`).
-- * A subtodo has the project of its parent. A subtodo that gets another project leaves its parent for the top level.
-- * A new project must exist and belong to the same user (`unknown_project`).
-- * A restored todo whose parent is in the trash, or has no room below it, is restored at the top level.
CREATE OR REPLACE FUNCTION enforce_tree_rules() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent todos;
    is_moved boolean := NEW.parent_id IS DISTINCT FROM OLD.parent_id;
    is_restored boolean := OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL;
BEGIN
    -- An undo changes many todos at once; repair_undone_todos() applies the rules when all of them are changed.
    IF current_setting('todo.undoing', true) = 'on' THEN
        RETURN NEW;
    END IF;
    PERFORM lock_change_log(NEW.user_id);
    -- The application increases the version in each update; ON DELETE SET NULL of a foreign key does not.
    IF NEW.version = OLD.version THEN
        NEW.version := OLD.version + 1;
        NEW.updated_at := now();
    END IF;

    IF NEW.parent_id IS NOT NULL THEN
        SELECT * INTO parent FROM todos WHERE id = NEW.parent_id AND user_id = NEW.user_id AND deleted_at IS NULL;
        IF is_moved THEN
            IF parent.id IS NULL THEN
                PERFORM refuse_todo('unknown_parent');
            ELSIF NEW.id = parent.id OR NEW.id IN (SELECT id FROM todos_above(parent.id)) THEN
                PERFORM refuse_todo('tree_cycle');
            ELSIF depth_under(parent.id, NEW.id) > 5 THEN
                PERFORM refuse_todo('tree_too_deep');
            END IF;
            NEW.project_id := parent.project_id;
        ELSIF is_restored THEN
            IF parent.id IS NULL OR depth_under(parent.id, NEW.id) > 5 THEN
                NEW.parent_id := NULL;
            ELSE
                NEW.project_id := parent.project_id;
            END IF;
        ELSIF NEW.project_id IS DISTINCT FROM parent.project_id
            -- When the old project was deleted, the whole tree loses its project and stays together.
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
$$;

-- Checks a new todo that has a parent or a project.
CREATE OR REPLACE TRIGGER todos_place_new BEFORE INSERT ON todos FOR EACH ROW
WHEN (NEW.parent_id IS NOT NULL OR NEW.project_id IS NOT NULL) EXECUTE FUNCTION enforce_tree_rules();

-- Checks a todo whose parent or project changes, and a subtodo that is restored from the trash. Not in a cascade, which
-- keeps the rules itself: a check of each row costs more than the cascade.
CREATE OR REPLACE TRIGGER todos_place BEFORE UPDATE ON todos FOR EACH ROW
WHEN ((NEW.parent_id IS DISTINCT FROM OLD.parent_id OR NEW.project_id IS DISTINCT FROM OLD.project_id
        OR (NEW.parent_id IS NOT NULL AND OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL))
    AND current_setting('todo.cascading', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION enforce_tree_rules();

-- Cascades the changes of a statement to the subtodos of the changed todos:
--
-- * Deleting a todo moves its subtodos to the trash with the same `deleted_at`.
-- * Moving a todo to another project moves its subtodos.
-- * Restoring a todo restores the subtodos that were deleted with it, which the same `deleted_at` shows. A subtodo that
--   is too deep now is restored at the top level.
-- * Completing a todo completes all its subtodos.
-- * Completing a recurring todo (`occurrences` increases) reopens all its subtodos for the next occurrence.
--
-- Each cascade is one UPDATE for the subtodos of all changed todos. Deleting, moving and restoring reach the deeper
-- levels because that UPDATE fires this trigger again. The FULL JOIN has the reason that change_log.sql tells.
CREATE OR REPLACE FUNCTION cascade_to_subtodos() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_undo boolean;
    is_cascade boolean;
    causes record;
BEGIN
    IF current_setting('todo.may_cascade', true) IS DISTINCT FROM 'on' THEN
        RETURN NULL;
    END IF;
    is_undo := coalesce(current_setting('todo.undoing', true) = 'on', false);
    is_cascade := coalesce(current_setting('todo.cascading', true) = 'on', false);
    PERFORM set_config('todo.may_cascade', 'off', true), set_config('todo.cascading', 'on', true);
    SELECT
        bool_or(was.deleted_at IS NULL AND todo.deleted_at IS NOT NULL) AS are_deleted,
        bool_or(was.project_id IS DISTINCT FROM todo.project_id) AS are_moved,
        bool_or(was.deleted_at IS NOT NULL AND todo.deleted_at IS NULL) AS are_restored,
        bool_or(todo.completed AND NOT was.completed) AS are_completed,
        bool_or(todo.occurrences > was.occurrences) AS are_repeated
    INTO causes FROM old_todos AS was FULL JOIN new_todos AS todo ON todo.id = was.id;
    IF causes.are_deleted THEN
        UPDATE todos SET deleted_at = parent.deleted_at, version = todos.version + 1, updated_at = now()
        FROM new_todos AS parent
        WHERE todos.parent_id = parent.id AND todos.deleted_at IS NULL AND parent.deleted_at IS NOT NULL;
    END IF;
    IF causes.are_moved THEN
        UPDATE todos SET project_id = parent.project_id, version = todos.version + 1, updated_at = now()
        FROM new_todos AS parent
        WHERE todos.parent_id = parent.id AND todos.deleted_at IS NULL
            AND todos.project_id IS DISTINCT FROM parent.project_id;
    END IF;
    -- An undo sets each todo to its own earlier state, so the remaining changes do not cascade.
    IF causes.are_restored AND NOT is_undo THEN
        WITH parents AS MATERIALIZED (
            SELECT parent.id, parent.project_id, was.deleted_at,
                (SELECT count(*) FROM todos_above(parent.id)) < 5 AS has_room
            FROM old_todos AS was JOIN todos AS parent ON parent.id = was.id AND parent.deleted_at IS NULL
            WHERE EXISTS (SELECT FROM todos WHERE todos.parent_id = was.id AND todos.deleted_at = was.deleted_at)
        )
        UPDATE todos SET
            deleted_at = NULL,
            parent_id = CASE WHEN parents.has_room THEN parents.id END,
            project_id = CASE WHEN parents.has_room THEN parents.project_id ELSE todos.project_id END,
            version = todos.version + 1, updated_at = now()
        FROM parents WHERE todos.parent_id = parents.id AND todos.deleted_at = parents.deleted_at;
    END IF;
    -- These cascades reach all levels at once, so they do not cascade again.
    IF causes.are_completed AND NOT is_undo AND NOT is_cascade THEN
        UPDATE todos SET
            completed = true, completed_at = parent.completed_at, version = todos.version + 1, updated_at = now()
        FROM old_todos AS was JOIN todos AS parent ON parent.id = was.id AND parent.completed AND NOT was.completed,
            LATERAL todos_below(was.id) AS below
        WHERE todos.id = below.id AND NOT todos.completed;
    END IF;
    IF causes.are_repeated AND NOT is_undo AND NOT is_cascade THEN
        UPDATE todos SET completed = false, completed_at = NULL, version = todos.version + 1, updated_at = now()
        FROM old_todos AS was JOIN todos AS parent ON parent.id = was.id AND parent.occurrences > was.occurrences,
            LATERAL todos_below(was.id) AS below
        WHERE todos.id = below.id AND todos.completed;
    END IF;
    PERFORM set_config('todo.cascading', CASE WHEN is_cascade THEN 'on' ELSE 'off' END, true);
    RETURN NULL;
END
$$;

-- Cascades the changes that concern subtodos. Its name sorts after `todos_log_updated`, so that the log has the parent
-- first.
CREATE OR REPLACE TRIGGER todos_subtodos AFTER UPDATE ON todos
REFERENCING OLD TABLE AS old_todos NEW TABLE AS new_todos
FOR EACH STATEMENT EXECUTE FUNCTION cascade_to_subtodos();

-- Moves the subtodos of purged todos to the top level, like a foreign key with ON DELETE SET NULL.
--
-- For a statement, because a foreign key would look for subtodos of each deleted row. Todos of an account that is being
-- deleted have no counters any more; all of them are deleted.
CREATE OR REPLACE FUNCTION release_subtodos() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM account_usage WHERE user_id IN (SELECT user_id FROM old_todos)) THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('todo.cascading', 'on', true);
    UPDATE todos SET parent_id = NULL, version = todos.version + 1, updated_at = now()
    FROM old_todos AS parent WHERE todos.parent_id = parent.id;
    PERFORM set_config('todo.cascading', 'off', true);
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER todos_release AFTER DELETE ON todos REFERENCING OLD TABLE AS old_todos
FOR EACH STATEMENT EXECUTE FUNCTION release_subtodos();

-- Applies the rules of trees to the todos that an undo has changed, when all of them are changed:
--
-- * Where the parent is in the trash, is one of the todo's own subtodos or has no room below it, the todo moves to the
--   top level.
-- * Otherwise the todo gets the project of its parent.
CREATE OR REPLACE FUNCTION repair_undone_todos() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    undone uuid;
    todo todos;
    parent todos;
BEGIN
    FOR undone IN SELECT id FROM new_todos WHERE parent_id IS NOT NULL LOOP
        SELECT * INTO todo FROM todos WHERE id = undone;
        SELECT * INTO parent FROM todos WHERE id = todo.parent_id;
        IF parent.id IS NULL OR todo.deleted_at IS NOT NULL THEN
            CONTINUE;
        END IF;
        IF parent.deleted_at IS NOT NULL OR todo.id IN (SELECT id FROM todos_above(parent.id))
            OR depth_under(parent.id, todo.id) > 5 THEN
            UPDATE todos SET parent_id = NULL, version = version + 1, updated_at = now() WHERE id = todo.id;
        ELSIF todo.project_id IS DISTINCT FROM parent.project_id THEN
            UPDATE todos SET project_id = parent.project_id, version = version + 1, updated_at = now()
            WHERE id = todo.id;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- Repairs the subtodos that an undo changes. The name sorts after `todos_subtodos`, so that all cascades come before.
CREATE OR REPLACE TRIGGER todos_undone AFTER UPDATE ON todos REFERENCING NEW TABLE AS new_todos
FOR EACH STATEMENT WHEN (current_setting('todo.undoing', true) = 'on')
EXECUTE FUNCTION repair_undone_todos();
