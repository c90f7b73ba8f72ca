"""Reads and writes on a real PostgreSQL server that closes or ignores their connections."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from tests import postgres
from tests.core.database.scenarios import (
    DIVIDE,
    INSERT,
    INSERT_SLOWLY,
    ONE,
    SELECT_BACKENDS,
    SLEEP,
    count_connections,
    count_rows,
    fetch_value,
    kill_while_frozen,
    kill_while_frozen_for_a_second,
    kill_while_running,
    open_connections,
    run_scenario,
    suspended,
)
from tests.postgres import Server
from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.errors import DatabaseUnavailable

pytestmark = pytest.mark.pooler


class TestReading:
    def test_a_read_returns_its_rows(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            assert [row[0] for row in await database.fetch_all(ONE)] == [1]
            assert await fetch_value(database, ONE) == 1
            assert await database.fetch_one(Statement("SELECT FROM numbers")) is None

        run_scenario(Database(url), scenario)

    def test_a_read_succeeds_after_its_idle_connection_was_closed(
        self, url: str, loop_factory: Callable[[], asyncio.AbstractEventLoop]
    ) -> None:
        async def scenario(database: Database) -> None:
            await open_connections(database, 1)
            await kill_while_running(url)
            assert await fetch_value(database, ONE) == 1

        run_scenario(Database(url), scenario, loop_factory)

    # The read starts after 0 to 4 iterations of the event loop. The loop notices a closed connection in two steps:
    # the server's last message and the end of the stream.
    @pytest.mark.parametrize("turns", range(5))
    def test_a_read_succeeds_after_its_connection_was_closed_while_the_process_was_frozen(
        self, url: str, loop_factory: Callable[[], asyncio.AbstractEventLoop], turns: int
    ) -> None:
        async def scenario(database: Database) -> None:
            await open_connections(database, 1)
            kill_while_frozen(url)
            for _ in range(turns):
                await asyncio.sleep(0)
            assert await fetch_value(database, ONE) == 1

        run_scenario(Database(url), scenario, loop_factory)

    def test_reads_succeed_after_all_connections_were_closed_at_once(
        self, url: str, loop_factory: Callable[[], asyncio.AbstractEventLoop]
    ) -> None:
        async def scenario(database: Database) -> None:
            await open_connections(database, 5)
            assert await count_connections(url) == 5
            kill_while_frozen(url)
            assert await asyncio.gather(*(fetch_value(database, ONE) for _ in range(5))) == [1] * 5

        run_scenario(Database(url, pool_size=5), scenario, loop_factory)

    def test_a_read_is_repeated_when_its_connection_is_closed_during_it(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            reading = asyncio.create_task(fetch_value(database, SLEEP, seconds=0.5))
            await asyncio.sleep(0.1)
            await kill_while_running(url)
            await reading

        run_scenario(Database(url), scenario)


class TestWriting:
    def test_a_write_returns_the_row_of_its_returning_clause(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            row = await database.write(INSERT, number=7)
            assert row is not None
            assert row["number"] == 7

        run_scenario(Database(url), scenario)
        assert count_rows(url) == 1

    def test_a_write_takes_effect_once_after_its_idle_connection_was_closed(
        self, url: str, loop_factory: Callable[[], asyncio.AbstractEventLoop]
    ) -> None:
        async def write_after(turns: int, database: Database) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            await database.write(INSERT, number=turns)

        async def scenario() -> list[None | BaseException]:
            databases = [Database(url) for _ in range(5)]
            await asyncio.gather(*(open_connections(database, 1) for database in databases))
            kill_while_frozen_for_a_second(url)
            writing = [write_after(turns, database) for turns, database in enumerate(databases)]
            outcomes = await asyncio.gather(*writing, return_exceptions=True)
            await asyncio.gather(*(database.close() for database in databases))
            return outcomes

        with asyncio.Runner(loop_factory=loop_factory) as runner:
            assert runner.run(scenario()) == [None] * 5
        assert count_rows(url) == 5

    def test_writes_take_effect_once_after_all_idle_connections_were_closed(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await open_connections(database, 5)
            kill_while_frozen_for_a_second(url)
            await asyncio.gather(*(database.write(INSERT, number=number) for number in range(10)))

        run_scenario(Database(url, pool_size=5), scenario)
        assert count_rows(url) == 10

    def test_a_write_does_not_wait_long_for_connections_that_do_not_answer(self, server: Server) -> None:
        async def scenario(database: Database) -> float:
            await open_connections(database, 4)
            backends = await asyncio.to_thread(postgres.query, server.url(), SELECT_BACKENDS)
            # Suspended backends neither answer nor close, like connections whose state a firewall has dropped.
            with suspended([backend["pid"] for backend in backends]):
                await asyncio.sleep(1.01)
                started = time.monotonic()
                await database.write(ONE)
                return time.monotonic() - started

        assert run_scenario(Database(server.url()), scenario) < 5

    def test_a_write_is_not_repeated_when_its_connection_is_closed_during_it(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await open_connections(database, 1)
            writing = asyncio.create_task(database.write(INSERT_SLOWLY))
            await asyncio.sleep(0.1)
            await kill_while_running(url)
            with pytest.raises(DatabaseUnavailable):
                await writing

        started = time.monotonic()
        run_scenario(Database(url), scenario)
        assert time.monotonic() - started < 5  # a repeated INSERT_SLOWLY would take 20 s
        assert count_rows(url) == 0

    def test_the_write_after_a_failed_one_takes_effect(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await open_connections(database, 1)
            kill_while_frozen(url)
            with pytest.raises(DatabaseUnavailable):
                # Fails because a write does not check a connection that was used within the last second.
                await database.write(INSERT, number=1)
            await database.write(INSERT, number=2)

        run_scenario(Database(url), scenario)
        assert count_rows(url) == 1


class TestErrorsOfAStatement:
    @pytest.mark.parametrize("run", [Database.fetch_all, Database.fetch_one, Database.write])
    def test_an_sql_error_does_not_become_database_unavailable(
        self, url: str, run: Callable[..., Awaitable[object]]
    ) -> None:
        async def scenario(database: Database) -> None:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await run(database, DIVIDE, divisor=0)
            assert await fetch_value(database, ONE) == 1

        run_scenario(Database(url, pool_size=1), scenario)

    def test_a_violated_constraint_without_a_registered_error_is_raised_as_it_is(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await database.write(INSERT, number=1)
            with pytest.raises(asyncpg.UniqueViolationError):
                await database.write(INSERT, number=1)

        run_scenario(Database(url), scenario)

    def test_a_statement_that_the_server_cancels_becomes_database_unavailable(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await database.fetch_one(Statement("SELECT set_config('statement_timeout', '50ms', false)"))
            with pytest.raises(DatabaseUnavailable):
                await database.fetch_one(SLEEP, seconds=5.0)

        run_scenario(Database(url, pool_size=1), scenario)
