"""Lists in every order, and search without accents."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


_OLD_WORDS = (
    "to_tsvector('simple', translate(title || ' ' || coalesce(description, ''), "
    "'!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~', repeat(' ', 32)))"
)
_EXTENSION_SCHEMA = """
SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
WHERE extname = 'unaccent'
"""
# unaccent() is only STABLE, because it depends on the search path. With both names qualified, the result depends only
# on the dictionary's rules, which belong to the version of PostgreSQL.
_FOLDED = """
CREATE FUNCTION folded(written text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower({schema}.unaccent('{schema}.unaccent'::regdictionary, written))
"""
# PostgreSQL's parser would take `milk/bread` or `ada@example.com` for one word.
_WORDS_IN = """
CREATE FUNCTION words_in(written text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('simple'::regconfig,
    translate(folded(coalesce(written, '')), '!"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~', repeat(' ', 32)))
"""
_WORDS_OF = """
CREATE FUNCTION words_of(title text, description text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(words_in(title), 'A') || setweight(words_in(description), 'D')
"""
# Each word is quoted, so that operators in the typed text have no effect.
_WORDS_ASKED = """
CREATE FUNCTION words_asked(q text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT string_agg(quote_literal(lexeme) || ':*', ' & ')::tsquery FROM unnest(words_in(q)))
"""
# The index of tags and words contains the tags of a todo, its words, and its title's words once more. Each term
# begins with characters of the owner's id: a prefix search reads one user's terms only. A lexeme may have at most 2,046
# bytes.
_TERM_OWNER = """
CREATE FUNCTION term_owner(owner uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN right(owner::text, 8)
"""
_TERMS_OF = """
CREATE FUNCTION terms_of(owner uuid, tags text[], words tsvector) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_to_tsvector(ARRAY(
    SELECT term_owner(owner) || '#' || tag FROM unnest(tags) AS tag
    UNION ALL SELECT term_owner(owner) || '-' || left(lexeme, 250) FROM unnest(words)
    UNION ALL SELECT term_owner(owner) || '=' || left(lexeme, 250) FROM unnest(words) WHERE 'A' = ANY (weights)
))
"""
_TERMS_ASKED = """
CREATE FUNCTION terms_asked(owner uuid, tags text[], q text, kind text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT string_agg(term, ' & ')::tsquery FROM (
    SELECT '''' || replace(replace(term_owner(owner) || '#' || tag, '\\', '\\\\'), '''', '''''') || ''''
    FROM unnest(tags) AS tag
    UNION ALL SELECT quote_literal(term_owner(owner) || kind || left(lexeme, 250)) || ':*' FROM unnest(words_in(q))
) AS terms (term))
"""
_PRIORITY_KEY = """
CREATE FUNCTION priority_key(priority text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE priority WHEN 'none' THEN 0 WHEN 'low' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END
"""
# Bytes sort in the same order in every locale.
_TITLE_KEY = """
CREATE FUNCTION title_key(title text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN convert_to(left(folded(title), 200), 'UTF8')
"""
_LIVE = sa.text("deleted_at IS NULL")
_SORTED_INDEXES = {
    "todos_by_created_at": "created_at",
    "todos_by_updated_at": "updated_at",
    "todos_by_due": "(coalesce(due_at, timezone('UTC', due_date::timestamp), 'infinity'::timestamptz))",
    "todos_by_due_backward": "(coalesce(due_at, timezone('UTC', due_date::timestamp), '-infinity'::timestamptz))",
    "todos_by_priority": "priority_key(priority)",
    "todos_by_title": "title_key(title)",
}
_NO_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_LOCATION_COLUMNS = {"todos_by_project": "project_id", "todos_by_parent": "parent_id"}
# PostgreSQL collects no statistics of expressions from partial indexes.
_STATISTICS = {
    "todos_due": _SORTED_INDEXES["todos_by_due"],
    "todos_due_backward": _SORTED_INDEXES["todos_by_due_backward"],
    **{f"todos_{column}": f"(coalesce({column}, '{_NO_ID}'::uuid))" for column in _LOCATION_COLUMNS.values()},
}
_FUNCTIONS = (
    _WORDS_IN,
    _WORDS_OF,
    _WORDS_ASKED,
    _TERM_OWNER,
    _TERMS_OF,
    _TERMS_ASKED,
    _PRIORITY_KEY,
    _TITLE_KEY,
)


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    schema = op.get_bind().execute(sa.text(_EXTENSION_SCHEMA)).scalar_one()
    op.execute(_FOLDED.format(schema=schema))
    for function in _FUNCTIONS:
        op.get_bind().exec_driver_sql(function)
    op.drop_index("todos_by_words", table_name="todos", postgresql_using="gin")
    op.drop_column("todos", "words")
    op.add_column("todos", _words("words_of(title, description)"))
    op.drop_index("todos_by_order", table_name="todos", postgresql_where=_LIVE)
    op.create_index(
        "todos_by_order", "todos", ["user_id", "order", "id", "completed", "priority"], postgresql_where=_LIVE
    )
    for name, key in _SORTED_INDEXES.items():
        filtered = ["completed"] if "due" in name else []
        op.create_index(name, "todos", ["user_id", sa.text(key), "id", *filtered], postgresql_where=_LIVE)
    for name, column in _LOCATION_COLUMNS.items():
        location = sa.text(f"coalesce({column}, '{_NO_ID}'::uuid)")
        op.create_index(name, "todos", ["user_id", location, "order", "id"], postgresql_where=_LIVE)
    op.create_index(
        "todos_by_terms",
        "todos",
        [sa.text("terms_of(user_id, tags, words)")],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    for name, expression in _STATISTICS.items():
        op.execute(f"CREATE STATISTICS {name} ON {expression} FROM todos")


def downgrade() -> None:
    for name in _STATISTICS:
        op.execute(f"DROP STATISTICS {name}")
    for name in ("todos_by_terms", *_LOCATION_COLUMNS, *_SORTED_INDEXES, "todos_by_order"):
        op.drop_index(name, table_name="todos")
    op.create_index("todos_by_order", "todos", ["user_id", "order", "id"], postgresql_where=_LIVE)
    op.drop_column("todos", "words")
    op.add_column("todos", _words(_OLD_WORDS))
    op.create_index("todos_by_words", "todos", ["words"], postgresql_using="gin")
    for function in (
        "title_key(text)",
        "terms_asked(uuid, text[], text, text)",
        "terms_of(uuid, text[], tsvector)",
        "term_owner(uuid)",
        "priority_key(text)",
        "words_asked(text)",
        "words_of(text, text)",
        "words_in(text)",
        "folded(text)",
    ):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP EXTENSION unaccent")


def _words(computed: str) -> sa.Column[str]:
    return sa.Column("words", postgresql.TSVECTOR(), sa.Computed(computed, persisted=True), nullable=True)
