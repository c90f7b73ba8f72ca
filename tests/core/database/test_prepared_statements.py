"""Use of prepared statements on direct connections and behind a pooler, which may lose them."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from urllib.parse import urlencode

import pytest

from tests.core.database.scenarios import (
    COUNT_PREPARED,
    DEALLOCATE,
    INSERT,
    ONE,
    SELECT_NAMES,
    SLEEP,
    count_connections,
    count_prepared,
    count_rows,
    fetch_value,
    open_connections,
    run_scenario,
)
from tests.postgres import Server
from todo_core.database.executor import Database
from todo_core.errors import DatabaseUnavailable
from todo_core.settings import Settings
from todo_core.web.resources import Resources

pytestmark = pytest.mark.pooler


class TestPreparedStatements:
    def test_statements_are_prepared_by_default(self, url: str) -> None:
        assert count_prepared(Database(url)) > 0

    def test_no_statement_is_prepared_when_the_setting_is_off(self, url: str) -> None:
        assert count_prepared(Database(url, prepared_statements=False)) == 0

    def test_no_statement_is_prepared_by_default_behind_a_pooler(self, server: Server) -> None:
        assert count_prepared(Database(pooler_url(server))) == 0

    def test_statements_are_prepared_behind_a_pooler_when_the_setting_is_on(self, server: Server) -> None:
        assert count_prepared(Database(pooler_url(server), prepared_statements=True)) > 0

    def test_no_statement_is_prepared_when_the_direct_url_has_another_server(self, server: Server) -> None:
        settings = Settings(database={"url": alias_url(server, "a"), "url_unpooled": server.url()})
        assert count_prepared(Resources.of(settings).database) == 0

    def test_two_processes_use_different_names(self, url: str) -> None:
        with ProcessPoolExecutor(1, get_context("spawn")) as one, ProcessPoolExecutor(1, get_context("spawn")) as other:
            names = [process.submit(statement_names, url) for process in (one, other)]
            assert names[0].result()
            assert not names[0].result() & names[1].result()


class TestLostPreparedStatements:
    """Statements that are no longer prepared on the server connection, because a pooler switched connections.

    The tests simulate the loss with DEALLOCATE ALL.
    """

    def test_a_read_succeeds_and_the_process_stops_preparing(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await fetch_value(database, ONE)
            await database.fetch_all(DEALLOCATE)
            assert await fetch_value(database, ONE) == 1
            assert await fetch_value(database, COUNT_PREPARED) == 0

        run_scenario(Database(url), scenario)

    def test_a_write_takes_effect_once(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await database.write(INSERT, number=1)
            await database.fetch_all(DEALLOCATE)
            await database.write(INSERT, number=2)

        run_scenario(Database(url), scenario)
        assert count_rows(url) == 2

    def test_a_transaction_fails_and_succeeds_when_repeated(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await database.write(INSERT, number=1)
            await database.fetch_all(DEALLOCATE)
            with pytest.raises(DatabaseUnavailable):
                async with database.transaction() as transaction:
                    await transaction.write(INSERT, number=2)
            async with database.transaction() as transaction:
                await transaction.write(INSERT, number=2)

        run_scenario(Database(url), scenario)
        assert count_rows(url) == 2

    def test_connections_in_use_meanwhile_are_not_reused(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await open_connections(database, 3)
            sleeping = [asyncio.create_task(fetch_value(database, SLEEP, seconds=0.5)) for _ in range(2)]
            await asyncio.sleep(0.1)
            await fetch_value(database, ONE)
            await database.fetch_all(DEALLOCATE)
            await fetch_value(database, ONE)
            await asyncio.gather(*sleeping)
            await open_connections(database, 3)
            assert await asyncio.gather(*(fetch_value(database, COUNT_PREPARED) for _ in range(3))) == [0] * 3
            assert await count_connections(url) == 3

        run_scenario(Database(url, pool_size=3), scenario)


def statement_names(url: str) -> set[str]:
    """Runs two statements on a new connection, and returns the names under which they are prepared."""

    async def scenario(database: Database) -> set[str]:
        await fetch_value(database, ONE)
        return {row["name"] for row in await database.fetch_all(SELECT_NAMES)}

    return run_scenario(Database(url), scenario)


def pooler_url(server: Server) -> str:
    """Returns the server's URL with a host name ending in `-pooler`, so the service assumes a pooler."""
    return alias_url(server, "ep-pooler")


def alias_url(server: Server, name: str) -> str:
    """Returns the server's URL with another host name: a symbolic link to the folder of the server's socket."""
    folder = server.folder.with_name(name)
    if not folder.exists():
        folder.symlink_to(server.socket_folder)
    return f"postgresql://postgres@/postgres?{urlencode({'host': folder})}"
