-- Orders: the positions of todos and projects in their lists. A client puts one between two others by a number between
-- their orders, such as the middle.

-- Returns `wanted`, or another order at the same place if no more numbers fit between it and its neighbors.
--
-- A place has no room if the next order is within four of the smallest steps of a double. Then the nearest neighbors
-- move apart: as few as needed for some 20 more middles on each side. Their new orders are changes like any other.
--
-- Some may have the same order, and are sorted by id. But the middle of two that have the same order is that order. So a
-- place that at least `most_equal` others have is after them, and they move apart.
--
-- `kind` is the table. `this` is the moved row, null for a new one. The caller holds the lock of the user's change log.
CREATE OR REPLACE FUNCTION room_for(
    kind text, owner uuid, this uuid, wanted double precision, most_equal integer, signature text
) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    bound CONSTANT double precision := 2 ^ 53;
    listed CONSTANT text := format('FROM %I WHERE user_id = $1 AND id IS DISTINCT FROM $2', kind)
        || CASE kind WHEN 'todos' THEN ' AND deleted_at IS NULL' ELSE '' END;
    below double precision;
    above double precision;
    reach integer := 4;
    ids uuid[];
    orders double precision[];
    before integer;
    has_more_below boolean;
    has_more_above boolean;
    unit CONSTANT double precision := greatest(1, abs(wanted) * 2 ^ -29);
    step double precision := abs(wanted) * 2 ^ -50;
BEGIN
    EXECUTE format('
        SELECT (SELECT max("order") %1$s AND "order" < $3), (SELECT min("order") %1$s AND "order" > $3),
            (SELECT count(*) FROM (SELECT %1$s AND "order" = $3 LIMIT $4) AS equal)', listed)
    INTO below, above, before USING owner, this, wanted, most_equal;
    IF before < most_equal AND (below IS NULL OR wanted - below > step) AND (above IS NULL OR above - wanted > step) THEN
        RETURN wanted;
    END IF;
    LOOP
        EXECUTE format('
            SELECT array_agg(id ORDER BY "order", id), array_agg("order" ORDER BY "order", id)
            FROM (
                (SELECT id, "order" %1$s AND "order" <= $3 ORDER BY "order" DESC, id DESC LIMIT $4)
                UNION ALL (SELECT id, "order" %1$s AND "order" > $3 ORDER BY "order", id LIMIT $4)
            ) AS nearest', listed)
        INTO ids, orders USING owner, this, wanted, reach + 1;
        before := (SELECT count(*) FROM unnest(orders) AS each WHERE each <= wanted);
        has_more_below := before > reach;
        has_more_above := cardinality(ids) - before > reach;
        -- An outermost one stays where it is. Beyond the first and the last of the list are enough numbers.
        below := CASE WHEN has_more_below THEN orders[1]
            ELSE greatest(least(orders[1], wanted) - (cardinality(ids) + 2) * unit, -bound) END;
        above := CASE WHEN has_more_above THEN orders[cardinality(ids)]
            ELSE least(greatest(orders[cardinality(ids)], wanted) + (cardinality(ids) + 2) * unit, bound) END;
        ids := ids[1 + has_more_below::integer : cardinality(ids) - has_more_above::integer];
        before := before - has_more_below::integer;
        step := (above - below) / (cardinality(ids) + 2);
        EXIT WHEN step > greatest(abs(below), abs(above)) * 2 ^ -30 OR NOT (has_more_below OR has_more_above);
        reach := reach * 8;
    END LOOP;
    PERFORM set_config('todo.actor', signature, true);
    EXECUTE format('
        UPDATE %I AS moved
        SET "order" = $1 + $2 * (place + (place > $3)::integer), version = version + 1, updated_at = now()
        FROM unnest($4) WITH ORDINALITY AS placed (id, place) WHERE moved.id = placed.id', kind)
    USING below, step, before, ids;
    RETURN below + step * (before + 1);
END
$$;

-- Returns the order of a new todo or project: the wanted one, or else the end of the list. Locks the user's change log.
--
-- The lock comes first. Each query of a volatile function sees all that was committed before it, so todos that are
-- created at the same moment get different orders. `kind` is the table.
CREATE OR REPLACE FUNCTION order_of_new(kind text, owner uuid, wanted double precision, signature text)
RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    -- As an expression: PERFORM would run a query, which takes longer.
    is_locked boolean := lock_change_log(owner);
    latest double precision;
BEGIN
    IF wanted IS NOT NULL THEN
        RETURN room_for(kind, owner, NULL, wanted, 2147483647, signature);
    END IF;
    -- Not by EXECUTE, which would plan the query each time.
    IF kind = 'todos' THEN
        SELECT max("order") INTO latest FROM todos WHERE user_id = owner AND deleted_at IS NULL;
    ELSE
        SELECT max("order") INTO latest FROM projects WHERE user_id = owner;
    END IF;
    -- Above 2^53, the next whole number may be no other number.
    IF latest > 2 ^ 53 - 2 THEN
        RETURN room_for(kind, owner, NULL, latest, 1, signature);
    END IF;
    RETURN coalesce(latest + 1, 1);
END
$$;
