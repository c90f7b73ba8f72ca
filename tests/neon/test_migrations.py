"""Which way migrations take, and that neither is spoilt by what others have left on its connections."""

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

NOWHERE = "postgresql://ada@127.0.0.1:1/todos"
REVISION = "SELECT version_num FROM alembic_version"


def settings(pooled: str, direct: str | None) -> Settings:
    return Settings(database={"url": pooled, "url_unpooled": direct})


def migrate(folder: Path, **variables: str) -> None:
    """A migration in a process of its own, as a deployment runs it."""
    command = sys.executable, "-m", "functions.migrate"
    subprocess.run(command, env={**os.environ, **variables}, cwd=folder, check=True, timeout=120)


def revision(empty: Pooler) -> str:
    (row,) = postgres.query(empty.direct, REVISION)
    return str(row["version_num"])


def test_they_take_the_direct_way(empty: Pooler) -> None:
    upgrade(settings(NOWHERE, empty.direct))
    assert revision(empty) == HEAD_REVISION


def test_they_take_no_other_way_where_there_is_a_direct_one(empty: Pooler) -> None:
    with pytest.raises(DatabaseUnavailable):
        upgrade(settings(empty.pooled, NOWHERE))


def test_names_that_others_have_left_on_a_pooled_connection_do_not_stop_them(empty: Pooler, tmp_path: Path) -> None:
    usual = [f"PREPARE __asyncpg_stmt_{number:x}__ AS SELECT 1" for number in range(1, 60)]
    postgres.run(empty.pooled, *usual)
    migrate(tmp_path, DATABASE_URL=empty.pooled, DATABASE_URL_UNPOOLED="")
    assert revision(empty) == HEAD_REVISION
