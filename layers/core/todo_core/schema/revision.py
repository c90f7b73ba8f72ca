"""The schema revision that this code needs, and the check that the database has this revision."""

from typing import Final

from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.errors import SchemaOutdated

HEAD_REVISION: Final = "0008"
"""The revision of the newest migration. A constant, so that serving requests does not need Alembic."""

_SELECT_REVISION = Statement("SELECT version_num FROM alembic_version")


async def require_head(db: Database) -> None:
    """Checks that the database has the head revision.

    Raises SchemaOutdated when it has another revision, and DatabaseUnavailable when it does not answer.
    """
    row = await db.fetch_one(_SELECT_REVISION)
    if row is None or row["version_num"] != HEAD_REVISION:
        raise SchemaOutdated
