"""One user's work does not delay another's: writes wait for each other before they take a database connection."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
import pytest

from tests import postgres, serving
from tests.accounts import TODOS, Account, problem, sign_up
from tests.locked_log import count_waiting, locked_log
from tests.serving import OnPort, wait_until

POOL_SIZE = 3
REQUESTS = 20
BATCH = {"operations": [{"op": "create", "todo": {"title": "Buy milk"}}] * 10}


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    """URL of a separate database, so that the connections in this database belong to this module only."""
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture(scope="module")
def service(environment: dict[str, str], url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPort]:
    few = {"DATABASE_URL": url, "DATABASE_POOL_SIZE": str(POOL_SIZE)}
    with serving.on_port(environment | few, folder=str(tmp_path_factory.mktemp("service"))) as service:
        yield service


@pytest.fixture
def hostile(service: OnPort) -> Iterator[Account]:
    with service.client() as client:
        yield sign_up(client)


@contextmanager
def in_parallel(service: OnPort, account: Account) -> Iterator[Callable[[], list[Future[httpx2.Response]]]]:
    """Yields a function that sends batches of the account, each on its own connection. Awaits them at the end."""

    def send() -> httpx2.Response:
        with service.client() as client:
            return client.post(f"{TODOS}/batch", json=BATCH, headers=account.bearer)

    with ThreadPoolExecutor(REQUESTS) as threads:
        yield lambda: [threads.submit(send) for _ in range(REQUESTS)]


class TestWrites:
    def test_writes_that_wait_for_their_own_user_leave_connections_to_others(
        self, service: OnPort, url: str, hostile: Account, ada: Account
    ) -> None:
        with in_parallel(service, hostile) as start, locked_log(url, hostile):
            batches = start()
            wait_until(lambda: count_waiting(url) > 0)
            for _ in range(5):
                assert ada.titles() == ["Buy milk"]
                ada.add()
                ada.delete(ada.client.get(TODOS, params={"limit": 1, "sort": "-created_at"}).json()[0]["url"])
            assert not any(batch.done() for batch in batches)
            assert count_waiting(url) == 1
        assert {batch.result().status_code for batch in batches} == {200}

    def test_batches_at_the_same_time_all_succeed(self, service: OnPort, hostile: Account, ada: Account) -> None:
        with in_parallel(service, hostile) as start:
            batches = start()
            for _ in range(20):
                assert ada.titles() == ["Buy milk"]
        assert {batch.result().status_code for batch in batches} == {200}

    def test_a_write_behind_a_lock_of_another_process_is_refused_after_some_seconds(
        self, url: str, hostile: Account, ada: Account
    ) -> None:
        with locked_log(url, hostile):
            refused = hostile.client.post(TODOS, json={"title": "Buy milk"})
            ada.add()
        problem(refused, 429, "rate_limited")
        assert hostile.client.post(TODOS, json={"title": "Buy milk"}).status_code == 201
