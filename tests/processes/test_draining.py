"""Draining: after SIGTERM a process answers requests for DRAIN_SECONDS more, and then stops."""

import signal
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import pytest

from tests import serving
from tests.accounts import TODOS, sign_up
from tests.model_replies import Say, Slow
from tests.room import ROOM_SECONDS
from tests.scripted_model import ScriptedModel
from tests.serving import OnPort

DRAIN_SECONDS = 1.5


@pytest.fixture
def service(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPort]:
    folder = str(tmp_path_factory.mktemp("draining"))
    # A turn may take 25 seconds, because the first turn also loads the model's client.
    settings = {**environment, "DRAIN_SECONDS": str(DRAIN_SECONDS), "ASSISTANT_SECONDS": "25"}
    with serving.on_port(settings, folder=folder) as service:
        yield service


def connection_to(service: OnPort) -> HTTPConnection:
    return HTTPConnection(urlsplit(service.url).netloc, timeout=ROOM_SECONDS)


def get(connection: HTTPConnection, path: str = "/health") -> HTTPResponse:
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response


def stop(service: OnPort) -> float:
    """Sends SIGTERM, waits until responses have `Connection: close`, and returns the time of the signal."""
    service.process.send_signal(signal.SIGTERM)
    asked = time.monotonic()
    while get(connection_to(service)).getheader("Connection") != "close":
        assert time.monotonic() < asked + DRAIN_SECONDS
    return asked


class TestSigterm:
    def test_requests_are_answered_while_draining(self, service: OnPort) -> None:
        with service.client() as client:
            ada = sign_up(client)
            stop(service)
            for _ in range(3):
                ada.add()
            assert len(ada.titles()) == 3

    def test_each_response_closes_its_connection(self, service: OnPort) -> None:
        old = connection_to(service)
        before = get(old)
        assert before.getheader("Connection") is None
        stop(service)
        assert get(old).getheader("Connection") == "close"
        assert get(connection_to(service), TODOS).getheader("Connection") == "close"

    def test_the_process_stops_after_the_drain_time(self, service: OnPort) -> None:
        asked = stop(service)
        service.process.wait(timeout=ROOM_SECONDS)
        assert time.monotonic() - asked >= DRAIN_SECONDS

    def test_a_running_turn_is_finished(self, service: OnPort, scripted: ScriptedModel) -> None:
        scripted.play(Slow(Say("At last."), seconds=DRAIN_SECONDS + 1))
        with service.client() as client:
            ada = sign_up(client)
            stop(service)
            answered = ada.client.post("/api/v1/chat", json={"message": "Are you there?"})
        assert answered.status_code == 200, answered.text
        assert answered.json()["response"] == "At last."

    def test_a_second_sigterm_stops_at_once(self, service: OnPort) -> None:
        asked = stop(service)
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(timeout=ROOM_SECONDS)
        assert time.monotonic() - asked < DRAIN_SECONDS


def test_without_the_setting_the_process_stops_at_once(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with serving.on_port(environment, folder=str(tmp_path_factory.mktemp("stopping"))) as service:
        asked = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(timeout=ROOM_SECONDS)
        assert time.monotonic() - asked < DRAIN_SECONDS
