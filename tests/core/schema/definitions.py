"""Reads the definitions of columns, constraints, indexes, functions and triggers from a PostgreSQL database."""

from tests import postgres

SELECT_SCHEMA = """
SELECT 'column', concat_ws(' ', table_name, column_name, data_type, udt_name, is_nullable, column_default,
    generation_expression)
FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_name <> 'alembic_version' AND table_type = 'BASE TABLE'
UNION ALL
SELECT 'constraint', concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
UNION ALL
SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
ORDER BY 1, 2
"""

OWN_FUNCTIONS = """
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
"""
"""The FROM and WHERE clauses that select the functions of the schema `public`, except those of extensions."""
SELECT_FUNCTIONS = f"SELECT oid::regprocedure::text, pg_get_functiondef(oid) {OWN_FUNCTIONS}"
SELECT_TRIGGERS = "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"


def read_schema(url: str) -> list[tuple[str, str]]:
    """Returns the kind and definition of each column, constraint and index, except those of `alembic_version`."""
    return [(kind, definition) for kind, definition in postgres.query(url, SELECT_SCHEMA)]


def read_functions_and_triggers(url: str) -> dict[str, str]:
    """Returns the definitions of functions and triggers, keyed by name. Functions of extensions are omitted."""
    return dict(
        tuple(row) for statement in (SELECT_FUNCTIONS, SELECT_TRIGGERS) for row in postgres.query(url, statement)
    )
