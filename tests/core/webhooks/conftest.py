from collections.abc import Iterator

import pytest

from tests import postgres


@pytest.fixture(scope="module")
def _own_database(server_url: str) -> Iterator[str]:
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture
def database_url(_own_database: str) -> str:
    """The URL of a database without users, because a delivery takes the webhooks of all users."""
    postgres.query(_own_database, "DELETE FROM users")
    postgres.query(_own_database, "DELETE FROM outbox")
    return _own_database
