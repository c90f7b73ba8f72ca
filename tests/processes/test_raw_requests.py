"""Raw requests of any form soon get an answer below 500, or a closed connection.

RAW_REQUESTS sets their number. `make test SUITE=fuzz` sends 20,000.
"""

import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from itertools import islice
from pathlib import Path
from typing import Final

import httpx2
import psutil
import pytest

from tests import postgres
from tests.accounts import AUTH, sign_up
from tests.processes.malformed_requests import RawRequest, generate
from tests.room import ROOM_SECONDS
from tests.service import Service

REQUESTS: Final = int(os.environ.get("RAW_REQUESTS", "400"))
MAX_SECONDS: Final = 5.0
MAX_BYTES: Final = 160 * 2**20
"""The most memory (resident set size) of the process."""
SETTINGS: Final = {
    "LOG_LEVEL": "WARNING",
    "OPENAI_API_KEY": "",
    **dict.fromkeys(
        (
            *("FAILED_LOGINS_PER_ACCOUNT", "FAILED_LOGINS_PER_ADDRESS", "LOGINS_PER_ACCOUNT", "LOGINS_PER_ADDRESS"),
            *("REGISTRATIONS_PER_ADDRESS", "ASSISTANT_DAILY_TURNS"),
        ),
        "1000000",
    ),
}


@pytest.fixture(scope="module")
def service(
    server_url: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with postgres.database(server_url) as url:
        log = tmp_path_factory.mktemp("service") / "log"
        service = Service({**environment, **SETTINGS, "DATABASE_URL": url}, Path(log))
        service.start()
        yield service
        service.kill()


def send(port: int, request: RawRequest) -> int | None:
    """Sends a request on a new connection. Returns the status of the answer, or None if the connection was closed.

    Closes its side of the connection after an incomplete request, so that the server can end it too. Raises
    TimeoutError when neither happens within MAX_SECONDS.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=MAX_SECONDS) as connection:
        # The server may refuse a request, and close the connection, before all of it is sent.
        with suppress(OSError):
            connection.sendall(request.content)
            if not request.is_complete:
                connection.shutdown(socket.SHUT_WR)
        response = HTTPResponse(connection, method="HEAD" if request.is_head else None)
        try:
            response.begin()
            response.read()
        except (HTTPException, ConnectionError):
            return None
        return response.status


def test_a_client_that_goes_away_is_not_logged_as_an_error(service: Service) -> None:
    head = f"POST {AUTH}/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    for _ in range(5):
        assert send(service.port, RawRequest(f'{head}{{"email"'.encode(), is_complete=False)) is None
        assert httpx2.get(f"{service.url}/health/ready", timeout=ROOM_SECONDS).status_code == 200
    assert "Unexpected error" not in service.log.read_text()


def test_no_request_causes_an_error_or_a_wait(service: Service, subtests: pytest.Subtests) -> None:
    with httpx2.Client(base_url=service.url, timeout=ROOM_SECONDS) as client:
        token = sign_up(client).token
    assert service.process
    process = psutil.Process(service.process.pid)
    statuses: Counter[int | None] = Counter()
    failures: list[str] = []
    slowest = 0.0
    for request in islice(generate(token, seed=15), REQUESTS):
        started = time.monotonic()
        try:
            status = send(service.port, request)
        except TimeoutError:
            status = 0
        slowest = max(slowest, time.monotonic() - started)
        statuses[status] += 1
        if status is not None and not 200 <= status < 500:
            failures.append(f"{status} for {request.content[:300]!r}, {len(request.content)} bytes")
    memory = process.memory_info().rss
    print(f"\n{REQUESTS} requests: {dict(statuses)}, slowest {slowest:.2f} s, {memory / 2**20:.0f} MB")  # noqa: T201 - the counts are the result
    with subtests.test("no answer is 5xx, and none takes long"):
        assert failures == [], "\n".join(failures[:20])
    with subtests.test("most complete requests are answered"):
        assert statuses[None] < REQUESTS / 2
    with subtests.test("the process serves on"):
        assert service.process.poll() is None
        assert httpx2.get(f"{service.url}/health/ready", timeout=ROOM_SECONDS).status_code == 200
    with subtests.test("the process keeps its memory"):
        assert memory < MAX_BYTES
    with subtests.test("the log has no unexpected error"):
        log = service.log.read_text()
        assert "Traceback" not in log
        assert "Unexpected error" not in log
