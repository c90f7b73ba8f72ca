"""Indexes that a migration builds beside writes, in a database with one migration more than the project has."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from functions.migrate import app, indexes
from functions.migrate.app import Upgrade, upgrade
from functions.migrate.errors import MigrationFailed
from tests import postgres
from tests.core.databases import add_user
from tests.functions.open_transactions import open_transaction, wait_for_lock_waiters
from todo_core.schema.revision import HEAD_REVISION
from todo_core.settings import Settings

MIGRATION = f"""
from functions.migrate.indexes import build_index

revision = "9000"
down_revision = "{HEAD_REVISION}"


def upgrade() -> None:
    build_index("todos_by_version", "todos (version)")
"""
INSERT_TODO = """
    INSERT INTO todos (id, user_id, title, "order") VALUES (gen_random_uuid(), $1, 'Milk', 1)
"""
SELECT_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('todos_by_version')"
CANCEL_BUILD = """
    SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'
"""


@pytest.fixture
def database(server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with postgres.database(server_url) as url:
        migrations = shutil.copytree(app._MIGRATIONS, tmp_path / "migrations")  # noqa: SLF001 - the folder of a constant
        (migrations / "versions/9000_an_index.py").write_text(MIGRATION)
        monkeypatch.setattr(app, "_MIGRATIONS", migrations)
        yield url


def migrate(url: str) -> Upgrade:
    return upgrade(Settings(database={"url": url, "url_unpooled": url}))


def is_valid(url: str) -> list[bool]:
    return [row["indisvalid"] for row in postgres.query(url, SELECT_VALID)]


def test_rows_are_written_while_a_long_transaction_delays_the_build(database: str) -> None:
    user_id = add_user(database)
    with ThreadPoolExecutor(1) as pool:
        with open_transaction(database, "UPDATE todos SET title = title"):
            running = pool.submit(migrate, database)
            wait_for_lock_waiters(database, 1)
            started = time.monotonic()
            postgres.query(database, INSERT_TODO, user_id)
            assert time.monotonic() - started < 2
            assert not running.done()
        assert running.result().after == "9000"
    assert is_valid(database) == [True]


def test_an_interrupted_build_is_replaced_by_the_next_run(database: str) -> None:
    with ThreadPoolExecutor(1) as pool, open_transaction(database, "UPDATE todos SET title = title"):
        running = pool.submit(migrate, database)
        wait_for_lock_waiters(database, 1)
        postgres.query(database, CANCEL_BUILD)
        with pytest.raises(MigrationFailed, match="A migration failed: canceling statement due to user request"):
            running.result()
    assert is_valid(database) == [False]

    result = migrate(database)

    assert (result.before, result.after) == (HEAD_REVISION, "9000")
    assert is_valid(database) == [True]


def test_a_build_ends_at_its_time_limit(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "BUILD_SECONDS", 1)
    with (
        open_transaction(database, "UPDATE todos SET title = title"),
        pytest.raises(MigrationFailed, match="The index todos_by_version was not complete after 1 seconds"),
    ):
        migrate(database)
