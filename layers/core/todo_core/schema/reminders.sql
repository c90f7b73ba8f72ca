-- Reminders: which of them fire, and the quiet hours in which their messages wait.

-- Marks the reminder of a todo as done.
CREATE OR REPLACE FUNCTION skip_reminder() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.reminded_at := NEW.reminder_at;
    RETURN NEW;
END
$$;

-- A reminder that is set to a time more than a minute ago never fires: an import of old todos must send nothing.
CREATE OR REPLACE TRIGGER todos_past_reminder_new BEFORE INSERT ON todos FOR EACH ROW
WHEN (NEW.reminder_at < now() - interval '1 minute') EXECUTE FUNCTION skip_reminder();

-- The same for a change. A reminder whose time has come while its todo was completed or in the trash does not fire when
-- the todo is open again.
CREATE OR REPLACE TRIGGER todos_past_reminder BEFORE UPDATE OF reminder_at, completed, deleted_at ON todos FOR EACH ROW
WHEN (NEW.reminder_at < now() - interval '1 minute' AND (
    NEW.reminder_at IS DISTINCT FROM OLD.reminder_at OR OLD.completed AND NOT NEW.completed
    OR OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL
))
EXECUTE FUNCTION skip_reminder();

-- Returns the end of the quiet hours in which a moment lies, or the moment itself outside of them.
--
-- Quiet hours are local times of the zone. Those that begin later than they end go over midnight. A zone that this
-- database does not know counts as UTC: an error would stop the reminders of all users.
CREATE OR REPLACE FUNCTION quiet_until(moment timestamptz, zone text, quiet_start time, quiet_end time)
RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
    known_zone text := zone;
    local timestamp;
    ends timestamp;
BEGIN
    IF quiet_start IS NULL THEN
        RETURN moment;
    END IF;
    BEGIN
        local := moment AT TIME ZONE zone;
    EXCEPTION WHEN invalid_parameter_value THEN
        known_zone := 'UTC';
        local := moment AT TIME ZONE known_zone;
    END;
    IF quiet_start < quiet_end AND local::time >= quiet_start AND local::time < quiet_end THEN
        ends := local::date + quiet_end;
    ELSIF quiet_start > quiet_end AND local::time < quiet_end THEN
        ends := local::date + quiet_end;
    ELSIF quiet_start > quiet_end AND local::time >= quiet_start THEN
        ends := local::date + 1 + quiet_end;
    ELSE
        RETURN moment;
    END IF;
    RETURN greatest(moment, ends AT TIME ZONE known_zone);
END
$$;

-- Returns the id of the message that tells of a reminder: the same for the same todo, time, kind and device.
CREATE OR REPLACE FUNCTION reminder_message_id(todo uuid, reminder_at timestamptz, kind text, device uuid) RETURNS uuid
LANGUAGE sql STABLE AS $$
    SELECT left(encode(sha256(convert_to(
        concat_ws(' ', todo, extract(epoch FROM reminder_at), kind, device), 'UTF8'
    )), 'hex'), 32)::uuid
$$;
