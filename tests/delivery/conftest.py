from collections.abc import Iterator

import pytest

from tests.certificates import Certificate, self_signed
from tests.mail_server import MailServer, mail_server
from todo_delivery.mail import smtp


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("mail"))


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Certificate]:
    """The certificate of the mail server, which this process trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.chain))
    smtp._load_certificates.cache_clear()  # noqa: SLF001
    yield certificate
    smtp._load_certificates.cache_clear()  # noqa: SLF001


@pytest.fixture
def plain() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server
