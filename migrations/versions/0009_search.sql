-- Search: the words and tags under which a todo is indexed, and the queries that search for them.

-- `unaccent` may be installed in any schema. Bodies after RETURN are resolved when a function is created, so its schema
-- only has to be in the search path now.
SELECT set_config('search_path', concat_ws(', ', current_setting('search_path'), quote_ident(nspname)), true)
FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'unaccent';

-- Returns a text in lower case and without accents: search and the sort order by title ignore both.
--
-- Declared IMMUTABLE, because indexes use it. `unaccent` is only STABLE: it looks up its dictionary in the search path
-- of each call. With the dictionary as an argument, the result depends only on the version of PostgreSQL.
CREATE OR REPLACE FUNCTION folded(written text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(unaccent('unaccent'::regdictionary, written));

-- Splits a text into words. Punctuation separates words; PostgreSQL's parser would take `milk/bread` or
-- `ada@example.com` for one word.
CREATE OR REPLACE FUNCTION words_in(written text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('simple'::regconfig,
    translate(folded(coalesce(written, '')), '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32)));

-- Returns the words of a todo: those of the title have the weight A, those of the description the weight D.
CREATE OR REPLACE FUNCTION words_of(title text, description text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(words_in(title), 'A') || setweight(words_in(description), 'D');

-- Returns the query for todos that have, for each word of `q`, a word beginning with it.
--
-- Each word is quoted, so that operators of a tsquery in the typed text have no effect.
CREATE OR REPLACE FUNCTION words_asked(q text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT string_agg(quote_literal(lexeme) || ':*', ' & ')::tsquery FROM unnest(words_in(q)));

-- Returns the prefix of all index terms of one user: the last 8 characters of the id, to keep the index small.
--
-- Two users may share a prefix; each search also compares `user_id`.
CREATE OR REPLACE FUNCTION term_owner(owner uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN right(owner::text, 8);

-- Returns the terms under which the index knows a todo: `#` tags, `-` words, and `=` words of the title once more.
--
-- Each term begins with its owner, so that a search for a prefix reads the entries of one user only. Words are cut at
-- 250 characters, because a lexeme may have at most 2,046 bytes.
CREATE OR REPLACE FUNCTION terms_of(owner uuid, tags text[], words tsvector) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_to_tsvector(ARRAY(
    SELECT term_owner(owner) || '#' || tag FROM unnest(tags) AS tag
    UNION ALL SELECT term_owner(owner) || '-' || left(lexeme, 250) FROM unnest(words)
    UNION ALL SELECT term_owner(owner) || '=' || left(lexeme, 250) FROM unnest(words) WHERE 'A' = ANY (weights)
));

-- Returns the index query for todos that have all `tags` and, for each word of `q`, a word beginning with it.
--
-- `kind` is `-` to search in all words, `=` to search in titles only.
CREATE OR REPLACE FUNCTION terms_asked(owner uuid, tags text[], q text, kind text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT string_agg(term, ' & ')::tsquery FROM (
    SELECT '''' || replace(replace(term_owner(owner) || '#' || tag, '\', '\\'), '''', '''''') || ''''
    FROM unnest(tags) AS tag
    UNION ALL SELECT quote_literal(term_owner(owner) || kind || left(lexeme, 250)) || ':*' FROM unnest(words_in(q))
) AS terms (term));
