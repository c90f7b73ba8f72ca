"""The URL of the database for tests that make a Database without settings."""

import re

import pytest

from tests.postgres import Pooler


@pytest.fixture(scope="session")
def database_url(database_url: str, pooler: Pooler | None) -> str:
    """Marks the URL as that of a pooler, which settings would detect by the direct URL beside it."""
    separator = "&" if "?" in database_url else "?"
    return re.sub(r"(?=['\"\s]*$)", f"{separator}pgbouncer=true", database_url, count=1) if pooler else database_url
