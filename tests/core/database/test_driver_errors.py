"""Errors of the server that a client can only answer by trying again later: DatabaseUnavailable or RateLimited."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from tests import postgres
from tests.core.database.scenarios import INSERT, ONE, SELECT_PID, fetch_value, run_scenario
from tests.relay import Gate, relayed
from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.errors import DatabaseUnavailable, RateLimited

pytestmark = pytest.mark.pooler

type Run = Callable[[Database, Statement], Awaitable[object]]

SELECT_NUMBERS = Statement("SELECT * FROM numbers")
SET_IDLE_TIMEOUT = Statement("SELECT set_config('idle_in_transaction_session_timeout', '20ms', true)")
SET_TRANSACTION_TIMEOUT = Statement("SELECT set_config('transaction_timeout', '20ms', true)")
HAS_TRANSACTION_TIMEOUT = "SELECT FROM pg_settings WHERE name = 'transaction_timeout'"

STAYS = ["40001", "40P01", "53100", "53200", "53300", "53400", "57014", "58000", "58030", "58P01"]
CLOSES = ["08000", "08003", "08006", "08P01", "25006", "25P03", "25P04", "57P01", "57P02", "57P03", "57P04", "57P05"]


def failing(code: str) -> Statement:
    return Statement(f"DO $$ BEGIN RAISE 'failed' USING ERRCODE = '{code}'; END $$")


async def in_transaction(database: Database, statement: Statement) -> None:
    async with database.transaction() as transaction:
        await transaction.fetch_one(ONE)
        await transaction.write(statement)


async def outlast(database: Database, limit: Statement) -> None:
    """Writes in a transaction that stays open until the server ends it for its time limit."""
    async with database.transaction() as transaction:
        await transaction.write(INSERT, number=1)
        await transaction.fetch_one(limit)
        await asyncio.sleep(0.1)


async def stall(database: Database, gate: Gate) -> None:
    """Runs a transaction in which the network stalls."""
    async with database.transaction(timeout_seconds=0.2) as transaction:
        await transaction.write(INSERT, number=1)
        gate.is_open = False
        await transaction.fetch_one(ONE)


RUNS = [Database.fetch_all, Database.fetch_one, Database.write, in_transaction]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("code", STAYS + CLOSES)
class TestCodes:
    def test_the_database_is_unavailable(self, url: str, code: str, run: Run) -> None:
        async def scenario(database: Database) -> bool:
            before = await fetch_value(database, SELECT_PID)
            with pytest.raises(DatabaseUnavailable) as unavailable:
                await run(database, failing(code))
            assert unavailable.value.retry_after
            return before == await fetch_value(database, SELECT_PID)

        is_same_connection = run_scenario(Database(url, pool_size=1), scenario)
        assert is_same_connection == (code in STAYS)


class TestLocks:
    @pytest.mark.parametrize("run", RUNS)
    def test_a_lock_that_stays_taken_is_a_limit_of_the_user_and_no_outage(self, url: str, run: Run) -> None:
        async def scenario(database: Database) -> bool:
            before = await fetch_value(database, SELECT_PID)
            with pytest.raises(RateLimited) as limited:
                await run(database, failing("55P03"))
            assert limited.value.retry_after
            return before == await fetch_value(database, SELECT_PID)

        assert run_scenario(Database(url, pool_size=1), scenario)


class TestTransaction:
    @pytest.mark.parametrize("limit", [SET_IDLE_TIMEOUT, SET_TRANSACTION_TIMEOUT])
    def test_a_transaction_that_the_server_ends_is_unavailable(
        self, url: str, limit: Statement, loop_factory: Callable[[], asyncio.AbstractEventLoop]
    ) -> None:
        if limit is SET_TRANSACTION_TIMEOUT and not postgres.query(url, HAS_TRANSACTION_TIMEOUT):
            pytest.skip("PostgreSQL has this limit since version 17")

        async def scenario(database: Database) -> None:
            with pytest.raises(DatabaseUnavailable):
                await outlast(database, limit)
            assert await fetch_value(database, ONE) == 1

        run_scenario(Database(url, pool_size=1), scenario, loop_factory)
        assert postgres.query(url, SELECT_NUMBERS.sql) == []

    def test_a_timeout_in_a_stalled_network_is_not_followed_by_a_wait_for_the_rollback(self, url: str) -> None:
        gate = Gate()

        async def scenario(database: Database) -> float:
            await fetch_value(database, ONE)
            started = time.monotonic()
            with pytest.raises(DatabaseUnavailable):
                await stall(database, gate)
            seconds = time.monotonic() - started
            gate.is_open = True
            assert await fetch_value(database, ONE) == 1
            return seconds

        with relayed(url, host="127.0.0.1", gate=gate) as relay_url:
            # A wait for the ROLLBACK would take 15 s.
            assert run_scenario(Database(relay_url), scenario) < 5

    def test_a_statement_prepared_before_a_migration_is_unavailable_once(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await database.fetch_all(SELECT_NUMBERS)
            await asyncio.to_thread(postgres.run, url, "ALTER TABLE numbers ADD COLUMN added integer")
            with pytest.raises(DatabaseUnavailable):
                await in_transaction(database, SELECT_NUMBERS)
            await in_transaction(database, SELECT_NUMBERS)

        try:
            run_scenario(Database(url, pool_size=1), scenario)
        finally:
            postgres.run(url, "ALTER TABLE numbers DROP COLUMN added")

    def test_an_argument_of_a_wrong_type_is_not_hidden(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            for run in (database.fetch_one, database.write):
                with pytest.raises(asyncpg.DataError):
                    await run(INSERT, number="seven")

        run_scenario(Database(url), scenario)
