"""Probes of an idle process ask the database rarely: counted at the database, for a minute."""

import time
from collections.abc import Iterator
from typing import Final

import pytest

from tests import serving
from tests.counting_proxy import CountingProxy, running
from tests.serving import OnPort

PERIOD_SECONDS: Final = 2
"""The period of the chart's readiness probe."""
QUIET_SECONDS: Final = 11
"""A second more than the longest pause between two tasks of a start."""


@pytest.fixture
def proxy(database_url: str) -> Iterator[CountingProxy]:
    with running(CountingProxy(database_url)) as proxy:
        yield proxy


@pytest.fixture
def service(
    environment: dict[str, str], proxy: CountingProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OnPort]:
    folder = str(tmp_path_factory.mktemp("service"))
    with serving.on_port(environment | {"DATABASE_URL": proxy.url}, folder=folder) as service:
        yield service


def test_an_idle_process_asks_the_database_at_most_twice_in_a_minute(service: OnPort, proxy: CountingProxy) -> None:
    with service.client() as kubelet:
        assert kubelet.get("/health/ready").status_code == 200
        # A start goes on in the background, for example with the connection that listens to changes.
        serving.wait_until(lambda: proxy.count_round_trips(lambda: time.sleep(QUIET_SECONDS)) == 0)

        def probe_for_a_minute() -> None:
            ends = time.monotonic() + 60
            while time.monotonic() < ends:
                assert kubelet.get("/health/ready").status_code == 200
                time.sleep(PERIOD_SECONDS)

        assert proxy.count_round_trips(probe_for_a_minute) <= 2
