"""What tells a Database that is made by itself, without settings, of a pooler."""

import re

import pytest

from tests.postgres import Pooler


@pytest.fixture(scope="session")
def database_url(database_url: str, pooler: Pooler | None) -> str:
    """The settings know a pooler by its URL beside the direct one; here there is only the one."""
    separator = "&" if "?" in database_url else "?"
    return re.sub(r"(?=['\"\s]*$)", f"{separator}pgbouncer=true", database_url, count=1) if pooler else database_url
