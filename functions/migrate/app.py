"""Brings the database's schema to its newest revision: on deploy as a Lambda, as a Kubernetes Job by `python -m`."""

from pathlib import Path
from typing import Final, cast

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util import CommandError

from functions.migrate.custom_resource import CustomResourceEvent, InvocationContext, run_and_respond
from todo_core.database import postgres_url
from todo_core.errors import DatabaseUnavailable
from todo_core.logs import log
from todo_core.settings import Settings, load

_MIGRATIONS: Final = Path(__file__).parents[2] / "migrations"


def upgrade(settings: Settings) -> None:
    """Runs the migrations that are missing. Safe to be run by several processes at once: they take turns.

    A schema that newer code has left behind stays as it is: after a rollback, the older code has to live with it.

    Raises DatabaseUnavailable when there is no connection, and what Alembic raises when a migration fails.
    """
    config = Config()
    # Kept as a line of an .ini file, in which a percent sign begins a reference.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["settings"] = settings
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if not isinstance(error.__cause__, ResolutionError):
            raise
        log.warning("The schema is at a revision that this code does not know, and stays there: %s", error)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # PostgreSQL may add details on lines of their own.
        reason = str(error).partition("\n")[0]
        raise DatabaseUnavailable(f"No connection to the database {_place(settings)}: {reason}") from None


def _place(settings: Settings) -> str:
    if settings.database.url is None and settings.database.url_unpooled is None:
        return f"embedded in {settings.data_folder}"
    return postgres_url.parse(settings.database.migration_url).place


def handler(event: CustomResourceEvent | dict[str, object], context: InvocationContext) -> dict[str, str]:
    """Serves a deployment's custom resource, and whoever invokes the function by hand."""
    if "ResponseURL" in event:
        run_and_respond(cast(CustomResourceEvent, event), context, lambda: upgrade(load()))
    else:
        upgrade(load())
    return {"status": "ok"}
