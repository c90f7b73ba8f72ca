"""Statements and failures of connections for the tests of the database."""

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
    """Runs a scenario on a database in an event loop of its own, and closes the database."""

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
    """Closes all connections of the service while its event loop is blocked, as in a frozen process."""
    killer = Thread(target=postgres.query, args=(url, KILL_ALL))
    killer.start()
    killer.join()


def kill_while_frozen_for_a_second(url: str) -> None:
    """Closes all connections like `kill_while_frozen`, and blocks until connections are checked before a write."""
    kill_while_frozen(url)
    time.sleep(1.01)


async def kill_while_running(url: str) -> None:
    """Closes all connections of the service while its event loop runs."""
    await asyncio.to_thread(postgres.query, url, KILL_ALL)


async def open_connections(database: Database, count: int) -> None:
    """Opens connections by statements that overlap."""
    await asyncio.gather(*(database.fetch_one(SLEEP, seconds=0.05) for _ in range(count)))


async def count_connections(url: str) -> int:
    """Returns the number of open connections of the service."""
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
    """Returns the number of prepared statements of the connection after two statements."""

    async def scenario(database: Database) -> int:
        await fetch_value(database, ONE)
        await fetch_value(database, DIVIDE, divisor=1)
        count = await fetch_value(database, COUNT_PREPARED)
        assert isinstance(count, int)
        return count

    return run_scenario(database, scenario)
