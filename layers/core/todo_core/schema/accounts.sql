-- Accounts.

-- Locks everything of an account that writers lock: its change log, its turns and its conversations, in this order.
--
-- Writers of todos and turns take these locks in the same order before they check the owner's foreign key. The deletion
-- of an account takes them first; otherwise the deletion and such a writer could deadlock.
--
-- A lock that is not free within 300 ms fails with `lock_not_available`. PostgreSQL looks for deadlocks after one
-- second and then cancels any of the transactions: the deletion has to give up earlier, because it can be repeated.
CREATE OR REPLACE FUNCTION lock_account(owner uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('lock_timeout', '300ms', true);
    -- Like lock_change_log(), whose own timeout of 5 s would be too long here.
    PERFORM pg_advisory_xact_lock(23569, hashtext(owner::text));
    PERFORM FROM turns WHERE user_id = owner FOR UPDATE;
    PERFORM FROM conversations WHERE user_id = owner FOR UPDATE;
END
$$;

-- Deletes the todos and the change log of an account that is being deleted.
--
-- The counters go first, so that nothing is logged any more; then each table in one DELETE. The cascades of the foreign
-- keys, which come after, find nothing here. They would log each todo and set `parent_id` and `project_id` to null.
CREATE OR REPLACE FUNCTION empty_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM account_usage WHERE user_id = OLD.id;
    DELETE FROM change_log WHERE user_id = OLD.id;
    DELETE FROM todos WHERE user_id = OLD.id;
    RETURN OLD;
END
$$;

CREATE OR REPLACE TRIGGER users_empty BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION empty_account();
