import asyncio
from collections.abc import Iterator

import pytest

from tests import postgres
from tests.core.reminders.scenarios import Scenario
from todo_core.database.executor import Database


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """The URL of a new database for each test, because reminders of all users fire together."""
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture
def scenario(database_url: str) -> Iterator[Scenario]:
    with asyncio.Runner() as runner:
        scenario = Scenario(database_url, Database(database_url), runner)
        yield scenario
        runner.run(scenario.db.close())
