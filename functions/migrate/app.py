"""Brings the database's schema to its newest revision: on deploy as a Lambda, as a Kubernetes Job by `python -m`."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config

from todo_core.settings import Settings, load

_MIGRATIONS: Final = Path(__file__).parents[2] / "migrations"


def upgrade(settings: Settings) -> None:
    """Runs the migrations that are missing. Safe to be run by several processes at once: they take turns."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["settings"] = settings
    command.upgrade(config, "head")


def handler(_event: object, _context: object) -> dict[str, str]:
    upgrade(load())
    return {"status": "ok"}
