"""Statements, scenarios and forced connection failures for tests of Database."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import psutil

from tests import postgres
from tests.postgres import KILL_ALL
from todo_core.database.executor import Database
from todo_core.database.statements import Statement

type Scenario[Result] = Callable[[Database], Awaitable[Result]]

ONE = Statement("SELECT 1")
SELECT_PID = Statement("SELECT pg_backend_pid()")
SLEEP = Statement("SELECT pg_sleep(:seconds)")
INSERT = Statement("INSERT INTO numbers (number) VALUES (:number) RETURNING number")
INSERT_SLOWLY = Statement(
    "WITH inserted AS (INSERT INTO numbers VALUES (1) RETURNING number) SELECT pg_sleep(20) FROM inserted"
)
DIVIDE = Statement("SELECT 1 / CAST(:divisor AS int)")
SELECT_NAMES = Statement("SELECT name FROM pg_prepared_statements")
DEALLOCATE = Statement("DEALLOCATE ALL")
COUNT_PREPARED = Statement("SELECT count(*) FROM pg_prepared_statements")

SELECT_BACKENDS = """
SELECT pid, query FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'todo-backend'
"""


def run_scenario[Result](
    database: Database,
    scenario: Scenario[Result],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> Result:
    """Runs a scenario with the database in a new event loop, and closes the database afterwards."""

    async def run() -> Result:
        try:
            return await scenario(database)
        finally:
            await database.close()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(run())


def count_rows(url: str) -> int:
    return len(postgres.query(url, "SELECT FROM numbers"))


def kill_while_frozen(url: str) -> None:
    """Makes the server close all connections of the service while the event loop is blocked.

    The blocked loop notices nothing meanwhile, like a process that Lambda froze between requests.
    """
    killer = Thread(target=postgres.query, args=(url, KILL_ALL))
    killer.start()
    killer.join()


def kill_while_frozen_for_a_second(url: str) -> None:
    """Closes connections like `kill_while_frozen`, then blocks for a second, after which writes check connections."""
    kill_while_frozen(url)
    time.sleep(1.01)


async def kill_while_running(url: str) -> None:
    """Makes the server close all connections of the service while the event loop runs and can notice it."""
    await asyncio.to_thread(postgres.query, url, KILL_ALL)


async def open_connections(database: Database, count: int) -> None:
    """Fills the pool with `count` connections, by running that many statements at the same time."""
    await asyncio.gather(*(database.fetch_one(SLEEP, seconds=0.05) for _ in range(count)))


async def count_connections(url: str) -> int:
    """Returns the number of connections of the service that the server reports as open."""
    return len(await asyncio.to_thread(postgres.query, url, SELECT_BACKENDS))


async def fetch_value(database: Database, statement: Statement, **values: object) -> object:
    row = await database.fetch_one(statement, **values)
    assert row is not None
    return row[0]


@contextmanager
def suspended(process_ids: list[int]) -> Iterator[None]:
    processes = [psutil.Process(process_id) for process_id in process_ids]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def count_prepared(database: Database) -> int:
    """Runs two statements, and returns the number of prepared statements that their connection then has."""

    async def scenario(database: Database) -> int:
        await fetch_value(database, ONE)
        await fetch_value(database, DIVIDE, divisor=1)
        count = await fetch_value(database, COUNT_PREPARED)
        assert isinstance(count, int)
        return count

    return run_scenario(database, scenario)
