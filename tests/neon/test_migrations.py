"""Migrations use the direct URL of a database, and its pooled URL only if no direct URL is set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from functions.migrate.app import upgrade
from tests import postgres
from tests.postgres import Pooler
from todo_core.errors import DatabaseUnavailable
from todo_core.schema.revision import HEAD_REVISION
from todo_core.settings import Settings

UNREACHABLE = "postgresql://127.0.0.1:1/todos"
REVISION = "SELECT version_num FROM alembic_version"


def settings(pooled: str, direct: str | None) -> Settings:
    return Settings(database={"url": pooled, "url_unpooled": direct})


def migrate(folder: Path, **variables: str) -> None:
    """Runs `python -m functions.migrate` in a process of its own, as a deployment does."""
    command = sys.executable, "-m", "functions.migrate"
    subprocess.run(command, env={**os.environ, **variables}, cwd=folder, check=True, timeout=120)


def revision(empty: Pooler) -> str:
    (row,) = postgres.query(empty.direct, REVISION)
    return str(row["version_num"])


def test_migrations_use_the_direct_url(empty: Pooler) -> None:
    upgrade(settings(UNREACHABLE, empty.direct))
    assert revision(empty) == HEAD_REVISION


def test_migrations_do_not_fall_back_to_the_pooled_url(empty: Pooler) -> None:
    with pytest.raises(DatabaseUnavailable):
        upgrade(settings(empty.pooled, UNREACHABLE))


def test_prepared_statements_of_other_clients_do_not_disturb_migrations(empty: Pooler, tmp_path: Path) -> None:
    others = [f"PREPARE __asyncpg_stmt_{number:x}__ AS SELECT 1" for number in range(1, 60)]
    postgres.run(empty.pooled, *others)
    migrate(tmp_path, DATABASE_URL=empty.pooled, DATABASE_URL_UNPOOLED="")
    assert revision(empty) == HEAD_REVISION
