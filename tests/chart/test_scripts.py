"""The scripts that the chart hands to containers, run as they are there."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

import pytest

from tests import postgres, serving
from tests.chart.rendering import CHART
from tests.listening import QuietHandler, listening
from tests.serving import OnPort

WAIT: Final = CHART / "files/wait.py"
ROUND_TRIP: Final = CHART / "files/round_trip.py"


def start(script: str, argument: str) -> subprocess.Popen[str]:
    """As a container does: with `python -c`."""
    return subprocess.Popen(
        [sys.executable, "-c", script, argument], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


class TestRoundTrip:
    @pytest.fixture
    def service(self, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPort]:
        with serving.on_port(environment, folder=str(tmp_path_factory.mktemp("round-trip"))) as service:
            yield service

    def test_it_passes_where_the_service_works_and_leaves_nothing(self, service: OnPort, database_url: str) -> None:
        for _ in range(2):
            test = start(ROUND_TRIP.read_text(), service.url)
            said, _ = test.communicate(timeout=60)
            assert test.returncode == 0, said
            assert said.splitlines()[-1] == "POST /api/v1/auth/login 401"
        assert postgres.query(database_url, "SELECT FROM users WHERE email LIKE 'helm-test-%'") == []

    def test_it_fails_where_it_does_not_and_says_what_was_answered(self) -> None:
        class NotReady(QuietHandler):
            def do_GET(self) -> None:  # noqa: N802 - the name that the base class looks for
                self.send_response(HTTPStatus.SERVICE_UNAVAILABLE)
                self.end_headers()
                self.wfile.write(b"schema_outdated")

        with listening(NotReady) as url:
            test = start(ROUND_TRIP.read_text(), url)
            said, _ = test.communicate(timeout=60)
        assert test.returncode == 1
        assert "GET /health/ready was answered with 503, not 200: schema_outdated" in said


class TestWait:
    def test_it_ends_once_something_listens(self) -> None:
        port = serving.free_port()
        wait = start(WAIT.read_text(), f"127.0.0.1:{port}")
        with pytest.raises(subprocess.TimeoutExpired):
            wait.wait(timeout=1.5)
        with socket.create_server(("127.0.0.1", port)):
            said, _ = wait.communicate(timeout=20)
        assert (wait.returncode, said) == (0, "")
