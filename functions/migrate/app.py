"""Runs the database migrations: as a Lambda function on deployment, or as a Kubernetes Job by `python -m`."""

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
    """Runs the missing migrations. Several processes may call it at once; an advisory lock makes them take turns.

    A schema of newer code is left unchanged, because older code still runs after a rollback.

    Raises DatabaseUnavailable when the connection fails. Errors of Alembic and of a migration are not translated.
    """
    config = Config()
    # Alembic reads its options with configparser, where a percent sign begins a reference.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["settings"] = settings
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if not isinstance(error.__cause__, ResolutionError):
            raise
        log.warning("The schema has a revision that this code does not know, and is left unchanged: %s", error)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # PostgreSQL may add details on further lines.
        reason = str(error).partition("\n")[0]
        raise DatabaseUnavailable(f"No connection to the database {_describe_database(settings)}: {reason}") from None


def _describe_database(settings: Settings) -> str:
    if settings.database.url is None and settings.database.url_unpooled is None:
        return f"embedded in {settings.data_folder}"
    return postgres_url.parse(settings.database.migration_url).display_name


def handler(event: CustomResourceEvent | dict[str, object], context: InvocationContext) -> dict[str, str]:
    """Handles the events of CloudFormation's custom resource, and manual invocations with any other event."""
    if "ResponseURL" in event:
        run_and_respond(cast(CustomResourceEvent, event), context, lambda: upgrade(load()))
    else:
        upgrade(load())
    return {"status": "ok"}
