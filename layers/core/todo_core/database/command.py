"""The database of a command that an operator runs, such as the purge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from todo_core.database import embedded
from todo_core.database.executor import Database
from todo_core.database.settings import DatabaseSettings
from todo_core.errors import DatabaseUnavailable


@asynccontextmanager
async def connect_for_command(settings: DatabaseSettings, folder: Path) -> AsyncIterator[Database]:
    """Yields the database, and closes its connections afterwards.

    Without a URL, starts the embedded server in `folder`. Raises EmbeddedServerError, and DatabaseUnavailable with a
    sentence for a terminal, which has no Retry-After.
    """
    async with embedded.ensure_server(settings.url, folder) as url:
        database = settings.with_url(url)
        db = Database.from_settings(database)
        try:
            yield db
        except DatabaseUnavailable:
            raise DatabaseUnavailable(
                f"The database {database.display_name} does not answer; check that it runs and that"
                " DATABASE_URL is right, then repeat the command."
            ) from None
        finally:
            await db.close()
