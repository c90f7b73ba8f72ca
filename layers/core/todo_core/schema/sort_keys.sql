-- Sort keys: the expressions by which lists of todos are sorted, indexed in exactly this form.

-- Returns the rank of a priority, from 0 for `none` to 3 for `high`.
CREATE OR REPLACE FUNCTION priority_key(priority text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE priority WHEN 'none' THEN 0 WHEN 'low' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END;

-- Returns the first 200 characters of a title as bytes, in lower case and without accents.
--
-- Bytes sort in the same order in every database, whatever its locale.
CREATE OR REPLACE FUNCTION title_key(title text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN convert_to(left(folded(title), 200), 'UTF8');
