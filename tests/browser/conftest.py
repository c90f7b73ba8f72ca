import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests import postgres, serving
from tests.browser.chromium import Chromium
from tests.browser.deployments import Deployment, PageHandler
from tests.certificates import Certificate, self_signed
from tests.listening import listening


@pytest.fixture(scope="session")
def browser(pytestconfig: pytest.Config) -> str:
    return str(pytestconfig.getoption("--browser"))


@pytest.fixture(scope="session")
def driver() -> str:
    found = shutil.which("chromedriver")
    assert found, "chromedriver is not on PATH."
    return found


@pytest.fixture
def chromium(browser: str, driver: str) -> Iterator[Chromium]:
    """Browser with a new profile that allows third-party cookies."""
    with Chromium.start(browser, driver, third_party_cookies=True) as chromium:
        yield chromium


@pytest.fixture
def strict_chromium(browser: str, driver: str) -> Iterator[Chromium]:
    """Browser with a new profile that blocks third-party cookies, like private windows and Debian's Chromium."""
    with Chromium.start(browser, driver, third_party_cookies=False) as chromium:
        yield chromium


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def deployments(
    environment: dict[str, str], server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AbstractContextManager[Deployment]]:
    @contextmanager
    def deployment(page_host: str, api_host: str, certificate: Certificate | None = None) -> Iterator[Deployment]:
        """Serves the API and two pages, each on its own port. CORS_ORIGINS contains only the first page's origin."""
        with (
            postgres.database(server_url) as database,
            listening(PageHandler, certificate) as page,
            listening(PageHandler, certificate) as foreign_page,
        ):
            origin = page.replace("127.0.0.1", page_host)
            # Without an OpenAI key the built-in command model answers, which is sufficient for these tests.
            settings = environment | {"DATABASE_URL": database, "CORS_ORIGINS": origin, "OPENAI_API_KEY": ""}
            settings |= {"PUBLIC_URL": "", "FRONTEND_URL": "", "REGISTRATIONS_PER_ADDRESS": "1000"}
            folder = str(tmp_path_factory.mktemp("service"))
            with serving.on_port(settings, folder=folder, certificate=certificate) as service:
                foreign_origin = foreign_page.replace("127.0.0.1", page_host)
                yield Deployment(origin, foreign_origin, service.url.replace("127.0.0.1", api_host))

    return deployment


@pytest.fixture(scope="session")
def localhost(deployments: Callable[..., AbstractContextManager[Deployment]]) -> Iterator[Deployment]:
    """Deployment as on a developer's machine: page and API on two ports of localhost, over plain HTTP."""
    with deployments("localhost", "localhost") as deployment:
        yield deployment
