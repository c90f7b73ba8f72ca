"""Which revision of the schema this code expects, and whether the database is there."""

from typing import Final

from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.errors import SchemaOutdated

HEAD_REVISION: Final = "0006"
"""The newest migration. A test holds it against Alembic, which no function that serves requests should load."""

_REVISION = Statement("SELECT version_num FROM alembic_version")


async def require_head(db: Database) -> None:
    """Raises DatabaseUnavailable when the database does not answer, SchemaOutdated when it is at another revision."""
    row = await db.fetch_one(_REVISION)
    if row is None or row["version_num"] != HEAD_REVISION:
        raise SchemaOutdated
