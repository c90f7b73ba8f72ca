"""The log of a running service: a line for each request, and nothing that its users wrote."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
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
from todo_core.web.middleware import body_limit

ROOT = Path(__file__).parents[2]
MARK = "xyzzy"
"""In everything that must stay out of the log."""
PASSWORD = f"{MARK} battery staple"

type Line = dict[str, Any]


def app_with_faults() -> FastAPI:
    """The whole service, and three routes that fail and say why."""
    from functions.main import lifespan  # noqa: PLC0415 - it makes the app of this environment
    from todo_core.web.app import create_app  # noqa: PLC0415 - the same

    faults = APIRouter()

    @faults.get("/fail")
    async def fail() -> None:
        try:
            int(MARK, base=10)
        except ValueError as error:
            raise RuntimeError(f"{MARK} in the message") from error

    @faults.get("/fail/to/answer")
    async def fail_to_answer() -> int:
        return MARK  # type: ignore[return-value]

    @faults.get("/fail/late")
    async def fail_late() -> StreamingResponse:
        def parts() -> Iterator[str]:
            yield "so far so good"
            raise RuntimeError(f"{MARK} in the message")

        return StreamingResponse(parts())

    return create_app(*load_routers("auth", "todos", "meta"), faults, lifespan=lifespan)


@contextmanager
def service(environment: Mapping[str, str], folder: Path, output: IO[str] | int) -> Iterator[httpx2.Client]:
    """A client of a uvicorn process that would log its own lines too, and writes all it has to say to `output`."""
    port = serving.free_port()
    server = (
        sys.executable,
        "-m",
        "uvicorn",
        "tests.processes.test_logs:app_with_faults",
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
        with httpx2.Client(base_url=url, headers={"X-Forwarded-For": serving.new_address()}) as client:
            yield client
    finally:
        process.terminate()
        process.wait(timeout=20)


@dataclass(frozen=True)
class Log:
    """What a service wrote, and the user whose requests it served."""

    text: str
    user: dict[str, Any]

    @property
    def lines(self) -> list[Line]:
        """The service's own; uvicorn's start and stop are told in its own words."""
        return [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]

    def of(self, request_id: str) -> list[Line]:
        return [line for line in self.lines if line.get("request_id") == request_id]

    def request(self, request_id: str) -> Line:
        (found,) = (line for line in self.of(request_id) if "status" in line)
        return found


def use_everything(client: httpx2.Client) -> Account:
    """Requests that hold the mark wherever a client can put it, each with an id that names it."""

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
    send(f"{MARK} is not sane", "GET", "/docs", headers={"User-Agent": MARK, "Referer": f"https://{MARK}.example.com"})
    send("alive", "GET", "/health")
    send("ready", "GET", "/health/ready")
    send("alive-with-what", "PUT", "/health")
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
        account = use_everything(client)
    return Log((folder / "log").read_text(), account.user)


class TestLine:
    def test_a_request_has_one(self, log: Log) -> None:
        assert len(log.of("create")) == 1

    def test_it_says_what_was_asked_and_answered_and_how_long_it_took(self, log: Log) -> None:
        line = log.request("create")

        assert (line["method"], line["route"], line["status"]) == ("POST", TODOS, 201)
        assert 0 < line["milliseconds"] < 10_000

    def test_it_says_who_asked(self, log: Log) -> None:
        for request_id in ("create", "read", "bearer", "bad-fields"):
            assert log.request(request_id)["user_id"] == log.user["id"]

    @pytest.mark.parametrize("request_id", ["register", "bad-bearer", "bad-cookie", "bad-route"])
    def test_it_says_no_name_where_nobody_is_signed_in(self, log: Log, request_id: str) -> None:
        assert log.request(request_id).get("user_id") is None

    @pytest.mark.parametrize(("request_id", "status"), [("read", 200), ("bad-id", 422)])
    def test_it_names_the_route_and_not_the_path(self, log: Log, request_id: str, status: int) -> None:
        line = log.request(request_id)

        assert (line["route"], line["status"]) == (f"{TODOS}/{{todo_id}}", status)

    def test_it_tells_a_head_from_a_get(self, log: Log) -> None:
        line = log.request("head")

        assert (line["method"], line["route"], line["status"]) == ("HEAD", f"{TODOS}/{{todo_id}}", 200)

    def test_it_names_no_route_where_there_is_none(self, log: Log) -> None:
        assert log.request("bad-route").get("route") is None
        assert log.request("bad-route")["status"] == 404

    @pytest.mark.parametrize("request_id", ["alive", "ready"])
    def test_a_probe_that_finds_all_well_has_none(self, log: Log, request_id: str) -> None:
        assert log.of(request_id) == []

    def test_anything_else_at_its_path_has_one(self, log: Log) -> None:
        assert log.request("alive-with-what")["status"] == 405

    def test_while_debugging_a_probe_has_one_too(self, environment: dict[str, str], tmp_path: Path) -> None:
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
    def test_an_error_has_one_too(self, log: Log, request_id: str, status: int) -> None:
        assert log.request(request_id)["status"] == status

    def test_it_is_read_by_machines(self, log: Log) -> None:
        line = log.request("create")

        assert line["level"] == "INFO"
        assert line["service"] == "todo-backend"
        assert line["timestamp"].endswith(("Z", "+00:00"))


class TestFaults:
    @pytest.mark.parametrize(
        ("request_id", "kind"), [("fail", "RuntimeError"), ("fail-to-answer", "ResponseValidation")]
    )
    def test_the_log_names_kind_and_place(self, log: Log, request_id: str, kind: str) -> None:
        (entry,) = (line for line in log.of(request_id) if line["level"] == "ERROR")

        assert kind in json.dumps(entry)
        assert "routing.py" in json.dumps(entry)

    def test_the_place_is_the_line_that_failed(self, log: Log) -> None:
        (entry,) = (line for line in log.of("fail") if line["level"] == "ERROR")

        # The line above it, which quotes an argument, is only the cause.
        assert [place for place in entry["error"] if place.startswith(__file__) and place.endswith(" fail")]

    def test_one_in_the_middle_of_an_answer_is_told_too(self, log: Log) -> None:
        assert [line["level"] for line in log.of("fail-late")] == ["ERROR", "INFO"]

    def test_requests_that_are_at_fault_themselves_are_no_errors(self, log: Log) -> None:
        failed = {line["request_id"] for line in log.lines if line["level"] != "INFO"}

        assert failed == {"fail", "fail-to-answer", "fail-late"}


class TestSilence:
    def test_nothing_that_users_wrote_is_in_it(self, log: Log) -> None:
        assert not [line for line in log.text.splitlines() if MARK in line]

    def test_no_part_of_a_session_token_is_in_it(self, log: Log) -> None:
        assert "eyJ" not in log.text

    def test_no_setting_is_in_it(self, log: Log, environment: dict[str, str]) -> None:
        assert SECRET_KEY not in log.text
        assert environment["DATABASE_URL"] not in log.text

    def test_uvicorn_does_not_tell_each_request_again(self, log: Log) -> None:
        assert "Uvicorn running on" in log.text
        assert "HTTP/1.1" not in log.text


@contextmanager
def terminal() -> Iterator[tuple[int, IO[bytes]]]:
    """A terminal: the end that a process writes to, and the end that a person sees."""
    seen, written = pty.openpty()
    with os.fdopen(seen, "rb") as screen:
        try:
            yield written, screen
        finally:
            os.close(written)


def line_about(mark: str, environment: Mapping[str, str], folder: Path, *, path: str = "/docs") -> str:
    """The first line with the mark that a person sees in a terminal when the path is asked for."""
    with terminal() as (written, screen), service(environment, folder, written) as client:
        client.get(path)
        return next(line for line in map(bytes.decode, screen) if mark in line)


class TestTerminal:
    def test_a_developer_gets_a_line_to_read(self, environment: dict[str, str], tmp_path: Path) -> None:
        line = line_about("/docs", environment, tmp_path)

        assert "GET /docs 200" in line
        assert "{" not in line

    @pytest.mark.parametrize(
        ("path", "kind", "place"),
        [("/fail", "RuntimeError", " fail"), ("/fail/to/answer", "fastapi.exceptions.ResponseValidationError", "")],
    )
    def test_a_fault_of_ours_has_its_type_and_its_place_there(
        self, environment: dict[str, str], tmp_path: Path, path: str, kind: str, place: str
    ) -> None:
        line = line_about("Unexpected error", environment, tmp_path, path=path).rstrip()

        ours = Path(__file__ if place else body_limit.__file__)
        assert re.search(rf"Unexpected error: {re.escape(kind)} at {re.escape(str(ours))}:\d+ \w+$", line)
        assert line.endswith(place)
        assert MARK not in line

    def test_a_path_below_the_current_folder_is_short(self, environment: dict[str, str]) -> None:
        line = line_about("Unexpected error", environment, ROOT / "layers", path="/fail/to/answer")

        assert " at core/todo_core/web/middleware/body_limit.py:" in line

    def test_in_production_it_is_json_there_too(self, environment: dict[str, str], tmp_path: Path) -> None:
        line = line_about("/docs", environment | {"ENVIRONMENT": "production"}, tmp_path)

        assert json.loads(line)["route"] == "/docs"
