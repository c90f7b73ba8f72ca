import shutil
from collections.abc import Iterator

import pytest

from tests.browser.chromium import Chromium


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
    """A new profile, as the browser comes."""
    with Chromium.start(browser, driver) as chromium:
        yield chromium


@pytest.fixture
def strict_chromium(browser: str, driver: str) -> Iterator[Chromium]:
    """One that takes no cookies of third parties, as others do by default and this one does if asked."""
    with Chromium.start(browser, driver, "--test-third-party-cookie-phaseout") as chromium:
        yield chromium
