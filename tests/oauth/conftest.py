"""Starts the service and Chromium, and a site that publishes the metadata of an app."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import engine, postgres
from tests.accounts import Account
from tests.certificates import self_signed
from tests.mail_server import MailServer
from tests.oauth.app import App, running
from tests.oauth.publishing import Published, publishing
from tests.page import sites, windows
from tests.page.sites import Site
from tests.page.windows import Window

SURFACES: Final = ("uvicorn", "emulator")
_CERTIFICATE: Final = "/run/certificate.pem"
_SETTINGS: Final = {
    # Only in development, metadata may come from this machine.
    "ENVIRONMENT": "development",
    "WEBHOOKS_ALLOW_PRIVATE": "true",
    "REGISTRATIONS_PER_ADDRESS": "100000",
    "LOGINS_PER_ADDRESS": "100000",
    "CORS_ORIGINS": "",
}


@dataclass(frozen=True)
class Service:
    """The running service, and a site that publishes the metadata of an app where the service can fetch it."""

    site: Site
    published: Published


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "service" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--surface") or SURFACES
        metafunc.parametrize("service", chosen, indirect=True, scope="session")


@pytest.fixture(scope="session")
def service(
    request: pytest.FixtureRequest,
    environment: dict[str, str],
    server_url: str,
    mails: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    host = engine.HOST if request.param == "container" else "localhost"
    certificate = self_signed(folder, host)
    with postgres.database(server_url) as database, publishing(host, certificate) as published:
        settings = {**environment, **_SETTINGS, "DATABASE_URL": database, "SSL_CERT_FILE": str(certificate.chain)}
        with _serve(request, settings, mails, folder) as site:
            yield Service(site, published)


def _serve(
    request: pytest.FixtureRequest, settings: dict[str, str], mails: MailServer, folder: Path
) -> AbstractContextManager[Site]:
    match request.param:
        case "container":
            mounted = f"--volume={settings['SSL_CERT_FILE']}:{_CERTIFICATE}:ro"
            own = settings | {"SSL_CERT_FILE": _CERTIFICATE}
            return sites.in_image(request.getfixturevalue("image"), own, mails, options=(mounted,))
        case "emulator":
            build, runtime = request.getfixturevalue("build"), request.getfixturevalue("runtime")
            return sites.on_functions(settings, mails, build, runtime)
        case _:
            return sites.in_process(settings, mails, folder)


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config, service: Service) -> Iterator[Browser]:
    # Playwright occupies the event loop of the thread, so the database of the service is made before.
    assert service.site.url
    with sync_playwright() as playwright, windows.chromium(playwright, pytestconfig.getoption("--browser")) as browser:
        yield browser


@pytest.fixture
def ada(service: Service) -> Iterator[Account]:
    with service.site.account() as account:
        yield account


@pytest.fixture
def window(chromium: Browser, service: Service) -> Iterator[Window]:
    """A window of a new profile: nobody is signed in."""
    with windows.window(chromium, service.site.url) as window:
        yield window


@pytest.fixture(params=["registered", "published"])
def app(request: pytest.FixtureRequest, service: Service) -> Iterator[App]:
    """An app that registers, and one whose id is the URL of its metadata."""
    published = service.published if request.param == "published" else None
    with running(f"{service.site.url}/mcp", published) as app:
        yield app
