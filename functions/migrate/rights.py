"""Rights of the role with which the service connects, when migrations connect as another role."""

from sqlalchemy import Connection, text

from functions.migrate.errors import MigrationFailed
from todo_core.database import postgres_url
from todo_core.database.settings import DatabaseSettings
from todo_core.logs import log


def find_other_role(connection: Connection, settings: DatabaseSettings) -> str | None:
    """Returns the role of DATABASE_URL, or None if the migrations run as the same role.

    Raises MigrationFailed when the role does not exist.
    """
    role = postgres_url.parse(settings.connection_url).user if settings.url else None
    if role is None or role == connection.scalar(text("SELECT current_user")):
        return None
    if not connection.scalar(text("SELECT true FROM pg_roles WHERE rolname = :role"), {"role": role}):
        raise MigrationFailed(f"The role {role} of DATABASE_URL does not exist. Create it: CREATE ROLE ... LOGIN.")
    return role


def grant(connection: Connection, role: str) -> None:
    """Lets the role read and write rows of all tables, also of those that later migrations create.

    The role cannot create, change or drop tables. Warns if it may do so by other rights.
    """
    quoted = connection.dialect.identifier_preparer.quote(role)
    rows = "SELECT, INSERT, UPDATE, DELETE"
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {quoted}",
        f"GRANT {rows} ON ALL TABLES IN SCHEMA public TO {quoted}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {quoted}",
        # A trigger may write a new table as soon as its migration ends, so the rights come with the table.
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rows} ON TABLES TO {quoted}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {quoted}",
    ):
        connection.execute(text(statement))
    if connection.scalar(text("SELECT has_schema_privilege(:role, 'public', 'CREATE')"), {"role": role}):
        log.warning("The role %s may create tables. docs/neon.md says how to take this right away", role)


def protect_revision(connection: Connection, role: str) -> None:
    """Lets the role only read the revision of the schema."""
    quoted = connection.dialect.identifier_preparer.quote(role)
    connection.execute(text(f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {quoted}"))
