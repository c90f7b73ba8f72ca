"""Functions in the Lambda emulator: failures of database, connections and secrets, the purge, and the operator."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest

from functions.migrate.app import upgrade
from tests import postgres
from tests.accounts import AUTH, PASSWORD, TODOS, new_email, problem, sign_up
from tests.deploy.artifacts import Build
from tests.deploy.secrets_manager import SecretsManager, secrets_manager
from tests.emulator import Emulator, OnEmulator, emulator
from tests.hung_database import REQUESTS, assert_unavailable_in_time, send_timed
from tests.postgres import KILL_ALL, Server
from tests.relay import Gate, relayed
from tests.serving import gateway_event, wait_until
from todo_core.settings import Settings

INVOCATIONS = 200
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:todo"
READY = gateway_event(httpx2.Request("GET", "https://api.example.com/health/ready"))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # pytest's temporary folder is not used, because its path can be too long for PostgreSQL's Unix socket.
    with TemporaryDirectory(prefix="todo-") as folder:
        server = Server(Path(folder))
        upgrade(Settings(database={"url": server.url()}))
        yield server
        server.stop()


class Functions:
    """Starts built Lambda functions in the emulator, with one database for all of them."""

    def __init__(self, build: Build, runtime: Path, environment: dict[str, str]) -> None:
        self._build, self._runtime, self._environment = build, runtime, environment

    @contextmanager
    def started(self, group: str, **variables: str) -> Iterator[Emulator]:
        artifact = self._build.functions[f"{group.title()}Function"]
        with emulator(artifact, self._runtime, self._environment | variables) as function:
            yield function

    def new_token(self) -> str:
        """Registers an account and returns its session token."""
        with self.started("auth") as auth, OnEmulator({"auth": auth}).client() as client:
            return sign_up(client).token


@pytest.fixture
def functions(build: Build, runtime: Path, environment: dict[str, str], server: Server) -> Functions:
    return Functions(build, runtime, environment | {"DATABASE_URL": server.url()})


def client_of(todos: Emulator, token: str) -> httpx2.Client:
    client = OnEmulator({"todos": todos}).client()
    client.headers["Authorization"] = f"Bearer {token}"
    return client


class TestHungDatabase:
    """A database that accepts connections and never answers. Without limits, the gateway would answer 502 instead."""

    @pytest.fixture
    def gate(self) -> Gate:
        return Gate()

    @pytest.fixture
    def behind_gate(self, server: Server, gate: Gate) -> Iterator[str]:
        with relayed(server.url(), host="127.0.0.1", gate=gate) as url:
            yield url

    def test_requests_of_a_warm_function_are_503_within_five_seconds(
        self, functions: Functions, gate: Gate, behind_gate: str
    ) -> None:
        token = functions.new_token()
        with functions.started("todos", DATABASE_URL=behind_gate) as todos, client_of(todos, token) as client:
            assert client.get(TODOS).json() == []
            gate.is_open = False
            answers = {name: send_timed(client, REQUESTS[name]) for name in ("list", "create", "batch")}
            gate.is_open = True
            recovered = send_timed(client, REQUESTS["list"])
        assert_unavailable_in_time(answers)
        assert recovered.response.json() == []
        assert recovered.seconds < 1

    def test_readiness_of_a_new_function_is_a_503_within_five_seconds(
        self, functions: Functions, gate: Gate, behind_gate: str
    ) -> None:
        with functions.started("meta", DATABASE_URL=behind_gate) as meta, OnEmulator({"meta": meta}).client() as client:
            assert client.get("/health").status_code == 200
            gate.is_open = False
            assert_unavailable_in_time({"readiness": send_timed(client, REQUESTS["readiness"])})

    def test_a_statement_ends_before_its_invocation(self, functions: Functions, gate: Gate, behind_gate: str) -> None:
        token = functions.new_token()
        short = {"DATABASE_URL": behind_gate, "AWS_LAMBDA_FUNCTION_TIMEOUT": "4"}
        with functions.started("todos", **short) as todos, client_of(todos, token) as client:
            # The emulator counts the start of the function as time of its first invocation.
            wait_until(lambda: client.get(TODOS).status_code == 200)
            gate.is_open = False
            assert_unavailable_in_time({"list": send_timed(client, REQUESTS["list"])})


class TestDatabase:
    def test_an_outage_at_a_cold_start_is_a_503_and_the_next_invocation_recovers(
        self, functions: Functions, server: Server
    ) -> None:
        token = functions.new_token()
        server.stop()
        try:
            with functions.started("todos") as todos, client_of(todos, token) as client:
                problem(client.get(TODOS), 503, "database_unavailable")
                server.start()
                assert client.get(TODOS).json() == []
        finally:
            server.start()

    def test_connections_that_broke_between_invocations_are_replaced(
        self, functions: Functions, server: Server
    ) -> None:
        token = functions.new_token()
        with functions.started("todos") as todos, client_of(todos, token) as client:
            for number in range(5):
                assert client.post(TODOS, json={"title": f"Before {number}"}).status_code == 201
                postgres.run(server.url(), KILL_ALL)
                assert client.post(TODOS, json={"title": f"After {number}"}).status_code == 201
                postgres.run(server.url(), KILL_ALL)
                assert len(client.get(TODOS).json()) == 2 * (number + 1)

    def test_a_restart_loses_and_duplicates_no_write(self, functions: Functions, server: Server) -> None:
        token = functions.new_token()
        halfway = threading.Event()

        def restart() -> None:
            halfway.wait()
            server.stop()
            time.sleep(0.5)
            server.start()

        restarting = threading.Thread(target=restart)
        restarting.start()
        statuses: dict[str, int] = {}
        with functions.started("todos") as todos, client_of(todos, token) as client:
            for number in range(INVOCATIONS):
                if number == INVOCATIONS // 4:
                    halfway.set()
                statuses[f"Todo {number}"] = client.post(TODOS, json={"title": f"Todo {number}"}).status_code
                if statuses[f"Todo {number}"] == 503:
                    time.sleep(0.05)
        restarting.join()

        assert set(statuses.values()) == {201, 503}
        assert statuses[f"Todo {INVOCATIONS - 1}"] == 201
        stored = Counter(row["title"] for row in postgres.query(server.url(), "SELECT title FROM todos"))
        for title, status in statuses.items():
            assert stored[title] == 1 if status == 201 else stored[title] <= 1


@pytest.fixture
def manager() -> Iterator[SecretsManager]:
    with secrets_manager() as manager:
        yield manager


@pytest.fixture
def secret_settings(manager: SecretsManager) -> dict[str, str]:
    """Environment of a function in production that reads its secret settings from the fake Secrets Manager."""
    empty = dict.fromkeys(("DATABASE_URL", "SECRET_KEY", "OPENAI_API_KEY"), "")
    return {**empty, "ENVIRONMENT": "production", "SETTINGS_SECRET": SECRET, **manager.environment}


def startup_errors(function: Emulator) -> str:
    """Invokes a function whose start must fail. Returns the output of the function."""
    response = function.invoke(READY)
    output = function.output()
    assert not isinstance(response, dict) or "statusCode" not in response, output
    return output


class TestSecret:
    def test_the_secret_is_read_once_and_is_not_logged(
        self, functions: Functions, server: Server, manager: SecretsManager, secret_settings: dict[str, str]
    ) -> None:
        values = {
            "DATABASE_URL": server.url(),
            "DATABASE_URL_UNPOOLED": "",
            "SECRET_KEY": "p8dKq2-4vWm7_Zr1xTb9yLc3nHs6fJg5",
        }
        manager.secrets[SECRET] = json.dumps(values)

        with functions.started("meta", **secret_settings) as meta:
            responses = [meta.invoke(READY) for _ in range(3)]
            output = meta.output()

        assert [response["statusCode"] for response in responses if isinstance(response, dict)] == [200] * 3, output
        assert manager.requested == [SECRET]
        assert values["SECRET_KEY"] not in output

    def test_every_setting_may_be_part_of_the_secret(
        self, functions: Functions, server: Server, manager: SecretsManager, secret_settings: dict[str, str]
    ) -> None:
        values = {
            "DATABASE_URL": server.url(),
            "SECRET_KEY": "p8dKq2-4vWm7_Zr1xTb9yLc3nHs6fJg5",
            "REGISTRATION": "closed",
        }
        manager.secrets[SECRET] = json.dumps(values)

        with (
            functions.started("auth", **secret_settings) as auth,
            OnEmulator({"auth": auth}).client(scheme="https") as client,
        ):
            refused = client.post(f"{AUTH}/register", json={"email": new_email(), "password": PASSWORD})

        problem(refused, 403, "registration_closed")

    def test_a_missing_secret_is_named(self, functions: Functions, secret_settings: dict[str, str]) -> None:
        with functions.started("meta", **secret_settings) as meta:
            output = startup_errors(meta)

        assert f"The secret {SECRET}, which SETTINGS_SECRET names, could not be read:" in output
        assert "ResourceNotFoundException" in output

    def test_a_secret_that_is_not_json_is_named(
        self, functions: Functions, manager: SecretsManager, secret_settings: dict[str, str]
    ) -> None:
        manager.secrets[SECRET] = "postgresql://user:the-password@host/todos"

        with functions.started("meta", **secret_settings) as meta:
            output = startup_errors(meta)

        assert f"The secret {SECRET}, which SETTINGS_SECRET names, is not a JSON object" in output
        assert "the-password" not in output

    def test_a_missing_setting_is_named(
        self, functions: Functions, manager: SecretsManager, secret_settings: dict[str, str]
    ) -> None:
        manager.secrets[SECRET] = json.dumps({"DATABASE_URL": "postgresql://host/todos"})

        with functions.started("meta", **secret_settings) as meta:
            output = startup_errors(meta)

        assert "SECRET_KEY must be set in production" in output


class TestSchedule:
    def test_old_todos_are_purged_and_counted(self, functions: Functions, server: Server) -> None:
        token = functions.new_token()
        with functions.started("todos") as todos, client_of(todos, token) as client:
            for title in ("Old", "New"):
                client.delete(client.post(TODOS, json={"title": title}).json()["url"]).raise_for_status()
            age = "UPDATE todos SET deleted_at = now() - interval '31 days' WHERE title = 'Old'"
            postgres.run(server.url(), age)
            with functions.started("purge") as purge:
                responses = [purge.invoke({"detail-type": "Scheduled Event"}) for _ in range(2)]

            left = [todo["title"] for todo in client.get(TODOS, params={"trashed": "true"}).json()]

        assert [response["todos"] for response in responses if isinstance(response, dict)] == [1, 0]
        assert left == ["New"]


class TestOperator:
    def test_an_invite_of_the_function_registers_an_account(self, functions: Functions) -> None:
        email = new_email()
        with functions.started("accounts") as accounts:
            invited = accounts.invoke({"command": "invite", "email": email})
            refused = accounts.invoke({"command": "end-sessions", "email": email})
        assert isinstance(invited, dict)
        assert refused == {"error": "No account has this email; check it and try again."}

        with functions.started("auth", REGISTRATION="invite") as auth, OnEmulator({"auth": auth}).client() as client:
            body = {"email": email, "password": PASSWORD}
            problem(client.post(f"{AUTH}/register", json=body), 403, "invite_required")
            body["invite"] = invited["invite"]
            assert client.post(f"{AUTH}/register", json=body).status_code == 201
