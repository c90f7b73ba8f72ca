"""The image at work: its start, what it needs to run, and its end."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx2
import pytest

from tests import engine, postgres, serving
from tests.accounts import AUTH, CHAT, TODOS, Account, problem, sign_up
from tests.engine import HARDENED, Container, docker
from tests.model_replies import Dribble, Say, Slow
from tests.relay import relayed
from tests.scripted_model import ScriptedModel

MOST_SECONDS_TO_HEALTHY: Final = 5
MOST_SECONDS_TO_STOP: Final = 5
STARTS: Final = 3

WITHOUT_A_SHELL: Final = (*HARDENED, "--tmpfs=/usr/bin")
"""Where Debian keeps the shell and every other command; Python lies elsewhere."""


@pytest.fixture
def running(image: str, settings: dict[str, str]) -> Iterator[Container]:
    with engine.container(image, settings) as container:
        container.wait_until_healthy()
        yield container


class TestStart:
    def test_it_is_healthy_in_seconds(self, image: str, settings: dict[str, str]) -> None:
        def seconds() -> float:
            with engine.container(image, settings) as container:
                return container.seconds_to_health()

        assert any(seconds() < MOST_SECONDS_TO_HEALTHY for _ in range(STARTS))

    def test_it_needs_no_shell_nor_any_other_command(self, image: str, settings: dict[str, str]) -> None:
        with engine.container(image, settings, options=WITHOUT_A_SHELL) as container:
            container.wait_until_healthy()
            with container.client() as client:
                assert client.get("/health/ready").status_code == 200
            container.stop()
            assert container.state["ExitCode"] == 0

    def test_it_migrates_a_database_once_and_again(self, image: str, settings: dict[str, str], server_url: str) -> None:
        with (
            postgres.database(server_url, migrated=False) as empty,
            relayed(empty, host=engine.HOST) as url,
            engine.container(image, settings | {"DATABASE_URL": url}) as container,
            container.client() as client,
        ):
            container.wait_until_healthy()
            problem(client.get("/health/ready"), 503, "schema_outdated")
            for _ in range(2):
                migrated = engine.run(
                    image,
                    "python",
                    "-m",
                    "functions.migrate",
                    options=WITHOUT_A_SHELL,
                    **(settings | {"DATABASE_URL": url}),
                )
                assert migrated == (0, "")
            assert client.get("/health/ready").status_code == 200


class TestServing:
    def test_nothing_is_written_to_its_disk(
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

    def test_metrics_have_a_port_of_their_own(self, running: Container) -> None:
        with running.client() as client:
            client.get("/health/ready")
            problem(client.get("/metrics"), 404, "route_not_found")

        metrics = httpx2.get(running.metrics_url).text
        assert 'todo_http_requests_total{method="GET",route="/health/ready",status="200"} 1.0' in metrics

    def test_a_proxy_is_believed_only_if_it_is_named(self, image: str, settings: dict[str, str]) -> None:
        https = serving.forwarded_headers("https")
        for proxies, secure in (("", False), (engine.BRIDGES, True)):
            with engine.container(image, settings | {"FORWARDED_ALLOW_IPS": proxies}) as container:
                container.wait_until_healthy()
                with container.client(headers=https) as client:
                    assert ("strict-transport-security" in client.get("/health").headers) == secure

    def test_who_does_not_serve_is_not_healthy(self, image: str, settings: dict[str, str]) -> None:
        check = engine.inspect(image)["Config"]["Healthcheck"]["Test"][1:]
        sleep = ("python", "-c", "import time; time.sleep(60)")
        with engine.container(image, settings, *sleep) as container:
            assert "ConnectionRefusedError" in engine.docker_error("exec", container.id, *check)

    def test_its_log_is_of_lines_for_machines_and_of_no_probes(self, running: Container) -> None:
        with running.client() as client:
            client.get(f"{AUTH}/me", headers={"X-Request-ID": "mine"})

        (line,) = map(json.loads, running.log.splitlines())
        assert (line["request_id"], line["status"]) == ("mine", 401)


class TestStop:
    """With requests in flight that take two seconds more."""

    @pytest.fixture
    def ada(self, running: Container, scripted: ScriptedModel) -> Iterator[Account]:
        with running.client() as client:
            ada = sign_up(client)
            scripted.play(Say("Hello."))  # the first turn also loads what all of them need
            assert client.post(CHAT, json={"message": "Hello"}).status_code == 200
            yield ada

    def stop(self, container: Container) -> float:
        """The seconds until it has ended, by itself."""
        seconds = container.stop()
        assert container.state["ExitCode"] == 0
        return seconds

    def test_a_turn_is_finished(self, running: Container, ada: Account, scripted: ScriptedModel) -> None:
        scripted.play(Slow(Say("At last."), 2))
        with ThreadPoolExecutor(1) as thread:
            turn = thread.submit(ada.client.post, CHAT, json={"message": "Hello"})
            scripted.wait_until(lambda: len(scripted.requests) == 1)
            seconds = self.stop(running)
            answered = turn.result()

        assert answered.status_code == 200
        assert (answered.json()["status"], answered.json()["response"]) == ("done", "At last.")
        assert seconds < MOST_SECONDS_TO_STOP

    def test_events_go_on_to_the_last(self, running: Container, ada: Account, scripted: ScriptedModel) -> None:
        scripted.play(Dribble(Say("One, two, three.", size=4), 0.3))
        asks = ada.client.stream("POST", CHAT, json={"message": "Count"}, headers={"Accept": "text/event-stream"})
        with ThreadPoolExecutor(1) as thread, asks as events:
            lines = events.iter_lines()
            assert next(lines) == "event: turn"
            stopped = thread.submit(self.stop, running)
            heard = list(lines)

        assert [line for line in heard if line.startswith("event: ")][-1] == "event: done"
        assert stopped.result() < MOST_SECONDS_TO_STOP

    def test_connections_on_which_nothing_is_asked_do_not_hold_it_up(self, running: Container, ada: Account) -> None:
        with running.client() as idle:
            assert idle.get(TODOS, headers=ada.bearer).status_code == 200
            assert self.stop(running) < MOST_SECONDS_TO_STOP / 2
