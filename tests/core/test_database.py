"""What becomes of statements when connections die, on a server that really kills them."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from urllib.parse import urlencode, urlsplit

import asyncpg
import psutil
import pytest
import uvloop

from tests import postgres
from tests.postgres import KILL_ALL, Server
from todo_core.database.executor import Database
from todo_core.database.pool import PoolUse
from todo_core.database.statements import Statement
from todo_core.errors import DatabaseUnavailable
from todo_core.settings import Settings
from todo_core.web.resources import Resources

pytestmark = pytest.mark.pooler

type Scenario[Result] = Callable[[Database], Awaitable[Result]]

ONE = Statement("SELECT 1")
BACKEND = Statement("SELECT pg_backend_pid()")
SLEEP = Statement("SELECT pg_sleep(:seconds)")
LAND = Statement("INSERT INTO landings (number) VALUES (:number) RETURNING number")
LAND_SLOWLY = Statement(
    "WITH landed AS (INSERT INTO landings VALUES (1) RETURNING number) SELECT pg_sleep(20) FROM landed"
)
DIVIDE = Statement("SELECT 1 / CAST(:divisor AS int)")
NAMES = Statement("SELECT name FROM pg_prepared_statements")
FORGET = Statement("DEALLOCATE ALL")
PREPARED = Statement("SELECT count(*) FROM pg_prepared_statements")

BACKENDS = """
SELECT pid, query FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'todo-backend'
"""


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    with postgres.database(server_url, migrated=False) as url:
        postgres.run(url, "CREATE TABLE landings (number integer UNIQUE)")
        yield url


@pytest.fixture(autouse=True)
def _nothing_is_left_from_before(url: str) -> None:
    postgres.run(url, KILL_ALL, "TRUNCATE landings")


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop_factory(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    """Each loop that serves: Lambda's handlers run on asyncio's own, uvicorn on uvloop."""
    factory: Callable[[], asyncio.AbstractEventLoop] = request.param
    return factory


def use[Result](
    database: Database,
    scenario: Scenario[Result],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> Result:
    async def scene() -> Result:
        try:
            return await scenario(database)
        finally:
            await database.close()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(scene())


def landings(url: str) -> int:
    return len(postgres.query(url, "SELECT FROM landings"))


def kill_unnoticed(url: str) -> None:
    """Ends every connection of the service while its event loop stands still, like a process that is frozen."""
    killer = Thread(target=postgres.query, args=(url, KILL_ALL))
    killer.start()
    killer.join()


def freeze_and_kill(url: str) -> None:
    """The same, for longer than a connection is trusted without being checked."""
    kill_unnoticed(url)
    time.sleep(1.01)


async def kill_meanwhile(url: str) -> None:
    """Ends every connection of the service while its event loop goes on."""
    await asyncio.to_thread(postgres.query, url, KILL_ALL)


async def fill(database: Database, connections: int) -> None:
    """Opens this many connections."""
    await asyncio.gather(*(database.fetch_one(SLEEP, seconds=0.05) for _ in range(connections)))


async def connections(url: str) -> int:
    """How many connections the service holds."""
    return len(await asyncio.to_thread(postgres.query, url, BACKENDS))


async def value(database: Database, statement: Statement, **values: object) -> object:
    row = await database.fetch_one(statement, **values)
    assert row is not None
    return row[0]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # Not pytest's own folder, whose name may be too long for a socket.
    with TemporaryDirectory(prefix="todo-") as folder:
        server = Server(Path(folder))
        yield server
        server.stop()


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


class TestReading:
    def test_it_gives_the_rows(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            assert [row[0] for row in await database.fetch_all(ONE)] == [1]
            assert await value(database, ONE) == 1
            assert await database.fetch_one(Statement("SELECT FROM landings")) is None

        use(Database(url), scenario)

    def test_a_connection_that_died_is_not_the_readers_problem(
        self, url: str, loop_factory: Callable[[], asyncio.AbstractEventLoop]
    ) -> None:
        async def scenario(database: Database) -> None:
            await fill(database, 1)
            await kill_meanwhile(url)
            assert await value(database, ONE) == 1

        use(Database(url), scenario, loop_factory)

    # The loop learns of a death in two steps, the server's last words and the end of the stream.
    @pytest.mark.parametrize("turns", range(5))
    def test_nor_is_one_that_died_while_the_process_was_frozen(
        self, url: str, loop_factory: Callable[[], asyncio.AbstractEventLoop], turns: int
    ) -> None:
        async def scenario(database: Database) -> None:
            await fill(database, 1)
            kill_unnoticed(url)
            for _ in range(turns):
                await asyncio.sleep(0)
            assert await value(database, ONE) == 1

        use(Database(url), scenario, loop_factory)

    def test_all_connections_may_die_at_once(
        self, url: str, loop_factory: Callable[[], asyncio.AbstractEventLoop]
    ) -> None:
        async def scenario(database: Database) -> None:
            await fill(database, 5)
            assert await connections(url) == 5
            kill_unnoticed(url)
            assert await asyncio.gather(*(value(database, ONE) for _ in range(5))) == [1] * 5

        use(Database(url, pool_size=5), scenario, loop_factory)

    def test_it_is_repeated_when_its_connection_dies_midway(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            reading = asyncio.create_task(value(database, SLEEP, seconds=0.5))
            await asyncio.sleep(0.1)
            await kill_meanwhile(url)
            await reading

        use(Database(url), scenario)


class TestWriting:
    def test_it_gives_the_row_that_it_returns(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            row = await database.write(LAND, number=7)
            assert row is not None
            assert row["number"] == 7

        use(Database(url), scenario)
        assert landings(url) == 1

    def test_after_idling_on_a_connection_that_died_it_lands_once(
        self, url: str, loop_factory: Callable[[], asyncio.AbstractEventLoop]
    ) -> None:
        async def write_after(turns: int, database: Database) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            await database.write(LAND, number=turns)

        async def scene() -> list[None | BaseException]:
            databases = [Database(url) for _ in range(5)]
            await asyncio.gather(*(fill(database, 1) for database in databases))
            freeze_and_kill(url)
            writing = [write_after(turns, database) for turns, database in enumerate(databases)]
            outcomes = await asyncio.gather(*writing, return_exceptions=True)
            await asyncio.gather(*(database.close() for database in databases))
            return outcomes

        with asyncio.Runner(loop_factory=loop_factory) as runner:
            assert runner.run(scene()) == [None] * 5
        assert landings(url) == 5

    def test_after_idling_on_connections_that_all_died_each_lands_once(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await fill(database, 5)
            freeze_and_kill(url)
            await asyncio.gather(*(database.write(LAND, number=number) for number in range(10)))

        use(Database(url, pool_size=5), scenario)
        assert landings(url) == 10

    def test_connections_that_fell_silent_do_not_hold_it_up(self, server: Server) -> None:
        async def scenario(database: Database) -> float:
            await fill(database, 4)
            backends = await asyncio.to_thread(postgres.query, server.url(), BACKENDS)
            # They neither answer nor end, as when a firewall between has forgotten them.
            with suspended([backend["pid"] for backend in backends]):
                await asyncio.sleep(1.01)
                started = time.monotonic()
                await database.write(ONE)
                return time.monotonic() - started

        assert use(Database(server.url()), scenario) < 5

    def test_it_is_not_repeated_when_its_connection_dies_midway(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await fill(database, 1)
            writing = asyncio.create_task(database.write(LAND_SLOWLY))
            await asyncio.sleep(0.1)
            await kill_meanwhile(url)
            with pytest.raises(DatabaseUnavailable):
                await writing

        started = time.monotonic()
        use(Database(url), scenario)
        assert time.monotonic() - started < 5  # a second run would take 20
        assert landings(url) == 0

    def test_after_a_failure_the_next_one_lands(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await fill(database, 1)
            kill_unnoticed(url)
            with pytest.raises(DatabaseUnavailable):
                await database.write(LAND, number=1)  # a connection that answered just now is trusted
            await database.write(LAND, number=2)

        use(Database(url), scenario)
        assert landings(url) == 1


class TestErrorsOfAStatement:
    @pytest.mark.parametrize("run", [Database.fetch_all, Database.fetch_one, Database.write])
    def test_they_are_not_taken_for_an_unavailable_database(
        self, url: str, run: Callable[..., Awaitable[object]]
    ) -> None:
        async def scenario(database: Database) -> None:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await run(database, DIVIDE, divisor=0)
            assert await value(database, ONE) == 1

        use(Database(url, pool_size=1), scenario)

    def test_a_violated_constraint_is_told_as_such(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await database.write(LAND, number=1)
            with pytest.raises(asyncpg.UniqueViolationError):
                await database.write(LAND, number=1)

        use(Database(url), scenario)

    def test_a_statement_that_the_server_cancels_is_unavailability(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await database.fetch_one(Statement("SELECT set_config('statement_timeout', '50ms', false)"))
            with pytest.raises(DatabaseUnavailable):
                await database.fetch_one(SLEEP, seconds=5.0)

        use(Database(url, pool_size=1), scenario)


class TestPool:
    def test_nothing_is_opened_before_the_first_use(self) -> None:
        Database("postgresql://nobody@nowhere.invalid/nothing")

    def test_tasks_that_come_at_once_share_one_pool(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await asyncio.gather(*(value(database, SLEEP, seconds=0.02) for _ in range(12)))
            assert await connections(url) == 3

        use(Database(url, pool_size=3), scenario)

    def test_a_connection_is_used_again(self, url: str) -> None:
        async def scenario(database: Database) -> set[object]:
            return {await value(database, BACKEND) for _ in range(5)}

        assert len(use(Database(url), scenario)) == 1

    def test_it_tells_what_its_connections_do(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            assert database.pool_use == PoolUse(size=3, in_use=0, idle=0)
            async with database.transaction():
                assert database.pool_use == PoolUse(size=3, in_use=1, idle=0)
                await fill(database, 2)
                assert database.pool_use == PoolUse(size=3, in_use=1, idle=2)
            assert database.pool_use == PoolUse(size=3, in_use=0, idle=3)
            with pytest.raises(asyncpg.DivisionByZeroError):
                await value(database, DIVIDE, divisor=0)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(value(database, SLEEP, seconds=20.0), 0.1)
            assert database.pool_use == PoolUse(size=3, in_use=0, idle=2)

        use(Database(url, pool_size=3), scenario)

    def test_a_statement_costs_no_other_round_trip(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await value(database, ONE)
            (last,) = await asyncio.to_thread(postgres.query, url, BACKENDS)
            assert last["query"] == ONE.sql

        use(Database(url), scenario)

    def test_who_gives_up_gives_the_connection_back(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(value(database, SLEEP, seconds=20.0), 0.1)
            assert await value(database, ONE) == 1

        started = time.monotonic()
        use(Database(url, pool_size=1), scenario)
        assert time.monotonic() - started < 3

    def test_who_finds_every_connection_taken_is_told_in_time(self, url: str) -> None:
        async def scenario(database: Database) -> float:
            taken = asyncio.create_task(value(database, SLEEP, seconds=20.0))
            await asyncio.sleep(0.1)
            started = time.monotonic()
            with pytest.raises(DatabaseUnavailable):
                await database.write(LAND, number=1)
            taken.cancel()
            return time.monotonic() - started

        assert 4.5 < use(Database(url, pool_size=1), scenario) < 6
        assert landings(url) == 0

    def test_closing_leaves_no_connection(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await fill(database, 3)
            assert await connections(url) == 3
            await database.close()
            for _ in range(100):  # a backend takes a moment to go
                if not await connections(url):
                    return
                await asyncio.sleep(0.01)
            pytest.fail("Connections are left.")

        use(Database(url), scenario)

    def test_closing_does_not_mind_connections_that_died(
        self, url: str, loop_factory: Callable[[], asyncio.AbstractEventLoop]
    ) -> None:
        async def scenario(database: Database) -> None:
            await fill(database, 3)
            kill_unnoticed(url)
            await database.close()

        use(Database(url), scenario, loop_factory)

    def test_after_closing_the_next_use_opens_it_again(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            for _ in range(2):
                assert await value(database, ONE) == 1
                await database.close()

        use(Database(url), scenario)

    def test_closing_what_was_never_opened_does_nothing(self, url: str) -> None:
        asyncio.run(Database(url).close())

    def test_the_database_may_be_named_later(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            with pytest.raises(DatabaseUnavailable, match="DATABASE_URL must be set"):
                await database.fetch_one(ONE)
            database.connect_to(url)
            assert await value(database, ONE) == 1

        use(Database(None), scenario)


class TestPreparedStatements:
    def test_there_are_some_by_default(self, url: str) -> None:
        assert prepared(Database(url)) > 0

    def test_there_are_none_when_they_are_off(self, url: str) -> None:
        assert prepared(Database(url, prepared_statements=False)) == 0

    def test_there_are_none_by_default_behind_a_pooler(self, server: Server) -> None:
        assert prepared(Database(pooler(server))) == 0

    def test_there_are_some_behind_a_pooler_that_carries_them(self, server: Server) -> None:
        assert prepared(Database(pooler(server), prepared_statements=True)) > 0

    def test_there_are_none_where_the_settings_tell_of_a_pooler(self, server: Server) -> None:
        settings = Settings(database={"url": alias(server, "a"), "url_unpooled": server.url()})
        assert prepared(Resources.of(settings).database) == 0

    def test_no_two_processes_give_the_same_name(self, url: str) -> None:
        with ProcessPoolExecutor(1, get_context("spawn")) as one, ProcessPoolExecutor(1, get_context("spawn")) as other:
            names = [process.submit(statement_names, url) for process in (one, other)]
            assert names[0].result()
            assert not names[0].result() & names[1].result()


class TestLostPreparedStatements:
    """What a pooler does that hands a connection on to others."""

    def test_a_read_does_without_from_then_on(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await value(database, ONE)
            await database.fetch_all(FORGET)
            assert await value(database, ONE) == 1
            assert await value(database, PREPARED) == 0

        use(Database(url), scenario)

    def test_a_write_lands_once(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await database.write(LAND, number=1)
            await database.fetch_all(FORGET)
            await database.write(LAND, number=2)

        use(Database(url), scenario)
        assert landings(url) == 2

    def test_a_transaction_may_be_tried_again(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await database.write(LAND, number=1)
            await database.fetch_all(FORGET)
            with pytest.raises(DatabaseUnavailable):
                async with database.transaction() as transaction:
                    await transaction.write(LAND, number=2)
            async with database.transaction() as transaction:
                await transaction.write(LAND, number=2)

        use(Database(url), scenario)
        assert landings(url) == 2

    def test_connections_that_were_in_use_are_not_used_again(self, url: str) -> None:
        async def scenario(database: Database) -> None:
            await fill(database, 3)
            meanwhile = [asyncio.create_task(value(database, SLEEP, seconds=0.5)) for _ in range(2)]
            await asyncio.sleep(0.1)
            await value(database, ONE)
            await database.fetch_all(FORGET)
            await value(database, ONE)
            await asyncio.gather(*meanwhile)
            await fill(database, 3)
            assert await asyncio.gather(*(value(database, PREPARED) for _ in range(3))) == [0] * 3
            assert await connections(url) == 3

        use(Database(url, pool_size=3), scenario)


def statement_names(url: str) -> set[str]:
    """What a process that has run two statements calls them."""

    async def scenario(database: Database) -> set[str]:
        await value(database, ONE)
        return {row["name"] for row in await database.fetch_all(NAMES)}

    return use(Database(url), scenario)


def pooler(server: Server) -> str:
    """The URL of the server under a host's name that ends as a pooler's does."""
    return alias(server, "ep-pooler")


def alias(server: Server, name: str) -> str:
    """The URL of the server under another host's name."""
    folder = server.folder.with_name(name)
    if not folder.exists():
        folder.symlink_to(server.socket_folder)
    return f"postgresql://postgres@/postgres?{urlencode({'host': folder})}"


def prepared(database: Database) -> int:
    """How many prepared statements the connection holds after two statements."""

    async def scenario(database: Database) -> int:
        await value(database, ONE)
        await value(database, DIVIDE, divisor=1)
        count = await value(database, PREPARED)
        assert isinstance(count, int)
        return count

    return use(database, scenario)


def assert_unavailable(url: str) -> str:
    """Asserts that both reading and writing tell so, and gives all that they tell."""

    async def scenario(database: Database) -> str:
        told = ""
        for run in (database.fetch_one, database.write):
            with pytest.raises(DatabaseUnavailable) as unavailable:
                await run(ONE)
            assert unavailable.value.retry_after
            told += "".join(traceback.format_exception(unavailable.value))
        return told

    return use(Database(url), scenario)


class TestUnreachable:
    def test_a_port_where_nothing_listens_is_told_at_once(self) -> None:
        started = time.monotonic()
        told = assert_unavailable("postgresql://ada:c0ffee@127.0.0.1:1/todos")
        assert time.monotonic() - started < 1
        assert "c0ffee" not in told

    def test_a_server_that_comes_back_is_used_again(self, server: Server) -> None:
        async def scenario(database: Database) -> None:
            await fill(database, 3)
            await asyncio.to_thread(server.stop)
            with pytest.raises(DatabaseUnavailable):
                await database.fetch_one(ONE)
            with pytest.raises(DatabaseUnavailable):
                await database.write(ONE)
            await asyncio.to_thread(server.start)
            assert await value(database, ONE) == 1
            assert await database.write(ONE)

        use(Database(server.url()), scenario)

    def test_a_wrong_password_is_not_repeated(self, server: Server) -> None:
        server.require_password("ada", "right")
        assert prepared(Database(server.url("ada", "right"))) > 0
        assert "c0ffee" not in assert_unavailable(server.url("ada", "c0ffee"))

    def test_a_database_that_does_not_exist(self, server: Server) -> None:
        assert "c0ffee" not in assert_unavailable(server.url(password="c0ffee", database="missing"))

    @pytest.mark.parametrize(
        "refuse",
        [
            "ALTER DATABASE {database} CONNECTION LIMIT 0",
            "ALTER DATABASE {database} ALLOW_CONNECTIONS false",
            "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC",
        ],
    )
    def test_a_server_that_lets_nobody_in(self, server: Server, refuse: str) -> None:
        with postgres.database(server.url(), migrated=False) as url:
            database = urlsplit(url).path.lstrip("/")
            postgres.run(server.url(), "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
            postgres.run(server.url(), refuse.format(database=database))
            assert_unavailable(server.url("guest", database=database))

    def test_a_server_whose_own_resources_fail_while_it_lets_somebody_in(self, server: Server) -> None:
        with postgres.database(server.url(), migrated=False) as url:
            postgres.run(
                url,
                # Neon's proxy tells every failure to reach a compute node with this code.
                """
                CREATE FUNCTION fail() RETURNS event_trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE 'Control plane request failed' USING ERRCODE = 'XX000'; END $$
                """,
                "CREATE EVENT TRIGGER fail ON login EXECUTE FUNCTION fail()",
            )
            assert_unavailable(url)
