"""The pool of database connections: limits, reuse and closing."""

import asyncio
import time
from collections.abc import Callable

import asyncpg
import pytest

from tests import postgres
from tests.core.database.scenarios import (
    DIVIDE,
    INSERT,
    ONE,
    SELECT_BACKENDS,
    SELECT_PID,
    SLEEP,
    count_connections,
    count_rows,
    fetch_value,
    kill_while_frozen,
    open_connections,
    run_scenario,
)
from tests.serving import wait_until
from todo_core.database.executor import Database
from todo_core.errors import DatabaseUnavailable

pytestmark = pytest.mark.pooler


class TestPool:
    def test_no_connection_is_opened_before_the_first_statement(self) -> None:
        Database("postgresql://nobody@nowhere.invalid/nothing")

    def test_concurrent_tasks_share_one_pool(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await asyncio.gather(*(fetch_value(database, SLEEP, seconds=0.02) for _ in range(12)))
            assert await count_connections(url) == 3

        run_scenario(Database(url, pool_size=3), scenario)

    def test_a_connection_is_reused(self, url: str) -> None:
        async def scenario(database: Database) -> set[object]:
            return {await fetch_value(database, SELECT_PID) for _ in range(5)}

        assert len(run_scenario(Database(url), scenario)) == 1

    def test_pool_use_counts_connections_in_use_and_idle(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            def count() -> tuple[int, int, int]:
                use = database.pool_use
                return use.size, use.in_use, use.idle

            assert count() == (3, 0, 0)
            async with database.transaction():
                assert count() == (3, 1, 0)
                await open_connections(database, 2)
                assert count() == (3, 1, 2)
            assert count() == (3, 0, 3)
            with pytest.raises(asyncpg.DivisionByZeroError):
                await fetch_value(database, DIVIDE, divisor=0)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(fetch_value(database, SLEEP, seconds=20.0), 0.1)
            assert count() == (3, 0, 2)

        run_scenario(Database(url, pool_size=3), scenario)

    def test_pool_use_counts_uses_their_time_and_waiting_tasks(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            tasks = [asyncio.create_task(fetch_value(database, SLEEP, seconds=0.2)) for _ in range(3)]
            await asyncio.sleep(0)
            assert (database.pool_use.in_use, database.pool_use.waiting) == (1, 2)
            await asyncio.gather(*tasks)
            assert (database.pool_use.waiting, database.pool_use.uses) == (0, 3)
            assert 0.6 <= database.pool_use.use_seconds < 10

        run_scenario(Database(url, pool_size=1), scenario)

    def test_a_statement_needs_no_other_round_trip(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await fetch_value(database, ONE)
            (last,) = await asyncio.to_thread(postgres.query, url, SELECT_BACKENDS)
            assert last["query"] == ONE.sql

        run_scenario(Database(url), scenario)

    def test_a_cancelled_statement_frees_its_place_in_the_pool(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(fetch_value(database, SLEEP, seconds=20.0), 0.1)
            assert await fetch_value(database, ONE) == 1

        started = time.monotonic()
        run_scenario(Database(url, pool_size=1), scenario)
        assert time.monotonic() - started < 3

    def test_a_cancelled_statement_ends_in_the_server_too(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await fetch_value(database, SLEEP, seconds=600)
            # Returns when the connections are closed.
            await database.close()
            await asyncio.to_thread(wait_until, lambda: not postgres.query(url, SELECT_BACKENDS))

        run_scenario(Database(url), scenario)

    def test_a_statement_fails_after_five_seconds_when_all_connections_are_in_use(self, url: str) -> None:
        async def scenario(database: Database) -> float:
            taken = asyncio.create_task(fetch_value(database, SLEEP, seconds=20.0))
            await asyncio.sleep(0.1)
            started = time.monotonic()
            with pytest.raises(DatabaseUnavailable):
                await database.write(INSERT, number=1)
            seconds = time.monotonic() - started
            taken.cancel()
            # Its connection is then being closed, and the end of the scenario waits for that.
            await asyncio.wait([taken])
            return seconds

        assert 4.5 < run_scenario(Database(url, pool_size=1), scenario) < 6
        assert count_rows(url) == 0

    def test_close_closes_all_connections(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await open_connections(database, 3)
            assert await count_connections(url) == 3
            await database.close()
            for _ in range(100):  # the server may list a closed connection for a moment
                if not await count_connections(url):
                    return
                await asyncio.sleep(0.01)
            pytest.fail("Connections are left.")

        run_scenario(Database(url), scenario)

    def test_close_ignores_connections_that_are_closed_already(
        self, url: str, loop_factory: Callable[[], asyncio.AbstractEventLoop]
    ) -> None:
        async def scenario(database: Database) -> None:
            await open_connections(database, 3)
            kill_while_frozen(url)
            await database.close()

        run_scenario(Database(url), scenario, loop_factory)

    def test_the_next_statement_after_close_opens_a_connection(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            for _ in range(2):
                assert await fetch_value(database, ONE) == 1
                await database.close()

        run_scenario(Database(url), scenario)

    def test_close_before_the_first_statement_does_nothing(self, url: str) -> None:
        asyncio.run(Database(url).close())

    def test_the_url_may_be_set_after_the_database_object_is_made(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            with pytest.raises(DatabaseUnavailable, match="DATABASE_URL must be set"):
                await database.fetch_one(ONE)
            database.connect_to(url)
            assert await fetch_value(database, ONE) == 1

        run_scenario(Database(None), scenario)
