from collections.abc import Iterator

import pytest

from tests import postgres


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """The URL of a new database for each test, because the outbox has the messages of all users."""
    with postgres.database(server_url) as url:
        yield url
