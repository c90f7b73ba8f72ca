"""Eight concurrent processes of the service use one database through the same pooled URL."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import cycle
from multiprocessing import get_context
from typing import Any

import httpx2
import pytest

from tests import serving
from tests.accounts import CHAT, TODOS, sign_up
from tests.postgres import Pooler
from tests.serving import OnPort
from todo_core.database.executor import Database
from todo_core.database.statements import Statement

PROCESSES = 8
USERS = 16
ROUNDS = 10
STATEMENTS = 20


@pytest.fixture(scope="module")
def servers(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[OnPort]]:
    settings = {**environment, "OPENAI_API_KEY": ""}
    folder = str(tmp_path_factory.mktemp("processes"))
    with ExitStack() as running, ThreadPoolExecutor(PROCESSES) as threads:

        def start(_number: int) -> OnPort:
            return running.enter_context(serving.on_port(settings, folder=folder))

        yield list(threads.map(start, range(PROCESSES)))


class User:
    """User who sends each request to the next of several processes of the service."""

    def __init__(self, servers: list[OnPort], first: int) -> None:
        with servers[first % len(servers)].client() as client:
            self._headers = sign_up(client).bearer
        self._urls = cycle(server.url for server in servers[first % len(servers) :] + servers[: first % len(servers)])
        self.statuses: Counter[int] = Counter()

    def work(self) -> None:
        """Adds, reads, changes and deletes todos. Each process must see the writes of the process before."""
        # A server closes an idle connection after five seconds. The client does it first, or a request could meet that.
        limits, verify = httpx2.Limits(keepalive_expiry=2), serving.ANY_CERTIFICATE
        with closing(httpx2.Client(timeout=60, verify=verify, limits=limits, headers=self._headers)) as client:
            for number in range(ROUNDS):
                todo = self._send(client, "POST", TODOS, {"title": f"Todo {number}"})
                path = f"{TODOS}/{todo['id']}"
                assert self._send(client, "GET", path)["title"] == f"Todo {number}"
                assert f"Todo {number}" in self._send(client, "POST", CHAT, {"message": "list"})["response"]
                assert self._send(client, "PATCH", path, {"completed": True})["version"] == 2
                assert [todo["version"] for todo in self._send(client, "GET", TODOS)] == [2]
                self._send(client, "DELETE", path)

    def _send(self, client: httpx2.Client, method: str, path: str, body: object = None) -> Any:
        response = client.request(method, f"{next(self._urls)}{path}", json=body)
        self.statuses[response.status_code] += 1
        return response.json() if response.content else None


def test_servers_with_one_pooler_answer_every_request(servers: list[OnPort]) -> None:
    with ThreadPoolExecutor(USERS) as threads:
        users = list(threads.map(lambda number: User(servers, number), range(USERS)))
        done = [threads.submit(user.work) for user in users]
        failures = [failure for user in done if (failure := user.exception())]
    statuses = sum((user.statuses for user in users), Counter())
    assert not failures, (statuses, failures)
    assert statuses == {200: 4 * USERS * ROUNDS, 201: USERS * ROUNDS, 204: USERS * ROUNDS}


def find_wrong_results(url: str, process: int) -> list[object]:
    """Runs statements of one of several processes and returns their wrong results.

    The processes number their prepared statements alike, so a pooler could confuse these statements.
    """

    async def run_statements() -> list[object]:
        database = Database(url, pool_size=4)
        addends = [process * STATEMENTS + k for k in range(STATEMENTS)]
        statements = [Statement(f"SELECT CAST(:number AS int) + {addend}") for addend in addends]

        async def one(number: int) -> object:
            k = number % STATEMENTS
            read = database.write if number % 3 else database.fetch_one
            row = await read(statements[k], number=number)
            result = row and row[0]
            return None if result == number + addends[k] else (number, result)

        try:
            answers = [await asyncio.gather(*(one(number + k) for k in range(8))) for number in range(0, 400, 8)]
        finally:
            await database.close()
        return [answer for some in answers for answer in some if answer]

    return asyncio.run(run_statements())


def test_no_process_gets_the_result_of_another_process(both: Pooler) -> None:
    """Covers poolers that the service cannot recognize as poolers by their host name."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as processes:
        wrong = list(processes.map(find_wrong_results, [both.pooled] * PROCESSES, range(PROCESSES)))
    assert wrong == [[]] * PROCESSES
