-- The use of an account: one row per user in `account_usage`, which counts changes, todos and bytes, and the quotas.

-- Adds the row of a new user.
CREATE OR REPLACE FUNCTION begin_account_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_usage (user_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER users_usage AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION begin_account_usage();

-- Returns the stored bytes of a todo, or of a todo in the change log: its title, description and tags in UTF-8, and 600
-- bytes for all other columns. A description that the log leaves out is null here.
CREATE OR REPLACE FUNCTION todo_bytes(title text, description text, tags text[]) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT 600::bigint + octet_length(title) + coalesce(octet_length(description), 0)
        + octet_length(array_to_string(tags, ','))
$$;

-- Returns the stored bytes of a todo, a project or a tag in the change log, or 0 for null.
CREATE OR REPLACE FUNCTION snapshot_bytes(snapshot jsonb) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(todo_bytes(coalesce(snapshot->>'title', snapshot->>'name'), snapshot->>'description',
        ARRAY(SELECT jsonb_array_elements_text(snapshot->'tags'))), 0)
$$;

-- Returns a quota of the actor who writes: 1 is the number of todos, 2 of tags, 3 of stored bytes.
--
-- Null without quotas: for the system, and for SQL that sets no actor. The setting `todo.actor` has the form
-- `kind:turn_id:todos,tags,stored_bytes:token_name`.
CREATE OR REPLACE FUNCTION actor_quota(place integer) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT nullif(split_part(split_part(current_setting('todo.actor', true), ':', 3), ',', place), '')::bigint
$$;

-- Fails like a check constraint with the name `quota_` and the subject. The application maps the name to an error.
CREATE OR REPLACE FUNCTION refuse_beyond_quota(subject text, quota bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'quota_' || subject, DETAIL = quota::text,
        MESSAGE = format('the account has more than %s %s', quota, subject);
END
$$;

-- Counts the changes that one statement has made for one user. Returns the last sequence number before them.
--
-- Locks the user's row until the transaction ends. Returns null if the user has no row, because the account is being
-- deleted. `live` and `bytes` are added to the counters; `growth` is the part of `bytes` by which the todos grew.
--
-- Checks the quotas of todos and of stored bytes. Deletes always pass, so that users can make room. Changes that let no
-- todo grow, such as completing one, may use a tenth more, because they only add to the log.
--
-- Notifies the processes that listen to `todo_changes` with the user's id, while somebody follows the changes. Commits of
-- transactions that notify wait for each other, so the changes of other users send nothing.
CREATE OR REPLACE FUNCTION count_changes(
    owner uuid, number bigint, live bigint, bytes bigint, growth bigint, only_deletes boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    usage account_usage;
    quota bigint;
BEGIN
    UPDATE account_usage
    SET last_seq = last_seq + number, live_todos = live_todos + live, stored_bytes = stored_bytes + bytes
    WHERE user_id = owner RETURNING * INTO usage;
    IF usage.followed_until > now() THEN
        PERFORM pg_notify('todo_changes', owner::text);
    END IF;
    IF live > 0 AND usage.live_todos > actor_quota(1) THEN
        PERFORM refuse_beyond_quota('todos', actor_quota(1));
    END IF;
    -- Cascades are not checked again: their cause was, and a delete must not fail by what it cascades to.
    IF NOT only_deletes AND pg_trigger_depth() = 1 THEN
        quota := actor_quota(3);
        IF usage.stored_bytes > (CASE WHEN growth > 0 THEN quota ELSE quota + quota / 10 END) THEN
            PERFORM refuse_beyond_quota('stored_bytes', quota);
        END IF;
    END IF;
    RETURN usage.last_seq - number;
END
$$;

-- Returns tags in the spelling in which the user has first written each of them: tags are one without regard to case.
--
-- Leaves out repeated ones. Most tags are known as they are written, and cost one look at an index. The setting
-- `todo.known_tags` then spares log_created_todo() the same look.
CREATE OR REPLACE FUNCTION spell_tags(owner uuid, written text[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    is_set text;
    is_locked boolean;
BEGIN
    IF cardinality(written) = 0 THEN
        RETURN written;
    END IF;
    IF cardinality(written) = (SELECT count(*) FROM known_tags WHERE user_id = owner AND tag = ANY (written)) THEN
        is_set := set_config('todo.known_tags', owner::text || written::text, true);
        RETURN written;
    END IF;
    is_set := set_config('todo.known_tags', '', true);
    -- Of two transactions that write a new tag at the same moment, the second finds the spelling of the first.
    is_locked := lock_change_log(owner);
    RETURN ARRAY(
        SELECT coalesce(known.tag, first.tag)
        FROM (
            SELECT DISTINCT ON (tag_key(tag)) tag, place FROM unnest(written) WITH ORDINALITY AS given (tag, place)
            ORDER BY tag_key(tag), place
        ) AS first
        LEFT JOIN LATERAL (
            -- Old todos may have several spellings.
            SELECT tag FROM known_tags WHERE user_id = owner AND tag_key(tag) = tag_key(first.tag)
                -- A tag exists as long as a todo outside the trash has it. OFFSET keeps PostgreSQL at the index of terms.
                AND EXISTS (
                    SELECT FROM (
                        SELECT user_id, deleted_at FROM todos
                        WHERE terms_of(user_id, tags, words) @@ terms_asked(owner, ARRAY[first.tag], '', '-') OFFSET 0
                    ) AS tagged
                    WHERE user_id = owner AND deleted_at IS NULL
                )
            ORDER BY tag <> first.tag, tag COLLATE "C" LIMIT 1
        ) AS known ON true
        ORDER BY place
    );
END
$$;

-- Returns the tags of a todo with `new_tag` in place of each tag that has the key, or without them if it is null.
CREATE OR REPLACE FUNCTION retagged(tags text[], key text, new_tag text) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(
        SELECT tag FROM (
            SELECT DISTINCT ON (tag_key(tag)) tag, place
            FROM (
                SELECT CASE WHEN tag_key(old_tag) = key THEN new_tag ELSE old_tag END AS tag, place
                FROM unnest(tags) WITH ORDINALITY AS given (old_tag, place)
            ) AS renamed
            WHERE tag IS NOT NULL ORDER BY tag_key(tag), place
        ) AS first ORDER BY place
    )
$$;

-- Checks the quota of distinct tags when a todo of a user outside the trash gets tags.
--
-- `known_tags` has all tags of a user's live todos, and perhaps tags that no todo has any more. Those are removed when
-- the known tags exceed the quota. Thus only a tag that is not known costs more than one look at an index: an INSERT that
-- inserts nothing takes three times as long as the look.
CREATE OR REPLACE FUNCTION check_tags(owner uuid, added text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    quota bigint;
BEGIN
    IF cardinality(added) = (SELECT count(*) FROM known_tags WHERE user_id = owner AND tag = ANY (added)) THEN
        RETURN;
    END IF;
    quota := actor_quota(2);
    INSERT INTO known_tags (user_id, tag) SELECT owner, unnest(added) ON CONFLICT DO NOTHING;
    IF NOT FOUND OR quota IS NULL OR number_of_tags(owner) <= quota THEN
        RETURN;
    END IF;
    DELETE FROM known_tags WHERE user_id = owner AND tag NOT IN (
        SELECT unnest(tags) FROM todos WHERE user_id = owner AND deleted_at IS NULL
    );
    IF number_of_tags(owner) > quota THEN
        PERFORM refuse_beyond_quota('tags', quota);
    END IF;
END
$$;

-- Checks the tags of a todo that gets a tag, or that leaves the trash with its tags.
CREATE OR REPLACE FUNCTION check_changed_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM check_tags(NEW.user_id, NEW.tags);
    RETURN NULL;
END
$$;

-- Returns the number of a user's known tags, without regard to case.
CREATE OR REPLACE FUNCTION number_of_tags(owner uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(DISTINCT tag_key(tag)) FROM known_tags WHERE user_id = owner
$$;

CREATE OR REPLACE TRIGGER todos_tags AFTER UPDATE ON todos FOR EACH ROW
WHEN (NEW.tags <> '{}' AND NEW.deleted_at IS NULL AND (OLD.deleted_at IS NOT NULL OR NOT NEW.tags <@ OLD.tags))
EXECUTE FUNCTION check_changed_tags();

-- Fails if a user has as many projects as the quota allows, and returns true otherwise.
--
-- Locks the change log until the transaction ends. So it counts the projects of all transactions that held the lock
-- before.
CREATE OR REPLACE FUNCTION require_room_for_project(owner uuid, quota integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_change_log(owner);
    IF (SELECT count(*) FROM projects WHERE user_id = owner) >= quota THEN
        PERFORM refuse_beyond_quota('projects', quota);
    END IF;
    RETURN true;
END
$$;
