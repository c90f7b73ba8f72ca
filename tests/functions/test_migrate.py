"""The way to the newest schema, on databases that start empty."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from anyio.from_thread import start_blocking_portal
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable

from functions.migrate import app
from functions.migrate.app import handler, upgrade
from tests import postgres
from tests.serving import LambdaContext
from todo_core.errors import DatabaseUnavailable
from todo_core.schema import tables
from todo_core.schema.revision import HEAD_REVISION
from todo_core.settings import VARIABLES, Settings, nest_variables

pytestmark = pytest.mark.pooler

ROOT = Path(__file__).parents[2]

REVISION = "SELECT version_num FROM alembic_version"
WAITING = """
SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
SCHEMA = """
SELECT 'column', concat_ws(' ', table_name, column_name, data_type, udt_name, is_nullable, column_default,
    generation_expression)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
UNION ALL
SELECT 'constraint', concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
UNION ALL
SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
ORDER BY 1, 2
"""


FUNCTIONS = """
SELECT pg_get_functiondef(oid) AS definition FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND provolatile = 'i' AND prosqlbody IS NOT NULL
ORDER BY oid
"""


@pytest.fixture(autouse=True)
def _only_the_databases_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "DATABASE_URL_UNPOOLED"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    with postgres.database(server_url, migrated=False) as url:
        yield url


@pytest.fixture
def other_database(server_url: str) -> Iterator[str]:
    with postgres.database(server_url, migrated=False) as url:
        yield url


def settings(**values: str) -> Settings:
    return Settings(**nest_variables(values))


def revision(url: str) -> str:
    (row,) = postgres.query(url, REVISION)
    found: str = row["version_num"]
    return found


def schema(url: str) -> list[tuple[str, str]]:
    """Every column, constraint and index, as PostgreSQL itself writes it down."""
    return [(kind, definition) for kind, definition in postgres.query(url, SCHEMA)]


def python(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if name.upper() not in VARIABLES}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**outside, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


class TestUpgrade:
    def test_a_schema_of_newer_code_stays_as_it_is(self, empty_database: str) -> None:
        upgrade(settings(database_url=empty_database))
        postgres.run(empty_database, "UPDATE alembic_version SET version_num = '9999'")

        upgrade(settings(database_url=empty_database))

        assert revision(empty_database) == "9999"

    def test_it_brings_an_empty_database_to_the_head(self, empty_database: str) -> None:
        upgrade(settings(database_url=empty_database))
        assert revision(empty_database) == HEAD_REVISION

    def test_again_it_changes_nothing(self, empty_database: str) -> None:
        upgrade(settings(database_url=empty_database))
        before = schema(empty_database)
        postgres.run(empty_database, "INSERT INTO attempts VALUES ('kept', 1, now())")
        upgrade(settings(database_url=empty_database))
        assert schema(empty_database) == before
        assert len(postgres.query(empty_database, "SELECT FROM attempts")) == 1

    def test_it_makes_what_the_tables_describe(self, empty_database: str, other_database: str) -> None:
        upgrade(settings(database_url=empty_database))
        create(other_database, functions=functions(empty_database))
        assert schema(empty_database) == schema(other_database)

    def test_it_goes_past_the_pooler(self, empty_database: str, other_database: str) -> None:
        upgrade(settings(database_url=other_database, database_url_unpooled=empty_database))
        assert revision(empty_database) == HEAD_REVISION
        assert not schema(other_database)

    def test_the_folder_of_the_project_may_have_any_name(
        self, empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrations = shutil.copytree(app._MIGRATIONS, tmp_path / "50% of %(here)s" / "migrations")  # noqa: SLF001
        monkeypatch.setattr(app, "_MIGRATIONS", migrations)
        upgrade(settings(database_url=empty_database))
        assert revision(empty_database) == HEAD_REVISION

    def test_where_no_database_is_named_the_embedded_one_is_at_fault(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(
            DatabaseUnavailable, match=f"No connection to the database embedded in {tmp_path}/file/data: "
        ):
            upgrade(settings(data_folder=str(tmp_path / "file" / "data")))

    def test_it_fails_in_bounded_time_while_a_table_is_locked(self, empty_database: str) -> None:
        upgrade(settings(database_url=empty_database))
        with held(empty_database, "LOCK TABLE alembic_version"):
            started = time.monotonic()
            with pytest.raises(DBAPIError, match="canceling statement due to lock timeout"):
                upgrade(settings(database_url=empty_database))
        assert time.monotonic() - started < 15
        upgrade(settings(database_url=empty_database))


def functions(url: str) -> list[str]:
    """The functions that columns and indexes go by, which only the migrations have."""
    definitions = [row["definition"] for row in postgres.query(url, FUNCTIONS)]
    return ["CREATE EXTENSION unaccent", *definitions]


def create(url: str, functions: list[str]) -> None:
    """Makes the tables without the migrations."""
    postgres.run(url, *functions)
    dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
    for table in tables.all_tables().sorted_tables:
        made: list[CreateTable | CreateIndex] = [CreateTable(table), *(CreateIndex(index) for index in table.indexes)]
        postgres.run(url, *(str(statement.compile(dialect=dialect)) for statement in made))


@contextmanager
def held(url: str, statement: str) -> Iterator[None]:
    """Somebody else is in the middle of a transaction, which is undone in the end."""
    with start_blocking_portal() as portal:
        connection = portal.call(postgres.connect, url)
        portal.call(connection.execute, f"BEGIN; {statement}")
        try:
            yield
        finally:
            portal.call(connection.close)


def wait_for_waiting(url: str, count: int) -> None:
    """Waits until this many connections wait for somebody's lock."""
    deadline = time.monotonic() + 30
    while len(postgres.query(url, WAITING)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


class TestRevisions:
    def test_there_is_one_head_and_the_service_expects_it(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(ROOT / "migrations"))
        assert ScriptDirectory.from_config(config).get_heads() == [HEAD_REVISION]


class TestEntries:
    def test_the_function_answers_once_it_is_done(self, empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", empty_database)
        for _ in range(2):
            assert handler({}, LambdaContext("migration")) == {"status": "ok"}
        assert revision(empty_database) == HEAD_REVISION

    def test_jobs_that_start_at_once_take_turns(self, empty_database: str, tmp_path: Path) -> None:
        def job() -> subprocess.CompletedProcess[str]:
            return python("-m", "functions.migrate", folder=tmp_path, DATABASE_URL=empty_database)

        with ThreadPoolExecutor(2) as pool:
            # The first one stands still in the middle of its work, until the other one has come as well.
            with held(empty_database, "CREATE TABLE users ()"):
                jobs = [pool.submit(job) for _ in range(2)]
                wait_for_waiting(empty_database, 2)
            assert [job.result().returncode for job in jobs] == [0, 0], [job.result().stderr for job in jobs]
        assert revision(empty_database) == HEAD_REVISION

    def test_a_job_without_what_it_needs_says_so_in_a_sentence(self, tmp_path: Path) -> None:
        ended = python("-m", "functions.migrate", folder=tmp_path, ENVIRONMENT="production")
        assert ended.returncode != 0
        assert ended.stdout + ended.stderr == "DATABASE_URL must be set in production.\n"

    def test_a_job_that_cannot_reach_the_database_says_so_in_a_sentence(self, tmp_path: Path) -> None:
        url = "postgresql://ada:c0ffee@127.0.0.1:1/todos"
        ended = python("-m", "functions.migrate", folder=tmp_path, DATABASE_URL=url)
        assert ended.returncode != 0
        assert "Traceback" not in ended.stderr
        assert "todos at 127.0.0.1" in ended.stderr
        assert "c0ffee" not in ended.stderr


type Alembic = Callable[..., str]


class TestAlembic:
    """Alembic's own command, from the root of the repository."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        """A copy of the root, where a new revision does no harm."""
        shutil.copy(ROOT / "pyproject.toml", tmp_path)
        shutil.copytree(ROOT / "migrations", tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
        return tmp_path

    @pytest.fixture
    def alembic(self, root: Path, empty_database: str) -> Alembic:
        def run(*arguments: str) -> str:
            ended = python("-m", "alembic", *arguments, folder=root, DATABASE_URL=empty_database)
            assert ended.returncode == 0, ended.stderr
            return ended.stdout

        return run

    def test_it_goes_down_and_up_again(self, alembic: Alembic, empty_database: str) -> None:
        upgrade(settings(database_url=empty_database))
        before = schema(empty_database)
        alembic("downgrade", "base")
        assert not schema(empty_database)
        alembic("upgrade", "head")
        assert revision(empty_database) == HEAD_REVISION
        assert schema(empty_database) == before

    def test_at_the_head_it_finds_nothing_to_change(self, alembic: Alembic, root: Path, empty_database: str) -> None:
        upgrade(settings(database_url=empty_database))
        before = set((root / "migrations/versions").glob("*.py"))
        alembic("revision", "--autogenerate", "-m", "nothing", "--rev-id", "next")
        (made,) = set((root / "migrations/versions").glob("*.py")) - before
        assert made.name == "next_nothing.py"
        code = made.read_text()
        assert re.search(rf"^down_revision: .*{HEAD_REVISION}", code, re.MULTILINE)
        assert len(re.findall(r"^    pass$", code, re.MULTILINE)) == 2
        assert "op." not in code.replace("from alembic import op", "")
