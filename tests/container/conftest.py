from collections.abc import Iterator

import pytest

from tests import engine
from tests.relay import relayed


@pytest.fixture(scope="session")
def settings(environment: dict[str, str], database_url: str) -> Iterator[dict[str, str]]:
    """Settings of the service in containers. Assistant turns may take 60 seconds, because they can be slow there."""
    with relayed(database_url, host=engine.HOST) as url:
        yield engine.settings_for_containers(environment, url) | {"ASSISTANT_SECONDS": "60"}
