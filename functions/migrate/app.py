"""Runs the database migrations: in a Lambda function on deployment, or in a Job by `python -m functions.migrate`."""

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import Final, cast

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from msgspec import Struct
from sqlalchemy import Connection

from functions.migrate import rights
from functions.migrate.connection import connect_alone
from functions.migrate.custom_resource import CustomResourceEvent, InvocationContext, run_and_respond
from functions.migrate.tries import first_line, try_repeatedly
from todo_core import logs
from todo_core.database import postgres_url
from todo_core.errors import DatabaseUnavailable
from todo_core.logs import log
from todo_core.schema.revision import HEAD_REVISION
from todo_core.settings import Settings, load

_MIGRATIONS: Final = Path(__file__).parents[2] / "migrations"


class Upgrade(Struct, frozen=True):
    """The revisions of a schema before and after an upgrade. `before` is None if the database was empty."""

    before: str | None
    after: str | None
    seconds: float


def run(settings: Settings) -> None:
    """Runs the migrations and logs what they changed. Raises the errors of `upgrade`."""
    result = upgrade(settings)
    database = _describe_database(settings)
    if result.before == result.after:
        log.info("The schema of %s is already at %s", database, result.after)
    else:
        before = result.before or "empty"
        fields = {"before": before, "after": result.after, "seconds": round(result.seconds, 3)}
        step = f"from {before} to {result.after}"
        log.info("The schema of %s went %s in %.1f seconds", database, step, result.seconds, extra=fields)


def upgrade(settings: Settings) -> Upgrade:
    """Runs the migrations that the database lacks, each in its own transaction. Simultaneous calls run one by one.

    A schema that newer code has migrated stays unchanged, because older code must still start after a rollback.

    Raises DatabaseUnavailable when the connection fails, and MigrationFailed when a migration does.
    """
    started = time.monotonic()
    try:
        before, after = asyncio.run(_upgrade(settings))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        database = _describe_database(settings)
        raise DatabaseUnavailable(f"No connection to the database {database}: {first_line(error)}") from None
    return Upgrade(before, after, time.monotonic() - started)


async def _upgrade(settings: Settings) -> tuple[str | None, str | None]:
    async with connect_alone(settings) as connection:
        before = await try_repeatedly(connection, _read_revision)
        if before is not None and before > HEAD_REVISION:
            log.warning("The schema is at %s, which this code does not know, and is left unchanged", before)
            return before, before
        await try_repeatedly(connection, partial(_run_migrations, settings))
        return before, await try_repeatedly(connection, _read_revision)


def _read_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _run_migrations(settings: Settings, connection: Connection) -> None:
    role = rights.find_other_role(connection, settings.database)
    if role:
        rights.grant(connection, role)
    # In an open transaction, Alembic would run all migrations in it.
    connection.commit()
    config = Config()
    # Doubles percent signs: Alembic reads options with configparser, where one percent sign begins a reference.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if role:
        rights.protect_revision(connection, role)


def _describe_database(settings: Settings) -> str:
    if settings.database.url is None and settings.database.url_unpooled is None:
        return f"embedded in {settings.data_folder}"
    return postgres_url.parse(settings.database.migration_url).display_name


def handler(event: CustomResourceEvent | dict[str, object], context: InvocationContext) -> dict[str, str]:
    """Runs the migrations on Lambda, unless CloudFormation deletes its custom resource.

    An event of the custom resource has a ResponseURL, which gets the result. Any other event is a manual invocation.
    """
    if "ResponseURL" in event:
        run_and_respond(cast(CustomResourceEvent, event), context, _load_and_run)
    else:
        _load_and_run()
    return {"status": "ok"}


def _load_and_run() -> None:
    settings = load()
    logs.configure(settings)
    run(settings)
