"""Python scripts of the chart, run with `python -c` as in their containers."""

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
from tests.room import ROOM_SECONDS
from tests.serving import OnPort

WAIT: Final = CHART / "files/wait.py"
ROUND_TRIP: Final = CHART / "files/round_trip.py"


def start(script: str, argument: str) -> subprocess.Popen[str]:
    """Starts the text of a script in a new process with `python -c`, as its container does."""
    return subprocess.Popen(
        [sys.executable, "-c", script, argument], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


class TestRoundTrip:
    @pytest.fixture
    def service(self, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPort]:
        with serving.on_port(environment, folder=str(tmp_path_factory.mktemp("round-trip"))) as service:
            yield service

    def test_it_passes_and_deletes_its_account(self, service: OnPort, database_url: str) -> None:
        for _ in range(2):
            test = start(ROUND_TRIP.read_text(), service.url)
            output, _ = test.communicate(timeout=ROOM_SECONDS)
            assert test.returncode == 0, output
            assert output.splitlines()[-1] == "POST /api/v1/auth/login 401"
        assert postgres.query(database_url, "SELECT FROM users WHERE email LIKE 'helm-test-%'") == []

    def test_it_fails_with_the_response_of_a_broken_service(self) -> None:
        class NotReady(QuietHandler):
            def do_GET(self) -> None:  # noqa: N802 - the base class calls it by this name
                self.send_response(HTTPStatus.SERVICE_UNAVAILABLE)
                self.end_headers()
                self.wfile.write(b"schema_outdated")

        with listening(NotReady) as url:
            test = start(ROUND_TRIP.read_text(), url)
            output, _ = test.communicate(timeout=ROOM_SECONDS)
        assert test.returncode == 1
        assert "GET /health/ready returned 503 instead of 200: schema_outdated" in output


class TestWait:
    def test_it_ends_when_a_server_listens(self) -> None:
        port = serving.free_port()
        wait = start(WAIT.read_text(), f"127.0.0.1:{port}")
        with pytest.raises(subprocess.TimeoutExpired):
            wait.wait(timeout=1.5)
        with socket.create_server(("127.0.0.1", port)):
            output, _ = wait.communicate(timeout=ROOM_SECONDS)
        assert (wait.returncode, output) == (0, "")
