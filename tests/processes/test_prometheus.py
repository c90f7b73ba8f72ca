"""The metrics that Prometheus scrapes from a running service."""

import asyncio
import os
import socket
import subprocess
import sys
import timeit
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import get_args
from uuid import uuid4

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from functions.prometheus import RequestMetrics
from tests import postgres, serving
from tests.accounts import AUTH, CHAT, TODOS, Account, problem, sign_up
from tests.model_replies import Call, Fail, Say, Slow
from tests.room import ROOM_SECONDS
from tests.scripted_model import ScriptedModel
from tests.serving import OnPort
from tests.surfaces.adversarial.adversary import HostileChat
from todo_core import logs
from todo_core.database.executor import Database
from todo_core.logs import log
from todo_core.outbox.messages import Mail, enqueue
from todo_core.settings import Settings
from todo_core.web.requests import AnsweredRequest, Count, log_request

POOL_SIZE = 3
OTHER_HOST = "127.0.0.2"
"""An address of the loopback interface besides the default METRICS_HOST, as an interface of its own would have."""
LOCKED = "SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'todos'::regclass"


@dataclass(frozen=True)
class Target:
    """Running service, the port of its metrics, and the URL of its database."""

    service: OnPort
    port: int
    database: str

    def scrape(self) -> str:
        answered = httpx2.get(f"http://127.0.0.1:{self.port}/metrics", timeout=ROOM_SECONDS)
        assert answered.status_code == 200
        assert answered.headers["content-type"].startswith("text/plain")
        return answered.text

    def value(self, name: str, **labels: object) -> float:
        """Scrapes the metrics and returns the value of one series, 0 if the series is absent."""
        wanted = {label: str(value) for label, value in labels.items()}
        samples = (sample for family in text_string_to_metric_families(self.scrape()) for sample in family.samples)
        return next((sample.value for sample in samples if (sample.name, sample.labels) == (name, wanted)), 0)

    def requests(self, method: str, route: str, status: int) -> float:
        return self.value("todo_http_requests_total", method=method, route=route, status=status)

    def wait_for(self, expected: float, name: str, **labels: object) -> None:
        serving.wait_until(lambda: self.value(name, **labels) == expected)


@pytest.fixture(scope="module")
def target(environment: dict[str, str], server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    port = serving.free_port()
    with postgres.database(server_url) as url:
        pool = {"DATABASE_URL": url, "DATABASE_POOL_SIZE": str(POOL_SIZE)}
        settings = environment | pool | {"METRICS_PORT": str(port), "ASSISTANT_SECONDS": "60", "OUTBOX_SECONDS": "1"}
        with serving.on_port(settings, folder=str(tmp_path_factory.mktemp("scraped"))) as service:
            yield Target(service, port, url)


@pytest.fixture
def client(target: Target) -> Iterator[httpx2.Client]:
    with target.service.client() as client:
        yield client


@pytest.fixture
def ada(client: httpx2.Client) -> Account:
    return sign_up(client)


class TestOutbox:
    def test_deliveries_are_counted(self, target: Target) -> None:
        before = target.value("todo_outbox_delivered_total")
        parameters = {"url": "https://todos.example.com/reset-password?token=x"}

        async def write() -> None:
            db = Database(target.database)
            try:
                await enqueue(db, Mail("reset_password", "ada@example.com", parameters=parameters))
            finally:
                await db.close()

        asyncio.run(write())
        target.wait_for(before + 1, "todo_outbox_delivered_total")
        assert target.value("todo_outbox_waiting") == 0


class TestRequests:
    def test_requests_are_counted_by_method_route_and_status(self, target: Target, ada: Account) -> None:
        url = f"{TODOS}/{ada.add()['id']}"
        series = ("GET", f"{TODOS}/{{todo_id}}", 200)
        before = target.requests(*series)

        for _ in range(3):
            ada.client.get(url)

        assert target.requests(*series) == before + 3

    @pytest.mark.parametrize(
        ("method", "path", "series"),
        [
            ("GET", f"{AUTH}/me", ("GET", f"{AUTH}/me", 401)),
            ("HEAD", "/health", ("HEAD", "/health", 200)),
            ("GET", "/nothing/here", ("GET", "(no route)", 404)),
            ("OPTIONS", TODOS, ("OPTIONS", TODOS, 405)),
            ("PURGE", "/nothing/here", ("other", "(no route)", 404)),
        ],
    )
    def test_failures_are_counted_and_clients_cannot_add_series(
        self, target: Target, client: httpx2.Client, method: str, path: str, series: tuple[str, str, int]
    ) -> None:
        before = target.requests(*series)

        client.request(method, path)

        assert target.requests(*series) == before + 1

    def test_errors_are_counted_by_code(self, target: Target, ada: Account) -> None:
        codes = ("not_authenticated", "validation_failed", "todo_not_found", "route_not_found")
        before = [target.value("todo_problems_total", code=code) for code in codes]

        ada.client.get(f"{AUTH}/me", headers={"Authorization": "Bearer none"})
        ada.client.post(TODOS, json={})
        ada.client.get(f"{TODOS}/{uuid4()}")
        ada.client.get("/nothing/here")

        assert [target.value("todo_problems_total", code=code) for code in codes] == [one + 1 for one in before]

    def test_an_error_in_a_stream_is_counted_by_code(
        self, target: Target, ada: Account, scripted: ScriptedModel
    ) -> None:
        before = target.value("todo_problems_total", code="assistant_not_configured")
        scripted.play(Fail(401))

        streamed = ada.client.post(CHAT, json={"message": "Hello"}, headers={"Accept": "text/event-stream"})

        assert streamed.status_code == 200
        assert '"code": "assistant_not_configured"' in streamed.text
        target.wait_for(before + 1, "todo_problems_total", code="assistant_not_configured")

    def test_durations_are_counted_in_buckets(self, target: Target, ada: Account, scripted: ScriptedModel) -> None:
        labels = {"method": "POST", "route": CHAT}
        duration = "todo_http_request_duration_seconds"
        count, total = target.value(f"{duration}_count", **labels), target.value(f"{duration}_sum", **labels)
        quick = target.value(f"{duration}_bucket", **labels, le="1.0")

        HostileChat(ada, scripted).run_turn(Slow(Say("At last."), 1.0))

        assert target.value(f"{duration}_count", **labels) == count + 1
        assert 1 <= target.value(f"{duration}_sum", **labels) - total < 30
        assert target.value(f"{duration}_bucket", **labels, le="1.0") == quick
        assert target.value(f"{duration}_bucket", **labels, le="30.0") == count + 1

    def test_requests_in_flight_are_counted_until_they_end(
        self, target: Target, ada: Account, scripted: ScriptedModel
    ) -> None:
        scripted.play(Slow(Say("At last."), 2.0))
        assert target.value("todo_http_requests_in_flight") == 0

        with ThreadPoolExecutor(1) as thread:
            turn = thread.submit(ada.client.post, CHAT, json={"message": "Hello"})
            target.wait_for(1, "todo_http_requests_in_flight")
            assert turn.result().status_code == 200

        target.wait_for(0, "todo_http_requests_in_flight")


class TestDatabase:
    def test_the_connection_pool_has_gauges(self, target: Target, ada: Account) -> None:
        ada.add()

        assert target.value("todo_database_pool_size") == POOL_SIZE
        # The delivery looks into the database once a second.
        target.wait_for(0, "todo_database_connections", state="in_use")
        assert 1 <= target.value("todo_database_connections", state="idle") <= POOL_SIZE

    def test_statements_are_counted_and_timed(self, target: Target, ada: Account) -> None:
        uses, seconds = target.value("todo_database_uses_total"), target.value("todo_database_use_seconds_total")

        ada.add()

        assert target.value("todo_database_uses_total") > uses
        assert 0 < target.value("todo_database_use_seconds_total") - seconds < 10
        assert target.value("todo_database_waiting") == 0

    def test_a_busy_connection_is_in_use(self, target: Target, ada: Account) -> None:
        lock = "BEGIN; LOCK TABLE todos; SELECT pg_sleep(2); COMMIT"
        with ThreadPoolExecutor(2) as threads:
            locked = threads.submit(postgres.run, target.database, lock)
            serving.wait_until(lambda: bool(postgres.query(target.database, LOCKED)))
            waiting = threads.submit(ada.titles)
            # The delivery, which looks for reminders once a second, waits for the lock too.
            serving.wait_until(lambda: target.value("todo_database_connections", state="in_use") >= 1)
            locked.result()
            assert waiting.result() == []

        target.wait_for(0, "todo_database_connections", state="in_use")


class TestChat:
    def test_turns_tokens_and_tool_calls_are_counted(
        self, target: Target, ada: Account, scripted: ScriptedModel
    ) -> None:
        names = ("todo_chat_turns_total", "todo_chat_tokens_total", "todo_chat_tool_calls_total")
        before = [target.value(name) for name in names]

        turn = HostileChat(ada, scripted).run_turn(Call("add_todos", {"todos": [{"title": "Buy milk"}]}), Say("Done."))

        tokens = turn["usage"]["prompt_tokens"] + turn["usage"]["completion_tokens"]
        assert [target.value(name) for name in names] == [before[0] + 1, before[1] + tokens, before[2] + 1]

    def test_every_count_of_a_route_has_a_counter(self) -> None:
        assert set(get_args(Count.__value__)) == set(RequestMetrics(CollectorRegistry()).counters)


class TestProcess:
    def test_the_version_is_a_label(self, target: Target) -> None:
        assert target.value("todo_build_info", version=version("todo-backend")) == 1

    def test_the_queue_of_password_checks_has_a_length_and_a_limit(self, target: Target) -> None:
        assert target.value("todo_password_checks_waiting") == 0
        assert target.value("todo_password_checks_waiting_limit") >= 4

    def test_an_idle_process_works_on_no_request(self, target: Target) -> None:
        target.wait_for(0, "todo_requests_working")


class TestPort:
    def test_metrics_of_the_process_are_included(self, target: Target) -> None:
        assert target.value("process_resident_memory_bytes") > 10_000_000

    def test_the_api_does_not_serve_metrics(self, client: httpx2.Client) -> None:
        problem(client.get("/metrics"), 404, "route_not_found")

    def test_an_unfinished_scrape_delays_no_other_request(self, target: Target, client: httpx2.Client) -> None:
        with socket.create_connection(("127.0.0.1", target.port)) as silent:
            silent.sendall(b"GET /metrics HTTP/1.1\r\n")

            assert client.get("/health").status_code == 200
            assert "todo_http_requests_total" in target.scrape()

    def test_a_taken_port_stops_the_start_with_a_sentence(
        self, target: Target, environment: dict[str, str], tmp_path: Path
    ) -> None:
        ended = subprocess.run(
            (sys.executable, "-m", "uvicorn", "functions.main:app", "--port=0", "--log-level=warning"),
            env={**os.environ, **environment, "METRICS_PORT": str(target.port)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

        assert ended.returncode != 0
        assert f"METRICS_PORT: nothing can listen on 127.0.0.1:{target.port}: Address already in use." in ended.stderr
        assert "Traceback" not in ended.stderr

    def test_the_port_closes_with_the_service(self, environment: dict[str, str], tmp_path: Path) -> None:
        port = serving.free_port()
        with serving.on_port(environment | {"METRICS_PORT": str(port)}, folder=str(tmp_path)):
            assert is_listening(port)

        assert not is_listening(port)

    def test_by_default_only_this_machine_reaches_it(self, target: Target) -> None:
        assert is_listening(target.port)
        assert not is_listening(target.port, OTHER_HOST)

    def test_a_host_is_the_only_one_that_it_listens_on(self, environment: dict[str, str], tmp_path: Path) -> None:
        port = serving.free_port()
        variables = {"METRICS_HOST": OTHER_HOST, "METRICS_PORT": str(port)}
        with serving.on_port(environment | variables, folder=str(tmp_path)):
            assert "todo_http_requests" in httpx2.get(f"http://{OTHER_HOST}:{port}/metrics", timeout=ROOM_SECONDS).text
            assert not is_listening(port)


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as client:
        return client.connect_ex((host, port)) == 0


class TestCost:
    def test_counting_takes_at_most_half_as_long_as_the_log_line(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request = AnsweredRequest("an-id", "GET", TODOS, 200, 3.2, None, {})
        monkeypatch.setattr(log, "handlers", [])
        logs.configure(Settings())

        def seconds(work: Callable[[AnsweredRequest], None]) -> float:
            work(request)
            return min(timeit.repeat(lambda: work(request), number=500, repeat=20))

        assert seconds(RequestMetrics(CollectorRegistry()).count) < seconds(log_request) / 2
        assert capsys.readouterr().out.count("an-id") > 500
