"""The log of a running service has one line per request except health checks, and no text of users."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse

from functions.groups import load_routers
from tests import serving
from tests.accounts import AUTH, TODOS, Account, new_email
from tests.conftest import SECRET_KEY
from tests.room import ROOM_SECONDS
from todo_core.web.middleware import pipeline

ROOT = Path(__file__).parents[2]
MARK = "xyzzy"
"""Text that the tests put into values of users, to find out whether these values reach the log."""
PASSWORD = f"{MARK} battery staple"

type Line = dict[str, Any]


def create_failing_app() -> FastAPI:
    """Returns an app of the service with three more routes, which raise exceptions with MARK in the message."""
    from functions.main import lifespan  # noqa: PLC0415 - it makes the app of this environment
    from todo_core.web.app import create_app  # noqa: PLC0415 - the same

    failing = APIRouter()

    @failing.get("/fail")
    async def fail() -> None:
        try:
            int(MARK, base=10)
        except ValueError as error:
            raise RuntimeError(f"{MARK} in the message") from error

    @failing.get("/fail/to/answer")
    async def fail_to_answer() -> int:
        return MARK  # type: ignore[return-value]

    @failing.get("/fail/late")
    async def fail_late() -> StreamingResponse:
        def parts() -> Iterator[str]:
            yield "so far so good"
            raise RuntimeError(f"{MARK} in the message")

        return StreamingResponse(parts())

    return create_app(*load_routers("auth", "todos", "meta"), failing, lifespan=lifespan)


@contextmanager
def service(environment: Mapping[str, str], folder: Path, output: IO[str] | int) -> Iterator[httpx2.Client]:
    """Runs the failing app in a uvicorn process, whose log goes to `output`. Yields a client of the process.

    Keeps uvicorn's default log level, so that the test finds out whether uvicorn logs requests too.
    """
    port = serving.free_port()
    server = (
        sys.executable,
        "-m",
        "uvicorn",
        "tests.processes.test_logs:create_failing_app",
        "--factory",
        f"--port={port}",
    )
    process = subprocess.Popen(
        server,
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        cwd=folder,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        serving.wait_until_healthy(url, process)
        with httpx2.Client(
            base_url=url, headers={"X-Forwarded-For": serving.new_address()}, timeout=ROOM_SECONDS
        ) as client:
            yield client
    finally:
        process.terminate()
        process.wait(timeout=ROOM_SECONDS)


@dataclass(frozen=True)
class Log:
    """Output of a process of the service, and the user who sent the requests."""

    text: str
    user: dict[str, Any]

    @property
    def lines(self) -> list[Line]:
        """Lines that the service logs in JSON, without uvicorn's own lines about start and stop."""
        return [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]

    def of(self, request_id: str) -> list[Line]:
        return [line for line in self.lines if line.get("request_id") == request_id]

    def request(self, request_id: str) -> Line:
        (found,) = (line for line in self.of(request_id) if "status" in line)
        return found


def send_refused_requests(send: Callable[..., httpx2.Response], email: str) -> None:
    """Sends requests that the service refuses, with MARK in their headers and bodies."""
    send("wrong password", "POST", f"{AUTH}/login", json={"email": email, "password": f"{PASSWORD}!"})
    send("wrong-password", "POST", f"{AUTH}/login", json={"email": email, "password": f"{PASSWORD}!"})
    send("bad-bearer", "GET", f"{AUTH}/me", headers={"Authorization": f"Bearer {MARK}"})
    send("bad-cookie", "GET", f"{AUTH}/me", headers={"Cookie": f"session_token={MARK}; other={MARK}"})
    send("bad-fields", "POST", TODOS, json={"title": "", "description": 0, MARK: MARK})
    send("bad-json", "POST", TODOS, content=f'{{"title": {MARK}', headers={"Content-Type": "application/json"})
    send("bad-type", "POST", TODOS, content=MARK, headers={"Content-Type": f"text/{MARK}"})
    send("bad-id", "GET", f"{TODOS}/{MARK}")
    send("bad-route", "GET", f"/{MARK}", params={MARK: MARK})
    send("bad-method", "PUT", TODOS)


def send_marked_requests(client: httpx2.Client) -> Account:
    """Sends requests with MARK in the parts that a client controls, such as paths, headers and bodies.

    Each request has a request id by which tests find its lines in the log. Returns the account of the user.
    """

    def send(request_id: str, method: str, path: str, **arguments: Any) -> httpx2.Response:
        headers = {"X-Request-ID": request_id} | arguments.pop("headers", {})
        return client.request(method, path, headers=headers, **arguments)

    email = new_email()
    user = send("register", "POST", f"{AUTH}/register", json={"email": email, "password": PASSWORD}).json()
    form = {"username": email, "password": PASSWORD}
    token = send("login", "POST", f"{AUTH}/login", data=form).json()["access_token"]
    todo = {"title": f"{MARK} 1", "description": f"{MARK} 2", "tags": [MARK]}
    todo_id = send("create", "POST", TODOS, json=todo).json()["id"]
    send("read", "GET", f"{TODOS}/{todo_id}")
    send("head", "HEAD", f"{TODOS}/{todo_id}")
    send("search", "GET", TODOS, params={"q": MARK, "tag": MARK, "cursor": MARK})
    send("change", "PATCH", f"{TODOS}/{todo_id}", json={"title": f"{MARK} 3"}, headers={"If-Match": f'"{MARK}"'})
    send("bearer", "GET", f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"})
    send_refused_requests(send, email)
    send(f"{MARK} is not sane", "GET", "/docs", headers={"User-Agent": MARK, "Referer": f"https://{MARK}.example.com"})
    send("alive", "GET", "/health")
    send("ready", "GET", "/health/ready")
    send("alive-wrong-method", "PUT", "/health")
    send("foreign", "POST", TODOS, json={"title": MARK}, headers={"Origin": f"https://{MARK}.example.com"})

    send("fail", "GET", "/fail", params={"q": MARK})
    send("fail-to-answer", "GET", "/fail/to/answer")
    with pytest.raises(httpx2.RemoteProtocolError):
        send("fail-late", "GET", "/fail/late")
    send("logout", "POST", f"{AUTH}/logout")
    return Account(client, user)


@pytest.fixture(scope="module")
def log(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Log:
    folder = tmp_path_factory.mktemp("logs")
    with (folder / "log").open("w") as output, service(environment, folder, output) as client:
        account = send_marked_requests(client)
    return Log((folder / "log").read_text(), account.user)


class TestLine:
    def test_each_request_has_one_line(self, log: Log) -> None:
        assert len(log.of("create")) == 1

    def test_the_line_has_method_route_status_and_duration(self, log: Log) -> None:
        line = log.request("create")

        assert (line["method"], line["route"], line["status"]) == ("POST", TODOS, 201)
        assert 0 < line["milliseconds"] < 10_000

    def test_the_line_has_the_id_of_the_user(self, log: Log) -> None:
        for request_id in ("create", "read", "bearer", "bad-fields"):
            assert log.request(request_id)["user_id"] == log.user["id"]

    @pytest.mark.parametrize("request_id", ["register", "bad-bearer", "bad-cookie", "bad-route"])
    def test_the_line_has_no_user_id_without_a_session(self, log: Log, request_id: str) -> None:
        assert log.request(request_id).get("user_id") is None

    @pytest.mark.parametrize(("request_id", "status"), [("read", 200), ("bad-id", 422)])
    def test_the_line_has_the_route_instead_of_the_path(self, log: Log, request_id: str, status: int) -> None:
        line = log.request(request_id)

        assert (line["route"], line["status"]) == (f"{TODOS}/{{todo_id}}", status)

    def test_a_head_request_is_logged_as_head(self, log: Log) -> None:
        line = log.request("head")

        assert (line["method"], line["route"], line["status"]) == ("HEAD", f"{TODOS}/{{todo_id}}", 200)

    def test_the_line_has_no_route_for_an_unknown_path(self, log: Log) -> None:
        assert log.request("bad-route").get("route") is None
        assert log.request("bad-route")["status"] == 404

    @pytest.mark.parametrize("request_id", ["alive", "ready"])
    def test_a_successful_probe_is_not_logged(self, log: Log, request_id: str) -> None:
        assert log.of(request_id) == []

    def test_other_requests_to_a_probe_path_are_logged(self, log: Log) -> None:
        assert log.request("alive-wrong-method")["status"] == 405

    def test_a_probe_is_logged_at_level_debug(self, environment: dict[str, str], tmp_path: Path) -> None:
        line = line_about("/health", environment | {"LOG_LEVEL": "DEBUG"}, tmp_path, path="/health")

        assert "GET /health 200" in line

    @pytest.mark.parametrize(
        ("request_id", "status"),
        [
            ("wrong-password", 401),
            ("bad-bearer", 401),
            ("foreign", 403),
            ("bad-method", 405),
            ("change", 412),
            ("bad-type", 415),
            ("bad-json", 422),
            ("fail", 500),
            ("logout", 204),
        ],
    )
    def test_an_error_response_is_logged(self, log: Log, request_id: str, status: int) -> None:
        assert log.request(request_id)["status"] == status

    def test_the_line_has_level_service_and_time(self, log: Log) -> None:
        line = log.request("create")

        assert line["level"] == "INFO"
        assert line["service"] == "todo-backend"
        assert line["timestamp"].endswith(("Z", "+00:00"))


class TestExceptions:
    @pytest.mark.parametrize(
        ("request_id", "kind"), [("fail", "RuntimeError"), ("fail-to-answer", "ResponseValidation")]
    )
    def test_the_log_has_type_and_location_of_the_exception(self, log: Log, request_id: str, kind: str) -> None:
        (entry,) = (line for line in log.of(request_id) if line["level"] == "ERROR")

        assert kind in json.dumps(entry)
        assert "routing.py" in json.dumps(entry)

    def test_the_location_is_the_line_that_failed(self, log: Log) -> None:
        (entry,) = (line for line in log.of("fail") if line["level"] == "ERROR")

        assert [place for place in entry["error"] if place.startswith(__file__) and place.endswith(" fail")]

    def test_an_exception_after_the_response_began_is_logged(self, log: Log) -> None:
        assert [line["level"] for line in log.of("fail-late")] == ["ERROR", "INFO"]

    def test_client_errors_are_not_logged_as_errors(self, log: Log) -> None:
        failed = {line["request_id"] for line in log.lines if line["level"] != "INFO"}

        assert failed == {"fail", "fail-to-answer", "fail-late"}


class TestPrivacy:
    def test_the_log_has_no_text_of_users(self, log: Log) -> None:
        assert not [line for line in log.text.splitlines() if MARK in line]

    def test_the_log_has_no_session_token(self, log: Log) -> None:
        assert "eyJ" not in log.text

    def test_the_log_has_no_secret_setting(self, log: Log, environment: dict[str, str]) -> None:
        assert SECRET_KEY not in log.text
        assert environment["DATABASE_URL"] not in log.text

    def test_uvicorn_logs_no_requests(self, log: Log) -> None:
        assert "Uvicorn running on" in log.text
        assert "HTTP/1.1" not in log.text


@contextmanager
def terminal() -> Iterator[tuple[int, IO[bytes]]]:
    """Yields both ends of a pseudo-terminal: the descriptor that a process writes to, and a file with its output."""
    seen, written = pty.openpty()
    with os.fdopen(seen, "rb") as screen:
        try:
            yield written, screen
        finally:
            os.close(written)


def line_about(mark: str, environment: Mapping[str, str], folder: Path, *, path: str = "/docs") -> str:
    """Runs the service in a terminal, requests a path, and returns the first line of output that contains `mark`."""
    with terminal() as (written, screen), service(environment, folder, written) as client:
        client.get(path)
        return next(line for line in map(bytes.decode, screen) if mark in line)


class TestTerminal:
    def test_a_terminal_gets_readable_lines(self, environment: dict[str, str], tmp_path: Path) -> None:
        line = line_about("/docs", environment, tmp_path)

        assert "GET /docs 200" in line
        assert "{" not in line

    @pytest.mark.parametrize(
        ("path", "kind", "place"),
        [("/fail", "RuntimeError", " fail"), ("/fail/to/answer", "fastapi.exceptions.ResponseValidationError", "")],
    )
    def test_an_unexpected_exception_has_its_type_and_location(
        self, environment: dict[str, str], tmp_path: Path, path: str, kind: str, place: str
    ) -> None:
        line = line_about("Unexpected error", environment, tmp_path, path=path).rstrip()

        ours = Path(__file__ if place else pipeline.__file__)
        assert re.search(rf"Unexpected error: {re.escape(kind)} at {re.escape(str(ours))}:\d+ \w+$", line)
        assert line.endswith(place)
        assert MARK not in line

    def test_a_location_below_the_current_folder_is_relative(self, environment: dict[str, str]) -> None:
        line = line_about("Unexpected error", environment, ROOT / "layers", path="/fail/to/answer")

        assert " at core/todo_core/web/middleware/pipeline.py:" in line

    def test_in_production_a_terminal_gets_json(self, environment: dict[str, str], tmp_path: Path) -> None:
        line = line_about("/docs", environment | {"ENVIRONMENT": "production"}, tmp_path)

        assert json.loads(line)["route"] == "/docs"
