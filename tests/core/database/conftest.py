"""Fixtures for tests of Database: a database with a table `numbers`, event loops, and a server to stop."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import uvloop

from tests import postgres
from tests.postgres import KILL_ALL, Server


@pytest.fixture(scope="module")
def numbers_database(server_url: str) -> Iterator[str]:
    with postgres.database(server_url, migrated=False) as url:
        postgres.run(url, "CREATE TABLE numbers (number integer UNIQUE)")
        yield url


@pytest.fixture
def url(numbers_database: str) -> str:
    """The URL of a database with an empty table `numbers`. Connections left by earlier tests are closed."""
    postgres.run(numbers_database, KILL_ALL, "TRUNCATE numbers CASCADE")
    return numbers_database


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop_factory(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    """Returns a function that creates an event loop: asyncio's, as on Lambda, and uvloop's, as with uvicorn."""
    factory: Callable[[], asyncio.AbstractEventLoop] = request.param
    return factory


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # Not pytest's tmp_path, because its path may be too long for a Unix socket.
    with TemporaryDirectory(prefix="todo-") as folder:
        server = Server(Path(folder))
        yield server
        server.stop()
