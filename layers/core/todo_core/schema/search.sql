-- Search: the words and tags under which a todo is indexed, and the queries that search for them.

-- `unaccent` may be installed in any schema. Bodies after RETURN are resolved when a function is created, so its schema
-- only has to be in the search path now.
SELECT set_config('search_path', concat_ws(', ', current_setting('search_path'), quote_ident(nspname)), true)
FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'unaccent';

-- Returns a text in lower case and without accents: search and the sort order by title ignore both.
--
-- The Greek sigma at the end of a word becomes the other small sigma, because both have one capital letter.
--
-- Declared IMMUTABLE, because indexes use it. `unaccent` is only STABLE: it looks up its dictionary in the search path
-- of each call. With the dictionary as an argument, the result depends only on the version of PostgreSQL.
CREATE OR REPLACE FUNCTION folded(written text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(lower(unaccent('unaccent'::regdictionary, written)), 'ς', 'σ');

-- Returns a pattern for one character of a run: of a script without spaces between words, or a symbol such as an emoji.
--
-- The scripts are Thai, Lao, Tibetan, Burmese, Khmer, Chinese, Japanese and Korean. Korean has spaces, but joins
-- particles to its words. PostgreSQL's parser takes a run of letters for one word, and drops symbols.
CREATE OR REPLACE FUNCTION run_character() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '[\u0E00-\u0FFF\u1000-\u109F\u1100-\u11FF\u1780-\u17FF\u2190-\u21FF\u2300-\u23FF\u25A0-\u27BF'
    '\u2900-\u297F\u2B00-\u2BFF\u2E80-\u2FDF\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u309F\u30A1-\u30FA'
    '\u30FC-\u318F\u31A0-\u31BF\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uA960-\uA97F\uAC00-\uD7FF\uF900-\uFAFF'
    '\uFF66-\uFF9F\U0001B000-\U0001B16F\U0001F000-\U0001FAFF\U00020000-\U0003FFFF]';

-- Returns the characters of a text as the runs in it are compared.
--
-- Half-width letters become common ones. Removes the marks that join emoji or choose their look, because some keyboards
-- leave them out.
CREATE OR REPLACE FUNCTION run_text(written text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN normalize(translate(written, U&'\200D\FE0E\FE0F', ''), NFKC);

-- Splits a text into words, without regard to runs. Punctuation separates words; PostgreSQL's parser would take
-- `milk/bread` or `ada@example.com` for one word.
CREATE OR REPLACE FUNCTION plain_words_in(written text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('simple'::regconfig,
    translate(folded(coalesce(written, '')), '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32)));

-- Returns a text with a space for each run.
CREATE OR REPLACE FUNCTION without_runs(written text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(written, run_character() || '(?:' || run_character() || U&'|[\200D\FE0E\FE0F])*', ' ', 'g');

-- Returns the pairs of neighbors in the runs of a text, at the positions of their first characters.
--
-- The last character of a run is there alone. So a search finds any part of a run: its pairs, one after the other.
CREATE OR REPLACE FUNCTION pairs_in(written text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce((
    SELECT string_agg(
        quote_literal(letter || CASE WHEN following ~ run_character() THEN following ELSE '' END) || ':' || place, ' '
    )::tsvector
    FROM (
        SELECT letter, place, lead(letter) OVER (ORDER BY place) AS following
        FROM unnest(string_to_array(run_text(written), NULL)) WITH ORDINALITY AS letters (letter, place)
    ) AS neighbors
    WHERE letter ~ run_character()
), ''::tsvector);

-- Returns the words of a text, and the pairs of characters in its runs. The first test spares most texts the second one.
CREATE OR REPLACE FUNCTION words_in(written text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN octet_length(written) > length(written) AND written ~ run_character()
        THEN plain_words_in(without_runs(written)) || pairs_in(written)
    ELSE plain_words_in(written)
END;

-- Returns the words of a todo: those of the title have the weight A, those of the description the weight D.
--
-- In PL/pgSQL, whose plan a connection keeps: PostgreSQL would plan the body of an SQL function again in each statement
-- that writes todos, which takes a third of the time of a create. The search path is that of the migration, because
-- PostgreSQL has none while it builds an index.
CREATE OR REPLACE FUNCTION words_of(title text, description text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
BEGIN
    IF description IS NULL THEN
        RETURN setweight(words_in(title), 'A');
    END IF;
    RETURN setweight(words_in(title), 'A') || setweight(words_in(description), 'D');
END
$$;

-- Returns what a search asks for: the lexemes of each word of `q`, which is one, and those of each run, one after the
-- other.
--
-- `is_beginning` is true for a word, and for a run of one character: longer words and pairs begin with its lexeme.
CREATE OR REPLACE FUNCTION parts_asked(q text) RETURNS TABLE (lexemes text[], is_beginning boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT ARRAY[lexeme], true FROM unnest(plain_words_in(without_runs(q)))
    UNION ALL
    SELECT
        ARRAY(SELECT substr(run[1], first, 2) FROM generate_series(1, greatest(length(run[1]) - 1, 1)) AS first),
        length(run[1]) = 1
    FROM regexp_matches(run_text(q), run_character() || '+', 'g') AS run;
END;

-- Returns the text of a query for one part of a search, as parts_asked() returns it.
--
-- `prefix` begins each lexeme, as in the index of terms, where words are cut at 250 characters. That index has no
-- positions, so only a query without a prefix asks for the order of the lexemes.
CREATE OR REPLACE FUNCTION part_query(lexemes text[], is_beginning boolean, prefix text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN is_beginning AND prefix = '' THEN quote_literal(lexemes[1]) || ':*'
    WHEN is_beginning THEN quote_literal(prefix || left(lexemes[1], 250)) || ':*'
    WHEN prefix = '' THEN '(' || (
        SELECT string_agg(quote_literal(lexeme), ' <-> ' ORDER BY place)
        FROM unnest(lexemes) WITH ORDINALITY AS ordered (lexeme, place)
    ) || ')'
    ELSE '(' || (SELECT string_agg(quote_literal(prefix || left(lexeme, 250)), ' & ') FROM unnest(lexemes) AS lexeme) || ')'
END;

-- Returns the query for todos that have, for each word of `q`, a word beginning with it, and each run of `q`.
--
-- Each word is quoted, so that operators of a tsquery in the typed text have no effect.
CREATE OR REPLACE FUNCTION words_asked(q text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT string_agg(part_query(lexemes, is_beginning, ''), ' & ')::tsquery FROM parts_asked(q));

-- Returns the text of a query for one of the whole words in `forms`, or one of the runs.
CREATE OR REPLACE FUNCTION any_asked(forms text, prefix text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT string_agg(part_query(lexemes, is_beginning AND lexemes[1] ~ run_character(), prefix), ' | ')
    FROM parts_asked(forms)
);

-- Returns a tag as it is compared with others: tags are one without regard to case.
CREATE OR REPLACE FUNCTION tag_key(tag text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(lower(tag), 'ς', 'σ');

-- Returns the prefix of all index terms of one user: the last 8 characters of the id, to keep the index small.
--
-- Two users may share a prefix; each search also compares `user_id`.
CREATE OR REPLACE FUNCTION term_owner(owner uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN right(owner::text, 8);

-- Returns the terms under which the index knows a todo: `#` keys of tags, `-` words, and `=` words of the title once more.
--
-- Each term begins with its owner, so that a search for a prefix reads the entries of one user only. Words are cut at
-- 250 characters, because a lexeme may have at most 2,046 bytes. In PL/pgSQL for the reason of words_of().
CREATE OR REPLACE FUNCTION terms_of(owner uuid, tags text[], words tsvector) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN array_to_tsvector(ARRAY(
        SELECT term_owner(owner) || '#' || tag_key(tag) FROM unnest(tags) AS tag
        UNION ALL SELECT term_owner(owner) || '-' || left(lexeme, 250) FROM unnest(words)
        UNION ALL SELECT term_owner(owner) || '=' || left(lexeme, 250) FROM unnest(words) WHERE 'A' = ANY (weights)
    ));
END
$$;

-- Returns the index query for todos that have all `tags` and, for each word of `q`, a word beginning with it.
--
-- `kind` is `-` to search in all words, `=` to search in titles only.
CREATE OR REPLACE FUNCTION terms_asked(owner uuid, tags text[], q text, kind text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT string_agg(term, ' & ')::tsquery FROM (
    SELECT '''' || replace(replace(term_owner(owner) || '#' || tag_key(tag), '\', '\\'), '''', '''''') || ''''
    FROM unnest(tags) AS tag
    UNION ALL SELECT part_query(lexemes, is_beginning, term_owner(owner) || kind) FROM parts_asked(q)
) AS terms (term));
