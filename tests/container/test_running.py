"""Running containers of the service's image: start, requests and stop."""

import errno
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import httpx2
import pytest

from tests import engine, postgres, serving
from tests.accounts import AUTH, CHAT, TODOS, Account, problem, sign_up
from tests.engine import HARDENED, Container, docker
from tests.hung_database import assert_unavailable_in_time, send_all_while_hung
from tests.model_replies import Dribble, Say, Slow
from tests.relay import Gate, relayed
from tests.room import ROOM_SECONDS
from tests.scripted_model import ScriptedModel

MAX_SECONDS_TO_HEALTHY: Final = 5
MAX_SECONDS_TO_STOP: Final = 5
STARTS: Final = 3

SPEAKS_IPV6: Final = (*HARDENED, "--sysctl=net.ipv6.conf.lo.disable_ipv6=0")
"""Docker options of a container that has the addresses `127.0.0.1` and `::1`."""
WITHOUT_IPV6: Final = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [
        {
            "names": ["socket"],
            "action": "SCMP_ACT_ERRNO",
            "errnoRet": errno.EAFNOSUPPORT,
            "args": [{"index": 0, "value": socket.AF_INET6, "op": "SCMP_CMP_EQ"}],
        }
    ],
}
"""Seccomp profile in which no IPv6 socket can be created, as in a kernel without IPv6."""
READ_STATUS: Final = """
import sys, urllib.request
print(*(urllib.request.urlopen(url).status for url in sys.argv[1:]))
"""

WITHOUT_A_SHELL: Final = (*HARDENED, "--tmpfs=/usr/bin")
"""Docker options of a hardened container whose empty /usr/bin hides the shell. Python is in another folder."""


@pytest.fixture
def running(image: str, settings: dict[str, str]) -> Iterator[Container]:
    with engine.container(image, settings) as container:
        container.wait_until_healthy()
        yield container


class TestHungDatabase:
    def test_requests_are_503_within_five_seconds_and_the_container_stays_healthy(
        self, image: str, settings: dict[str, str], database_url: str
    ) -> None:
        gate = Gate()
        with (
            relayed(database_url, host=engine.HOST, gate=gate) as url,
            engine.container(image, settings | {"DATABASE_URL": url, "READINESS_SECONDS": "0"}) as container,
            container.client() as client,
        ):
            container.wait_until_healthy()
            ada = sign_up(client)
            assert_unavailable_in_time(send_all_while_hung(gate, ada))
            assert container.health == "healthy"
            assert ada.titles() == []


class TestStart:
    def test_it_is_healthy_within_seconds(self, image: str, settings: dict[str, str]) -> None:
        def seconds() -> float:
            with engine.container(image, settings) as container:
                return container.seconds_to_health()

        assert any(seconds() < MAX_SECONDS_TO_HEALTHY for _ in range(STARTS))

    def test_it_runs_without_a_shell_and_other_commands(self, image: str, settings: dict[str, str]) -> None:
        with engine.container(image, settings, options=WITHOUT_A_SHELL) as container:
            container.wait_until_healthy()
            with container.client() as client:
                assert client.get("/health/ready").status_code == 200
            container.stop()
            assert container.state["ExitCode"] == 0

    @pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
    def test_it_serves_on_both_families_of_addresses(self, image: str, settings: dict[str, str], address: str) -> None:
        urls = (f"http://{address}:8000/health", f"http://{address}:9090/metrics")
        with engine.container(image, settings, options=SPEAKS_IPV6) as container:
            container.wait_until_healthy()
            assert docker("exec", container.id, "python", "-c", READ_STATUS, *urls) == "200 200"

    @pytest.mark.parametrize("variable", ["PORT", "UVICORN_PORT"])
    def test_its_health_check_follows_the_port(self, image: str, settings: dict[str, str], variable: str) -> None:
        with engine.container(image, settings | {variable: "8123"}) as container:
            container.wait_until_healthy()

    def test_it_serves_without_ipv6(self, image: str, settings: dict[str, str], tmp_path: Path) -> None:
        profile = tmp_path / "seccomp.json"
        profile.write_text(json.dumps(WITHOUT_IPV6))
        with engine.container(image, settings, options=(*HARDENED, f"--security-opt=seccomp={profile}")) as container:
            container.wait_until_healthy()
            assert httpx2.get(container.metrics_url).status_code == 200

    def test_the_migration_can_be_repeated(self, image: str, settings: dict[str, str], server_url: str) -> None:
        with (
            postgres.database(server_url, migrated=False) as empty,
            relayed(empty, host=engine.HOST) as url,
            engine.container(image, settings | {"DATABASE_URL": url}) as container,
            container.client() as client,
        ):
            container.wait_until_healthy()
            problem(client.get("/health/ready"), 503, "schema_outdated")
            for done in ("went from empty to", "is already at"):
                status, printed = engine.run(
                    image,
                    "python",
                    "-m",
                    "functions.migrate",
                    options=WITHOUT_A_SHELL,
                    **(settings | {"DATABASE_URL": url}),
                )
                assert (status, done in printed) == (0, True), printed
            assert client.get("/health/ready").status_code == 200


class TestServing:
    def test_requests_write_nothing_to_its_disk(
        self, image: str, settings: dict[str, str], scripted: ScriptedModel
    ) -> None:
        scripted.play(Say("Hello."))
        with engine.container(image, settings, options=()) as container, container.client() as client:
            container.wait_until_healthy()
            ada = sign_up(client)
            ada.add()
            large = {"file": b"x" * 1_900_000}
            assert client.post(f"{AUTH}/login", files=large).status_code == 415
            assert client.post(CHAT, json={"message": "Hello"}).status_code == 200
            assert client.get("/docs").status_code == 200

            assert docker("diff", container.id) == ""

    def test_metrics_have_their_own_port(self, running: Container) -> None:
        with running.client() as client:
            client.get("/health/ready")
            problem(client.get("/metrics"), 404, "route_not_found")

        metrics = httpx2.get(running.metrics_url, timeout=ROOM_SECONDS).text
        assert 'todo_http_requests_total{method="GET",route="/health/ready",status="200"} 1.0' in metrics

    def test_only_configured_proxies_are_trusted(self, image: str, settings: dict[str, str]) -> None:
        https = serving.forwarded_headers("https")
        for proxies, secure in (("", False), (engine.BRIDGES, True)):
            with engine.container(image, settings | {"FORWARDED_ALLOW_IPS": proxies}) as container:
                container.wait_until_healthy()
                with container.client(headers=https) as client:
                    assert ("strict-transport-security" in client.get("/health").headers) == secure

    def test_the_health_check_fails_without_a_server(self, image: str, settings: dict[str, str]) -> None:
        check = engine.inspect(image)["Config"]["Healthcheck"]["Test"][1:]
        sleep = ("python", "-c", "import time; time.sleep(60)")
        with engine.container(image, settings, *sleep) as container:
            assert "create_connection" in engine.docker_error("exec", container.id, *check)

    def test_its_log_is_json_lines_without_probes(self, running: Container) -> None:
        with running.client() as client:
            client.get(f"{AUTH}/me", headers={"X-Request-ID": "mine"})

        # The engine receives the output a moment after the client has its response.
        serving.wait_until(lambda: len(running.log.splitlines()) > 1)
        start, line = map(json.loads, running.log.splitlines())
        assert start["message"].startswith("Serving on ")
        assert (line["request_id"], line["status"]) == ("mine", 401)


class TestStop:
    """A container that receives the stop signal completes its running requests, then exits with status 0."""

    @pytest.fixture
    def ada(self, running: Container, scripted: ScriptedModel) -> Iterator[Account]:
        with running.client() as client:
            ada = sign_up(client)
            scripted.play(Say("Hello."))  # the first turn imports modules, which would slow down the tested turn
            assert client.post(CHAT, json={"message": "Hello"}).status_code == 200
            yield ada

    def stop(self, container: Container) -> float:
        """Stops the container and asserts that its process exits with 0. Returns the seconds until the exit."""
        seconds = container.stop()
        assert container.state["ExitCode"] == 0
        return seconds

    def test_a_turn_is_completed(self, running: Container, ada: Account, scripted: ScriptedModel) -> None:
        scripted.play(Slow(Say("At last."), 2))
        with ThreadPoolExecutor(1) as thread:
            turn = thread.submit(ada.client.post, CHAT, json={"message": "Hello"})
            scripted.wait_until(lambda: len(scripted.requests) == 1)
            seconds = self.stop(running)
            response = turn.result()

        assert response.status_code == 200
        assert (response.json()["status"], response.json()["response"]) == ("done", "At last.")
        assert seconds < MAX_SECONDS_TO_STOP

    def test_an_event_stream_continues_to_its_last_event(
        self, running: Container, ada: Account, scripted: ScriptedModel
    ) -> None:
        scripted.play(Dribble(Say("One, two, three.", size=4), 0.3))
        request = ada.client.stream("POST", CHAT, json={"message": "Count"}, headers={"Accept": "text/event-stream"})
        with ThreadPoolExecutor(1) as thread, request as events:
            lines = events.iter_lines()
            assert next(lines) == "event: turn"
            stopped = thread.submit(self.stop, running)
            received = list(lines)

        assert [line for line in received if line.startswith("event: ")][-1] == "event: done"
        assert stopped.result() < MAX_SECONDS_TO_STOP

    def test_idle_connections_do_not_delay_the_stop(self, running: Container, ada: Account) -> None:
        with running.client() as idle:
            assert idle.get(TODOS, headers=ada.bearer).status_code == 200
            assert self.stop(running) < MAX_SECONDS_TO_STOP / 2
