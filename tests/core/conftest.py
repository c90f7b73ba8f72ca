"""The database URL for tests that construct Database directly, without Settings."""

import re

import pytest

from tests.postgres import Pooler


@pytest.fixture(scope="session")
def database_url(database_url: str, pooler: Pooler | None) -> str:
    """URL of the test database, marked with `pgbouncer=true` if the run uses a pooler.

    Without the mark, Database may not detect the pooler. Settings detect it by comparing the URL with the direct URL.
    """
    separator = "&" if "?" in database_url else "?"
    return re.sub(r"(?=['\"\s]*$)", f"{separator}pgbouncer=true", database_url, count=1) if pooler else database_url
