"""TLS verification of PostgreSQL servers, as the parameters of the URL require."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from functions.migrate.app import upgrade
from tests import postgres
from tests.core.database.tls_front import TlsFront, front, make_certificate
from todo_core.database.statements import Statement
from todo_core.errors import DatabaseUnavailable
from todo_core.settings import Settings

ONE = Statement("SELECT 1")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def other_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("other-certificate"))


@pytest.fixture
def server(server_url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TlsFront]:
    """A TLS server whose self-signed certificate this machine does not trust."""
    monkeypatch.setenv("HOME", str(tmp_path))  # hides ~/.postgresql/root.crt, which the driver would use
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with front(server_url, context) as running:
        yield running


@pytest.fixture
def trusted_server(server: TlsFront, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> TlsFront:
    """A TLS server whose certificate is trusted, because SSL_CERT_FILE contains its path."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return server


@pytest.fixture
def plain_server(server_url: str) -> Iterator[TlsFront]:
    """A server that refuses TLS."""
    with front(server_url, None) as running:
        yield running


def fetch_one(url: str) -> object:
    """Connects to the URL with the service's database code, and returns the result of SELECT 1."""
    return postgres.fetch_with_service(url, ONE)


def assert_refused(url: str, reason: str) -> None:
    with pytest.raises(DatabaseUnavailable) as refused:
        fetch_one(url)
    assert isinstance(refused.value.__cause__, ssl.SSLCertVerificationError)
    assert reason in str(refused.value.__cause__)


FULL_VERIFICATION = [
    {"channel_binding": "require", "sslmode": "require"},
    {"sslmode": "verify-full"},
    {"sslrootcert": "system"},
]


class TestConnection:
    """Connections of the service, which succeed or fail by the server's certificate and the URL's parameters."""

    @pytest.mark.parametrize("query", FULL_VERIFICATION, ids=urlencode)
    def test_a_trusted_certificate_is_accepted(self, trusted_server: TlsFront, query: dict[str, str]) -> None:
        assert fetch_one(trusted_server.url(**query)) == 1
        assert trusted_server.requested_names == ["localhost"]

    @pytest.mark.parametrize("query", FULL_VERIFICATION, ids=urlencode)
    def test_an_untrusted_certificate_is_refused(self, server: TlsFront, query: dict[str, str]) -> None:
        assert_refused(server.url(**query), "self-signed")
        assert server.connections == 0

    @pytest.mark.parametrize("query", FULL_VERIFICATION, ids=urlencode)
    def test_a_certificate_for_another_name_is_refused(self, trusted_server: TlsFront, query: dict[str, str]) -> None:
        assert_refused(trusted_server.url("127.0.0.1", **query), "mismatch")
        assert trusted_server.connections == 0

    @pytest.mark.parametrize(
        "verification", [{"channel_binding": "require"}, {"sslmode": "verify-full"}], ids=urlencode
    )
    def test_roots_in_the_url_are_used(self, server: TlsFront, certificate: Path, verification: dict[str, str]) -> None:
        assert fetch_one(server.url(**verification, sslrootcert=str(certificate))) == 1
        assert_refused(server.url("127.0.0.1", **verification, sslrootcert=str(certificate)), "mismatch")

    def test_roots_in_the_url_replace_the_system_roots(self, trusted_server: TlsFront, other_certificate: Path) -> None:
        assert_refused(trusted_server.url(channel_binding="require", sslrootcert=str(other_certificate)), "self-signed")

    def test_mode_require_encrypts_without_verification(self, server: TlsFront) -> None:
        assert fetch_one(server.url("127.0.0.1", sslmode="require")) == 1
        assert server.connections == 1

    def test_mode_require_with_named_roots_verifies_the_certificate(
        self, server: TlsFront, certificate: Path, other_certificate: Path
    ) -> None:
        assert fetch_one(server.url("127.0.0.1", sslmode="require", sslrootcert=str(certificate))) == 1
        assert_refused(server.url(sslmode="require", sslrootcert=str(other_certificate)), "self-signed")

    @pytest.mark.parametrize("query", [*FULL_VERIFICATION, {"sslmode": "require"}], ids=urlencode)
    def test_a_server_without_tls_is_refused(self, plain_server: TlsFront, query: dict[str, str]) -> None:
        with pytest.raises(DatabaseUnavailable):
            fetch_one(plain_server.url(**query))
        assert plain_server.connections == 0

    def test_migrations_verify_the_certificate_too(self, trusted_server: TlsFront) -> None:
        url = trusted_server.url("127.0.0.1", channel_binding="require")
        with pytest.raises(DatabaseUnavailable, match="mismatch"):
            upgrade(Settings(database={"url": url}))
        assert trusted_server.connections == 0

    @pytest.mark.parametrize(
        "query", [{"connect_timeout": "10"}, {"pgbouncer": "true", "pool_timeout": "15"}], ids=urlencode
    )
    def test_parameters_of_other_drivers_are_ignored(self, server: TlsFront, query: dict[str, str]) -> None:
        assert fetch_one(server.url(sslmode="require", **query)) == 1
