"""Migrations of databases that are empty at the start of each test."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from functions.migrate import app, connection, tries
from functions.migrate.app import handler, upgrade
from functions.migrate.connection import LOCK_SECONDS
from functions.migrate.errors import MigrationFailed
from tests import postgres
from tests.core.databases import add_user
from tests.core.schema.definitions import read_functions_and_triggers, read_schema
from tests.functions.open_transactions import open_transaction, wait_for_connections, wait_for_exclusive_waiter
from tests.python_processes import run_python
from tests.serving import LambdaContext
from todo_core.errors import DatabaseUnavailable
from todo_core.schema.revision import HEAD_REVISION
from todo_core.settings import Settings, nest_variables

pytestmark = pytest.mark.pooler

ROOT = Path(__file__).parents[2]

REVISION = "SELECT version_num FROM alembic_version"


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


class TestUpgrade:
    def test_a_schema_of_newer_code_is_left_unchanged(self, empty_database: str) -> None:
        upgrade(settings(database_url=empty_database))
        postgres.run(empty_database, "UPDATE alembic_version SET version_num = '9999'")

        upgrade(settings(database_url=empty_database))

        assert revision(empty_database) == "9999"

    def test_an_empty_database_gets_the_head_revision(self, empty_database: str) -> None:
        upgrade(settings(database_url=empty_database))
        assert revision(empty_database) == HEAD_REVISION

    def test_a_second_upgrade_changes_nothing(self, empty_database: str) -> None:
        upgrade(settings(database_url=empty_database))
        before = read_schema(empty_database)
        postgres.run(empty_database, "INSERT INTO attempts VALUES ('kept', 1, now())")
        upgrade(settings(database_url=empty_database))
        assert read_schema(empty_database) == before
        assert len(postgres.query(empty_database, "SELECT FROM attempts")) == 1

    def test_migrations_use_the_direct_url(self, empty_database: str, other_database: str) -> None:
        upgrade(settings(database_url=other_database, database_url_unpooled=empty_database))
        assert revision(empty_database) == HEAD_REVISION
        assert not read_schema(other_database)

    def test_the_project_folder_may_have_any_name(
        self, empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrations = shutil.copytree(app._MIGRATIONS, tmp_path / "50% of %(here)s" / "migrations")  # noqa: SLF001
        monkeypatch.setattr(app, "_MIGRATIONS", migrations)
        upgrade(settings(database_url=empty_database))
        assert revision(empty_database) == HEAD_REVISION

    def test_an_error_of_the_embedded_database_names_its_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(
            DatabaseUnavailable, match=f"No connection to the database embedded in {tmp_path}/file/data: "
        ):
            upgrade(settings(data_folder=str(tmp_path / "file" / "data")))

    def test_it_returns_the_revisions_before_and_after(self, empty_database: str) -> None:
        first, second = (upgrade(settings(database_url=empty_database)) for _ in range(2))

        assert (first.before, first.after) == (None, HEAD_REVISION)
        assert (second.before, second.after) == (HEAD_REVISION, HEAD_REVISION)

    def test_each_migration_has_its_own_transaction(self, empty_database: str) -> None:
        postgres.run(empty_database, "CREATE TABLE turns ()")  # which migration 0002 creates

        with pytest.raises(MigrationFailed, match='A migration failed: relation "turns" already exists'):
            upgrade(settings(database_url=empty_database))
        assert revision(empty_database) == "0001"

        postgres.run(empty_database, "DROP TABLE turns")
        assert upgrade(settings(database_url=empty_database)).before == "0001"
        assert revision(empty_database) == HEAD_REVISION


class TestLocks:
    @pytest.fixture(autouse=True)
    def _short_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tries, "PAUSE_SECONDS", (0.1, 0.2))

    def test_statements_that_wait_behind_a_migration_run_between_its_tries(
        self, empty_database: str, service_log: pytest.LogCaptureFixture
    ) -> None:
        upgrade_to("0007", empty_database)
        user_id = add_user(empty_database)
        with ThreadPoolExecutor(1) as pool:
            with open_transaction(empty_database, "SELECT FROM todos"):
                running = pool.submit(upgrade, settings(database_url=empty_database))
                wait_for_exclusive_waiter(empty_database)
                started = time.monotonic()
                # Waits behind the migration, which waits for the open transaction.
                postgres.run(empty_database, f"SELECT FROM todos WHERE user_id = '{user_id}'")
                assert time.monotonic() - started < LOCK_SECONDS + 3
            assert running.result().after == HEAD_REVISION
        assert "Another transaction holds a lock that the migration needs" in service_log.messages

    def test_it_fails_after_the_last_try_and_can_be_repeated(
        self, empty_database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tries, "MAX_TRIES", 2)
        upgrade_to("0007", empty_database)
        started = time.monotonic()
        with (
            open_transaction(empty_database, "SELECT FROM todos"),
            pytest.raises(MigrationFailed, match="Other transactions held a lock during 2 tries"),
        ):
            upgrade(settings(database_url=empty_database))

        assert time.monotonic() - started < 2 * LOCK_SECONDS + 10
        assert revision(empty_database) == "0007"
        assert upgrade(settings(database_url=empty_database)).after == HEAD_REVISION

    def test_it_fails_when_another_migration_does_not_end(
        self, empty_database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection, "OTHER_MIGRATION_SECONDS", 1)
        with (
            open_transaction(empty_database, f"SELECT pg_advisory_xact_lock({0x70D0})"),
            pytest.raises(MigrationFailed, match="Another migration has run for more than 1 seconds"),
        ):
            upgrade(settings(database_url=empty_database))


def upgrade_to(target: str, url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["settings"] = settings(database_url=url)
    command.upgrade(config, target)


class TestRevisions:
    def test_they_are_numbers_of_four_digits_without_gaps(self) -> None:
        """The service compares revisions as texts."""
        config = Config()
        config.set_main_option("script_location", str(ROOT / "migrations"))
        newest_first = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
        assert newest_first[::-1] == [f"{number:04}" for number in range(1, len(newest_first) + 1)]

    def test_the_only_head_is_the_revision_that_the_service_needs(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(ROOT / "migrations"))
        assert ScriptDirectory.from_config(config).get_heads() == [HEAD_REVISION]


class TestEntryPoints:
    def test_the_function_returns_ok_after_the_migration(
        self, empty_database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", empty_database)
        for _ in range(2):
            assert handler({}, LambdaContext("migration")) == {"status": "ok"}
        assert revision(empty_database) == HEAD_REVISION

    def test_concurrent_jobs_run_one_after_another(self, empty_database: str, tmp_path: Path) -> None:
        def job() -> subprocess.CompletedProcess[str]:
            return run_python("-m", "functions.migrate", folder=tmp_path, DATABASE_URL=empty_database)

        with ThreadPoolExecutor(2) as pool:
            # The open transaction blocks the first job at its CREATE TABLE until the second job is connected too.
            with open_transaction(empty_database, "CREATE TABLE users ()"):
                jobs = [pool.submit(job) for _ in range(2)]
                wait_for_connections(empty_database, 1 + 2 + 1)
            assert [job.result().returncode for job in jobs] == [0, 0], [job.result().stderr for job in jobs]
        assert revision(empty_database) == HEAD_REVISION

    def test_the_command_logs_what_it_did(self, empty_database: str, tmp_path: Path) -> None:
        """A production deployment of the migration needs no SECRET_KEY."""
        first, second = (
            run_python(
                "-m", "functions.migrate", folder=tmp_path, DATABASE_URL=empty_database, ENVIRONMENT="production"
            )
            for _ in range(2)
        )

        (line,) = map(json.loads, first.stdout.splitlines())
        assert f" went from empty to {HEAD_REVISION} in " in line["message"]
        assert (line["before"], line["after"]) == ("empty", HEAD_REVISION)
        assert 0 < line["seconds"] < 60
        (line,) = map(json.loads, second.stdout.splitlines())
        assert line["message"].endswith(f"is already at {HEAD_REVISION}")
        assert first.stderr + second.stderr == ""

    def test_missing_settings_are_reported_in_one_sentence(self, tmp_path: Path) -> None:
        ended = run_python("-m", "functions.migrate", folder=tmp_path, ENVIRONMENT="production")
        assert ended.returncode != 0
        assert ended.stdout + ended.stderr == "DATABASE_URL must be set in production.\n"

    def test_an_unreachable_database_is_reported_in_one_sentence(self, tmp_path: Path) -> None:
        url = "postgresql://ada:c0ffee@127.0.0.1:1/todos"
        ended = run_python("-m", "functions.migrate", folder=tmp_path, DATABASE_URL=url)
        assert ended.returncode != 0
        assert "Traceback" not in ended.stderr
        assert "todos at 127.0.0.1" in ended.stderr
        assert "c0ffee" not in ended.stderr


type Alembic = Callable[..., str]


class TestAlembic:
    """The command `alembic`, run in a copy of the repository's root with its pyproject.toml and migrations."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        """Folder with copies of pyproject.toml and the migrations, in which a test may create a revision."""
        shutil.copy(ROOT / "pyproject.toml", tmp_path)
        shutil.copytree(ROOT / "migrations", tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
        return tmp_path

    @pytest.fixture
    def alembic(self, root: Path, empty_database: str) -> Alembic:
        def run(*arguments: str) -> str:
            ended = run_python("-m", "alembic", *arguments, folder=root, DATABASE_URL=empty_database)
            assert ended.returncode == 0, ended.stderr
            return ended.stdout

        return run

    @pytest.mark.parametrize("target", ["-1", "base"])
    def test_downgrade_and_upgrade_restore_the_schema(self, alembic: Alembic, empty_database: str, target: str) -> None:
        upgrade(settings(database_url=empty_database))
        before = read_schema(empty_database), read_functions_and_triggers(empty_database)
        alembic("downgrade", target)
        if target == "base":
            assert not read_schema(empty_database)
            assert not read_functions_and_triggers(empty_database)
        alembic("upgrade", "head")
        assert revision(empty_database) == HEAD_REVISION
        assert (read_schema(empty_database), read_functions_and_triggers(empty_database)) == before

    def test_autogenerate_finds_no_difference_at_the_head(
        self, alembic: Alembic, root: Path, empty_database: str
    ) -> None:
        upgrade(settings(database_url=empty_database))
        before = set((root / "migrations/versions").glob("*.py"))
        alembic("revision", "--autogenerate", "-m", "nothing", "--rev-id", "next")
        (created,) = set((root / "migrations/versions").glob("*.py")) - before
        assert created.name == "next_nothing.py"
        code = created.read_text()
        assert re.search(rf"^down_revision: .*{HEAD_REVISION}", code, re.MULTILINE)
        assert len(re.findall(r"^    pass$", code, re.MULTILINE)) == 2
        assert "op." not in code.replace("from alembic import op", "")
