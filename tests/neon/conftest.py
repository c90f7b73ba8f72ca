"""Fixtures with the URLs of a connection pooler and of databases behind this pooler."""

from collections.abc import Iterator

import pytest

from tests import postgres
from tests.postgres import Pooler


def pytest_itemcollected(item: pytest.Item) -> None:
    """Adds the marker `pooler` to all tests of this folder."""
    item.add_marker("pooler")


@pytest.fixture(scope="session")
def given(pooler: Pooler | None) -> Pooler:
    assert pooler
    return pooler


@pytest.fixture
def empty(given: Pooler) -> Iterator[Pooler]:
    """Pooled and direct URL of a new database without tables."""
    with postgres.database(given.direct, migrated=False) as direct:
        yield Pooler(postgres.beside(given.pooled, postgres.name_of(direct)), direct)


@pytest.fixture(scope="session")
def both(database_url: str, direct_url: str) -> Pooler:
    """Pooled and direct URL of the database that this test run uses."""
    return Pooler(database_url, direct_url)
