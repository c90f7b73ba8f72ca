-- The change log: each change of a todo, a project or a tag adds one row to `change_log`, in the transaction that makes
-- the change.

-- Locks one user's change log until the end of the transaction, and returns true.
--
-- One user's changes thereby become visible in the order of their sequence numbers. Writers take this lock before they
-- lock rows; in the other order two transactions could deadlock.
--
-- Fails after 5 seconds, so that a lock of another process cannot hold the connection for long. A transaction whose
-- client is silent for 20 seconds ends: it would keep the lock until the operating system notices a broken network.
CREATE OR REPLACE FUNCTION lock_change_log(owner uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- The lock is nearly always free, and a lock without a timeout is faster.
    IF NOT pg_try_advisory_xact_lock(23569, hashtext(owner::text)) THEN
        PERFORM set_config('lock_timeout', '5s', true);
        PERFORM pg_advisory_xact_lock(23569, hashtext(owner::text));
    END IF;
    -- As an expression: PERFORM would run a query, which takes longer.
    RETURN set_config('idle_in_transaction_session_timeout', '20s', true) IS NOT NULL;
END
$$;

-- Returns a todo as the change log holds it: all its columns, except the owner and the words for the search.
--
-- Columns that only recurring todos use are left out of other todos; readers have their defaults.
-- `keeps_description` is false for a change that leaves the description as it is.
CREATE OR REPLACE FUNCTION snapshot_of(todo todos, keeps_description boolean) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT (jsonb_build_object(
        'id', todo.id, 'title', todo.title,
        'description', CASE WHEN keeps_description THEN todo.description END,
        'completed', todo.completed, 'completed_at', todo.completed_at, 'priority', todo.priority,
        'due_date', todo.due_date, 'due_at', todo.due_at, 'due_time', todo.due_time, 'reminder_at', todo.reminder_at,
        'recurrence', todo.recurrence, 'recurrence_from', todo.recurrence_from, 'occurrences', todo.occurrences,
        'tags', todo.tags, 'project_id', todo.project_id, 'parent_id', todo.parent_id, 'order', todo."order",
        'version', todo.version, 'created_at', todo.created_at, 'updated_at', todo.updated_at,
        'deleted_at', todo.deleted_at
    ) || CASE WHEN todo.recurrence IS NULL AND todo.skips = 0 THEN '{}'::jsonb
        ELSE jsonb_build_object('skips', todo.skips, 'series', todo.series) END
    ) - CASE WHEN keeps_description THEN '' ELSE 'description' END
$$;

-- Returns a todo of the change log with its description, also if the change `number` has left the description out.
--
-- Such a change did not alter the description. So it is that of the todo before the next change that has one, or else
-- that of the todo now. Purging a todo always logs the description. Projects and tags, for which `todo` is null, are
-- returned as they are.
CREATE OR REPLACE FUNCTION full_snapshot(snapshot jsonb, owner uuid, todo uuid, number bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN todo IS NULL OR snapshot ? 'description' THEN snapshot ELSE snapshot || jsonb_build_object('description', coalesce(
        (
            SELECT later.before->>'description' FROM change_log AS later
            WHERE later.user_id = owner AND later.todo_id = todo AND later.seq > number
                AND later.before->>'description' IS NOT NULL
            ORDER BY later.seq LIMIT 1
        ),
        (SELECT todos.description FROM todos WHERE todos.id = todo AND todos.user_id = owner)
    )) END
$$;

-- Returns the kind of a change: what happened to a todo that was `was` and is `todo`.
--
-- Completing a recurring todo does not set `completed`: an increased number of occurrences counts as `complete`, a
-- decreased one as `reopen`. Skipping an occurrence increases `skips` too. A reminder that fires keeps the version.
CREATE OR REPLACE FUNCTION operation_of(was todos, todo todos) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN was.deleted_at IS NULL AND todo.deleted_at IS NOT NULL THEN 'delete'
        WHEN was.deleted_at IS NOT NULL AND todo.deleted_at IS NULL THEN 'restore'
        WHEN todo.skips > was.skips THEN 'skip'
        WHEN todo.completed AND NOT was.completed OR todo.occurrences > was.occurrences THEN 'complete'
        WHEN was.completed AND NOT todo.completed OR todo.occurrences - todo.skips < was.occurrences - was.skips
            THEN 'reopen'
        WHEN todo.reminded_at IS DISTINCT FROM was.reminded_at AND todo.version = was.version THEN 'reminder'
        ELSE 'update'
    END
$$;

-- Returns the name of the API token in a value of the setting `todo.actor`: all after the third colon. Null without one.
CREATE OR REPLACE FUNCTION token_name_of(signature text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT nullif(substr(signature, 4 + length(split_part(signature, ':', 1)) + length(split_part(signature, ':', 2))
        + length(split_part(signature, ':', 3))), '')
$$;

-- The three functions below add one row to `change_log` for each todo that a statement has created, updated or purged.
-- Triggers, because no write can bypass a trigger.
--
-- The rows have the todo before and after the change. Their actor, turn and name of an API token are read from the
-- setting `todo.actor`, which has the form `kind:turn_id:quotas:token_name`; without that setting the actor is `system`.
-- Todos of an account that is being deleted are not logged, because the account has no counters any more.

-- For each row, because statements create one todo, and a query over the created todos would take a tenth longer. Also
-- checks the tags: a trigger of its own would cost another 6% of a create.
CREATE OR REPLACE FUNCTION log_created_todo() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    signature text := current_setting('todo.actor', true);
    is_live boolean := NEW.deleted_at IS NULL;
    bytes bigint := todo_bytes(NEW.title, NEW.description, NEW.tags);
    last_seq bigint := count_changes(NEW.user_id, 1, is_live::integer, 2 * bytes, 1, false);
BEGIN
    IF last_seq IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO change_log (user_id, seq, todo_id, op, actor, turn_id, after, read_bytes, token_name)
    VALUES (
        NEW.user_id, last_seq + 1, NEW.id, 'create', coalesce(nullif(split_part(signature, ':', 1), ''), 'system'),
        nullif(split_part(signature, ':', 2), '')::uuid, snapshot_of(NEW, true), bytes, token_name_of(signature)
    );
    -- spell_tags() has looked already at most tags.
    IF is_live AND NEW.tags <> '{}'
        AND current_setting('todo.known_tags', true) IS DISTINCT FROM NEW.user_id::text || NEW.tags::text THEN
        PERFORM check_tags(NEW.user_id, NEW.tags);
    END IF;
    RETURN NULL;
END
$$;

-- For statements, as the next one, because one INSERT costs less than one for each row.
CREATE OR REPLACE FUNCTION log_purged_todos() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    signature text := current_setting('todo.actor', true);
    token text := token_name_of(signature);
BEGIN
    INSERT INTO change_log (user_id, seq, todo_id, op, actor, turn_id, before, read_bytes, token_name)
    SELECT
        todo.user_id, counted.last_seq + row_number() OVER (PARTITION BY todo.user_id), todo.id, 'purge',
        coalesce(nullif(split_part(signature, ':', 1), ''), 'system'), nullif(split_part(signature, ':', 2), '')::uuid,
        snapshot_of(todo, true), todo_bytes(todo.title, todo.description, todo.tags), token
    FROM old_todos AS todo JOIN (
        -- The bytes of the todo are those of its row in the log, so their sum stays.
        SELECT user_id, count_changes(user_id, count(*), -count(*) FILTER (WHERE deleted_at IS NULL), 0, 0, true)
            AS last_seq
        FROM old_todos GROUP BY user_id
    ) AS counted USING (user_id)
    WHERE counted.last_seq IS NOT NULL;
    RETURN NULL;
END
$$;

-- The FULL JOIN keeps PostgreSQL from a nested loop, whose time grows with the square of the number of rows: the plan is
-- made once, for the few rows of its first use, and then kept.
CREATE OR REPLACE FUNCTION log_updated_todos() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    signature text := current_setting('todo.actor', true);
    token text := token_name_of(signature);
    may_cascade boolean;
BEGIN
    WITH updated AS MATERIALIZED (
        SELECT
            todo.user_id, todo.id, operation_of(was, todo) AS op,
            snapshot_of(was, was.description = todo.description IS NOT TRUE) AS before,
            snapshot_of(todo, was.description = todo.description IS NOT TRUE) AS after,
            todo_bytes(was.title, was.description, was.tags) AS bytes_before,
            todo_bytes(todo.title, todo.description, todo.tags) AS bytes_after,
            CASE WHEN was.description = todo.description THEN octet_length(todo.description) ELSE 0 END AS left_out,
            (todo.deleted_at IS NULL)::integer - (was.deleted_at IS NULL)::integer AS live,
            was.project_id IS DISTINCT FROM todo.project_id AS is_moved
        FROM old_todos AS was FULL JOIN new_todos AS todo ON todo.id = was.id
    ), logged AS (
        INSERT INTO change_log (user_id, seq, todo_id, op, actor, turn_id, before, after, read_bytes, token_name)
        SELECT
            updated.user_id, counted.last_seq + row_number() OVER (PARTITION BY updated.user_id), updated.id,
            updated.op, coalesce(nullif(split_part(signature, ':', 1), ''), 'system'),
            nullif(split_part(signature, ':', 2), '')::uuid,
            updated.before, updated.after, updated.bytes_before + updated.bytes_after, token
        FROM updated JOIN (
            SELECT user_id, count_changes(user_id, count(*), sum(live), 2 * sum(bytes_after - left_out)::bigint,
                sum(bytes_after - bytes_before)::bigint, bool_and(op = 'delete')) AS last_seq
            FROM updated GROUP BY user_id
        ) AS counted USING (user_id)
        WHERE counted.last_seq IS NOT NULL
    )
    SELECT bool_or(op NOT IN ('update', 'reminder') OR is_moved) INTO may_cascade FROM updated;
    -- Spares the trigger `todos_subtodos` a look at the rows of most statements.
    IF may_cascade AND EXISTS (SELECT FROM new_todos AS parent JOIN todos ON todos.parent_id = parent.id) THEN
        PERFORM set_config('todo.may_cascade', 'on', true);
    END IF;
    RETURN NULL;
END
$$;

-- Log every change of a todo. PostgreSQL runs triggers in the order of their names: `todos_log_...` before
-- `todos_subtodos`, so that the log has the change of a parent before the changes of its subtodos.
CREATE OR REPLACE TRIGGER todos_log_created AFTER INSERT ON todos
FOR EACH ROW EXECUTE FUNCTION log_created_todo();

CREATE OR REPLACE TRIGGER todos_log_purged AFTER DELETE ON todos REFERENCING OLD TABLE AS old_todos
FOR EACH STATEMENT EXECUTE FUNCTION log_purged_todos();

-- A migration that only computes the words of todos anew changes no todo.
CREATE OR REPLACE TRIGGER todos_log_updated AFTER UPDATE ON todos
REFERENCING OLD TABLE AS old_todos NEW TABLE AS new_todos
FOR EACH STATEMENT WHEN (current_setting('todo.rewording', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION log_updated_todos();

-- Adds one row to `change_log` for a change of a project or of a tag. One of `project` and `changed_tag` is null.
CREATE OR REPLACE FUNCTION log_change(
    owner uuid, project uuid, changed_tag text, operation text, before jsonb, after jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    signature text := current_setting('todo.actor', true);
    bytes_before bigint := snapshot_bytes(before);
    bytes_after bigint := snapshot_bytes(after);
    last_seq bigint;
BEGIN
    last_seq := count_changes(
        owner, 1, 0, bytes_before + bytes_after, bytes_after - bytes_before, operation = 'delete'
    );
    IF last_seq IS NOT NULL THEN
        INSERT INTO change_log (
            user_id, seq, project_id, tag, op, actor, turn_id, before, after, read_bytes, token_name
        ) VALUES (
            owner, last_seq + 1, project, changed_tag, operation,
            coalesce(nullif(split_part(signature, ':', 1), ''), 'system'),
            nullif(split_part(signature, ':', 2), '')::uuid,
            before, after, bytes_before + bytes_after, token_name_of(signature)
        );
    END IF;
END
$$;

-- Returns a project as the change log holds it: all its columns, except the owner.
CREATE OR REPLACE FUNCTION snapshot_of_project(project projects) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'id', project.id, 'name', project.name, 'order', project."order", 'archived', project.archived,
        'version', project.version, 'created_at', project.created_at, 'updated_at', project.updated_at
    )
$$;

-- Logs a project that was created, updated or deleted. For each row, because few statements write several projects.
--
-- The todos of a deleted project are logged after it: the foreign key sets their `project_id` to null.
CREATE OR REPLACE FUNCTION log_project() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
BEGIN
    CASE TG_OP
        WHEN 'INSERT' THEN
            PERFORM log_change(NEW.user_id, NEW.id, NULL, 'create', NULL, snapshot_of_project(NEW));
        WHEN 'UPDATE' THEN
            PERFORM log_change(
                NEW.user_id, NEW.id, NULL, 'update', snapshot_of_project(OLD), snapshot_of_project(NEW)
            );
        ELSE
            PERFORM log_change(OLD.user_id, OLD.id, NULL, 'delete', snapshot_of_project(OLD), NULL);
    END CASE;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER projects_log AFTER INSERT OR UPDATE OR DELETE ON projects
FOR EACH ROW EXECUTE FUNCTION log_project();

-- Logs that all todos of a user have got another tag instead of a tag, or have lost the tag if `new_name` is null.
--
-- The application calls it beside the changes of the todos, which are logged one by one: a tag has no row of its own.
CREATE OR REPLACE FUNCTION log_tag(owner uuid, name text, new_name text) RETURNS void LANGUAGE sql AS $$
    SELECT log_change(owner, NULL, name, CASE WHEN new_name IS NULL THEN 'delete' ELSE 'rename' END,
        jsonb_build_object('name', name),
        CASE WHEN new_name IS NOT NULL THEN jsonb_build_object('name', new_name) END)
$$;

-- Refuses TRUNCATE of todos and projects: it fires no triggers for deleted rows, so the change log would miss them.
CREATE OR REPLACE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would go around the change log; use DELETE';
END
$$;

CREATE OR REPLACE TRIGGER todos_no_truncate BEFORE TRUNCATE ON todos EXECUTE FUNCTION refuse_truncate();

CREATE OR REPLACE TRIGGER projects_no_truncate BEFORE TRUNCATE ON projects EXECUTE FUNCTION refuse_truncate();

-- Refuses a new id or owner of a todo: the log pairs the todo before and after by its id, and belongs to its owner.
CREATE OR REPLACE FUNCTION refuse_new_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A todo keeps its id and its owner';
END
$$;

CREATE OR REPLACE TRIGGER todos_identity BEFORE UPDATE OF id, user_id ON todos EXECUTE FUNCTION refuse_new_identity();

-- The change log for the code of version 0.2.0, whose readers expect the description in each snapshot. It serves while an
-- update replaces that code, which knows no changes of projects and tags. The release after the next migration drops the
-- view.
CREATE OR REPLACE VIEW changes AS SELECT
    user_id, seq, todo_id, op, actor, turn_id, full_snapshot(before, user_id, todo_id, seq) AS before,
    full_snapshot(after, user_id, todo_id, seq) AS after, created_at
FROM change_log WHERE todo_id IS NOT NULL;
