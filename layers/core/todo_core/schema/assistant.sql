-- Conversations and turns of the assistant.

-- Adds the changed bytes of turns to the stored bytes of their users, once for each statement.
--
-- It refuses nothing: a turn that runs may finish. New turns are refused when the quota is used up.
CREATE OR REPLACE FUNCTION count_turn_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE account_usage SET stored_bytes = account_usage.stored_bytes - freed.bytes
        FROM (SELECT user_id, sum(stored_bytes) AS bytes FROM old_turns GROUP BY user_id) AS freed
        WHERE account_usage.user_id = freed.user_id;
    ELSE
        UPDATE account_usage SET stored_bytes = account_usage.stored_bytes + added.bytes
        FROM (
            SELECT new_turns.user_id, sum(new_turns.stored_bytes - old_turns.stored_bytes) AS bytes
            FROM new_turns JOIN old_turns ON old_turns.id = new_turns.id GROUP BY new_turns.user_id
        ) AS added
        WHERE account_usage.user_id = added.user_id AND added.bytes <> 0;
    END IF;
    RETURN NULL;
END
$$;

-- A new turn has no bytes yet: they are added at the end of its transaction, in the order in which rows are locked.
CREATE OR REPLACE TRIGGER turns_bytes AFTER UPDATE ON turns
REFERENCING OLD TABLE AS old_turns NEW TABLE AS new_turns
FOR EACH STATEMENT EXECUTE FUNCTION count_turn_bytes();

CREATE OR REPLACE TRIGGER turns_bytes_deleted AFTER DELETE ON turns
REFERENCING OLD TABLE AS old_turns
FOR EACH STATEMENT EXECUTE FUNCTION count_turn_bytes();
