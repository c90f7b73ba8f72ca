"""Readiness: whether the database answers this process, and has the schema that it needs.

The answers that requests get from the database count. So a busy process never asks for its readiness alone, and an idle
one rarely: each question would wake a database that suspends when it is idle, such as Neon's.
"""

from todo_core.database.executor import Database
from todo_core.schema.revision import require_head


class Readiness:
    """Asks the database at the start, after each failure, and when its last answer is older than some seconds."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self._has_schema = False

    async def require(self) -> None:
        """Asks the database if its last answer is too old.

        Raises DatabaseUnavailable when it does not answer, and SchemaOutdated when it is not migrated.
        """
        if self._has_schema and self._database.has_answered_within(self._seconds):
            return
        self._has_schema = False
        await require_head(self._database)
        self._has_schema = True
