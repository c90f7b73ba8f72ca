"""The schema revision that this code needs, and the check that the database has it or a newer one."""

from typing import Final

from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.errors import SchemaOutdated

HEAD_REVISION: Final = "0016"
"""The revision of the newest migration. A constant, so that serving requests does not need Alembic.

Revisions are four digits in ascending order, so that texts compare like numbers.
"""

_SELECT_REVISION = Statement("SELECT version_num FROM alembic_version")


async def require_head(db: Database) -> None:
    """Checks that the database has the head revision or a newer one.

    The migrations of a release work with the code of the release before, which still serves while new code starts.

    Raises SchemaOutdated when the revision is older, and DatabaseUnavailable when the database does not answer.
    """
    row = await db.fetch_one(_SELECT_REVISION)
    if row is None or row["version_num"] < HEAD_REVISION:
        raise SchemaOutdated
