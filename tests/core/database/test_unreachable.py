"""PostgreSQL servers that cannot be reached or refuse connections."""

import asyncio
import time
import traceback
from urllib.parse import urlsplit

import pytest

from tests import postgres
from tests.core.database.scenarios import ONE, count_prepared, fetch_value, open_connections, run_scenario
from tests.postgres import Server
from todo_core.database.executor import Database
from todo_core.errors import DatabaseUnavailable

pytestmark = pytest.mark.pooler


def assert_unavailable(url: str) -> str:
    """Asserts that a read and a write raise DatabaseUnavailable. Returns both tracebacks, to search for passwords."""

    async def scenario(database: Database) -> str:
        text = ""
        for run in (database.fetch_one, database.write):
            with pytest.raises(DatabaseUnavailable) as unavailable:
                await run(ONE)
            assert unavailable.value.retry_after
            text += "".join(traceback.format_exception(unavailable.value))
        return text

    return run_scenario(Database(url), scenario)


class TestUnreachable:
    def test_a_port_where_nothing_listens_is_text_at_once(self) -> None:
        started = time.monotonic()
        text = assert_unavailable("postgresql://ada:c0ffee@127.0.0.1:1/todos")
        assert time.monotonic() - started < 1
        assert "c0ffee" not in text

    def test_a_restarted_server_is_used_again(self, server: Server) -> None:
        async def scenario(database: Database) -> None:
            await open_connections(database, 3)
            await asyncio.to_thread(server.stop)
            with pytest.raises(DatabaseUnavailable):
                await database.fetch_one(ONE)
            with pytest.raises(DatabaseUnavailable):
                await database.write(ONE)
            await asyncio.to_thread(server.start)
            assert await fetch_value(database, ONE) == 1
            assert await database.write(ONE)

        run_scenario(Database(server.url()), scenario)

    def test_a_wrong_password_is_not_in_the_error(self, server: Server) -> None:
        server.require_password("ada", "right")
        assert count_prepared(Database(server.url("ada", "right"))) > 0
        assert "c0ffee" not in assert_unavailable(server.url("ada", "c0ffee"))

    def test_a_missing_database_is_unavailable(self, server: Server) -> None:
        assert "c0ffee" not in assert_unavailable(server.url(password="c0ffee", database="missing"))

    @pytest.mark.parametrize(
        "refuse",
        [
            "ALTER DATABASE {database} CONNECTION LIMIT 0",
            "ALTER DATABASE {database} ALLOW_CONNECTIONS false",
            "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC",
        ],
    )
    def test_a_server_that_refuses_connections_is_unavailable(self, server: Server, refuse: str) -> None:
        with postgres.database(server.url(), migrated=False) as url:
            database = urlsplit(url).path.lstrip("/")
            postgres.run(server.url(), "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
            postgres.run(server.url(), refuse.format(database=database))
            assert_unavailable(server.url("guest", database=database))

    def test_a_server_with_an_internal_error_at_login_is_unavailable(self, server: Server) -> None:
        with postgres.database(server.url(), migrated=False) as url:
            postgres.run(
                url,
                # Neon's proxy reports the code XX000 when it fails to reach a compute node.
                """
                CREATE FUNCTION fail() RETURNS event_trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE 'Control plane request failed' USING ERRCODE = 'XX000'; END $$
                """,
                "CREATE EVENT TRIGGER fail ON login EXECUTE FUNCTION fail()",
            )
            assert_unavailable(url)
