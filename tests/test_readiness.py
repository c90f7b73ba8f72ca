"""GET /health/ready asks the database rarely, and at once after a failure."""

from collections.abc import Iterator
from typing import Any, Final

import httpx2
import pytest

from functions.groups import load_routers
from tests import postgres, serving
from tests.accounts import Account, problem, sign_up
from tests.chart.rendering import Release
from tests.counting_proxy import CountingProxy, running
from todo_core.database import executor, pool
from todo_core.settings import Settings
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources

READY: Final = "/health/ready"
OTHER_REVISION: Final = "UPDATE alembic_version SET version_num = '0000'"


class Clock:
    """The monotonic clock of the service, which stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (executor, pool):
        monkeypatch.setattr(module, "monotonic", clock)
    return clock


@pytest.fixture
def proxy(server_url: str) -> Iterator[CountingProxy]:
    with postgres.database(server_url) as url, running(CountingProxy(url)) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: CountingProxy, clock: Clock) -> Iterator[httpx2.Client]:
    assert clock.now
    settings = Settings(database={"url": proxy.url}, bcrypt_rounds=4)
    app = create_app(*load_routers("auth", "todos", "meta"), settings=settings)
    with serving.in_process(app) as surface, surface.client() as client:
        yield client
        surface.portal.call(get_resources(app).database.close)


@pytest.fixture
def ada(client: httpx2.Client) -> Account:
    return sign_up(client)


def read_probe_period() -> int:
    probe: dict[str, Any] = Release().api_container["readinessProbe"]
    return int(probe["periodSeconds"])


def test_an_idle_pod_asks_the_database_at_most_twice_a_minute(
    proxy: CountingProxy, client: httpx2.Client, clock: Clock
) -> None:
    period, minutes = read_probe_period(), 10
    assert client.get(READY).status_code == 200

    def probe_for_minutes() -> None:
        for _ in range(minutes * 60 // period):
            clock.now += period
            assert client.get(READY).status_code == 200

    assert minutes <= proxy.count_round_trips(probe_for_minutes) <= 2 * minutes


def test_a_busy_process_never_asks(proxy: CountingProxy, client: httpx2.Client, ada: Account, clock: Clock) -> None:
    client.get(READY)
    for _ in range(10):
        clock.now += 29
        ada.titles()
        assert proxy.count_round_trips(lambda: client.get(READY)) == 0


def test_liveness_never_asks(proxy: CountingProxy, client: httpx2.Client, clock: Clock) -> None:
    clock.now += 3600
    assert proxy.count_round_trips(lambda: client.get("/health")) == 0


def test_the_first_probe_asks(proxy: CountingProxy, client: httpx2.Client, ada: Account) -> None:
    ada.titles()
    assert proxy.count_round_trips(lambda: client.get(READY)) > 0


def test_a_probe_after_a_failed_request_asks(proxy: CountingProxy, client: httpx2.Client, ada: Account) -> None:
    assert client.get(READY).status_code == 200
    postgres.run(proxy.server_url, "ALTER TABLE todos RENAME TO gone")
    problem(client.get("/api/v1/todos", headers=ada.bearer), 503, "schema_outdated")
    assert proxy.count_round_trips(lambda: client.get(READY)) > 0


def test_each_probe_after_a_failed_probe_asks(proxy: CountingProxy, client: httpx2.Client, clock: Clock) -> None:
    assert client.get(READY).status_code == 200
    (row,) = postgres.query(proxy.server_url, "SELECT version_num FROM alembic_version")
    postgres.run(proxy.server_url, OTHER_REVISION)
    clock.now += Settings().readiness_seconds
    problem(client.get(READY), 503, "schema_outdated")
    problem(client.get(READY), 503, "schema_outdated")
    postgres.run(proxy.server_url, f"UPDATE alembic_version SET version_num = '{row['version_num']}'")  # noqa: S608
    assert client.get(READY).status_code == 200
    assert proxy.count_round_trips(lambda: client.get(READY)) == 0
