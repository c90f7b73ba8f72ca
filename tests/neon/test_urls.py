"""Database URLs in the forms that users paste lead to the real server, with the TLS checks that they require."""

import re
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests import postgres
from tests.core.database.tls_front import make_certificate
from tests.postgres import Pooler
from todo_core.database import postgres_url
from todo_core.database.statements import Statement
from todo_core.errors import DatabaseUnavailable

DATABASE = Statement("SELECT current_database()")


def jdbc(url: str) -> str:
    parts = urlsplit(url)
    query = {"user": parts.username, "password": parts.password, **dict(parse_qsl(parts.query))}
    address = f"{parts.hostname}:{parts.port or 5432}{parts.path}"
    # The user and password of a URL are percent-encoded already, so they are not encoded again.
    return f"jdbc:postgresql://{address}?{urlencode(query, quote_via=lambda part, *_: part)}"


FORMS: list[Callable[[str], str]] = [
    lambda url: url,
    lambda url: f"psql '{url}'",
    lambda url: f'DATABASE_URL="{url}"',
    lambda url: f"{url}&connect_timeout=10",
    lambda url: f"{url}&pgbouncer=true&connection_limit=1",
    lambda url: url.replace("postgresql://", "postgres://"),
    lambda url: url.replace("postgresql://", "postgresql+asyncpg://"),
    jdbc,
]


def plain(url: str) -> str:
    """Returns the URL in a pasted text, with the scheme `postgresql` and with a query."""
    found = re.search(r"postgres\w*(\+\w+)?://[^'\"\s]+", url)
    assert found
    bare = re.sub(r"^postgres\w*(\+\w+)?://", "postgresql://", found[0])
    return bare if "?" in bare else f"{bare}?sslmode=require"


def with_query(url: str, **query: str) -> str:
    """Returns the URL with its query replaced by these parameters."""
    return urlsplit(plain(url))._replace(query=urlencode(query)).geturl()


def fetch_name(url: str) -> object:
    """Connects to a URL with the service's database code and returns the name of the database."""
    return postgres.fetch_with_service(url, DATABASE)


@pytest.fixture(params=["pooled", "direct"])
def url(request: pytest.FixtureRequest, both: Pooler) -> str:
    way: str = getattr(both, request.param)
    return way


@pytest.mark.parametrize("form", FORMS)
def test_every_form_leads_to_the_database(url: str, form: Callable[[str], str]) -> None:
    assert fetch_name(form(plain(url))) == urlsplit(plain(url)).path.lstrip("/")


def test_the_pasted_urls_lead_to_the_same_database(given: Pooler) -> None:
    assert fetch_name(given.pooled) == fetch_name(given.direct)


@pytest.mark.parametrize("verification", [{"sslmode": "verify-full"}, {"channel_binding": "require"}], ids=urlencode)
def test_a_certificate_of_another_authority_is_refused(url: str, verification: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable) as refused:
        fetch_name(with_query(url, **verification, sslrootcert=str(make_certificate(tmp_path))))
    assert isinstance(refused.value.__cause__, ssl.SSLCertVerificationError)


def test_the_pasted_urls_ask_for_tls(given: Pooler) -> None:
    for url in (given.pooled, given.direct):
        query = dict(parse_qsl(urlsplit(postgres_url.parse(url).dsn).query))
        assert query["sslmode"] in {"require", "verify-ca", "verify-full"}
