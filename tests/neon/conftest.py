"""URLs of the pooler and of databases behind it."""

from collections.abc import Iterator

import pytest

from tests import postgres
from tests.postgres import Pooler


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks all tests of this folder as tests with a pooler."""
    item.add_marker("pooler")


@pytest.fixture(scope="session")
def given(pooler: Pooler | None) -> Pooler:
    assert pooler
    return pooler


@pytest.fixture
def empty(given: Pooler) -> Iterator[Pooler]:
    """A new database without tables."""
    with postgres.database(given.direct, migrated=False) as direct:
        yield Pooler(postgres.beside(given.pooled, postgres.name_of(direct)), direct)


@pytest.fixture(scope="session")
def both(database_url: str, direct_url: str) -> Pooler:
    """The pooled and the direct URL of the database of this run."""
    return Pooler(database_url, direct_url)
