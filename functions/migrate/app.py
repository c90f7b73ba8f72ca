"""Runs the database migrations: in a Lambda function on deployment, or in a Job by `python -m functions.migrate`."""

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
    """Runs the migrations that the database lacks. An advisory lock makes simultaneous calls wait for each other.

    A schema that newer code has migrated stays unchanged, because older code must still start after a rollback.

    Raises DatabaseUnavailable when the connection fails. Other errors of Alembic or a migration are raised unchanged.
    """
    config = Config()
    # Doubles percent signs: Alembic reads options with configparser, where one percent sign begins a reference.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["settings"] = settings
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if not isinstance(error.__cause__, ResolutionError):
            raise
        log.warning("The schema has a revision that this code does not know, and is left unchanged: %s", error)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # Keeps the message on one line: PostgreSQL may add details on further lines.
        reason = str(error).partition("\n")[0]
        raise DatabaseUnavailable(f"No connection to the database {_describe_database(settings)}: {reason}") from None


def _describe_database(settings: Settings) -> str:
    if settings.database.url is None and settings.database.url_unpooled is None:
        return f"embedded in {settings.data_folder}"
    return postgres_url.parse(settings.database.migration_url).display_name


def handler(event: CustomResourceEvent | dict[str, object], context: InvocationContext) -> dict[str, str]:
    """Runs the migrations on Lambda, unless CloudFormation deletes its custom resource.

    An event of the custom resource has a ResponseURL, which gets the result. Any other event is a manual invocation.
    """
    if "ResponseURL" in event:
        run_and_respond(cast(CustomResourceEvent, event), context, lambda: upgrade(load()))
    else:
        upgrade(load())
    return {"status": "ok"}
