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
    """Browser with a new profile that allows third-party cookies."""
    with Chromium.start(browser, driver, third_party_cookies=True) as chromium:
        yield chromium


@pytest.fixture
def strict_chromium(browser: str, driver: str) -> Iterator[Chromium]:
    """Browser with a new profile that blocks third-party cookies, like private windows and Debian's Chromium."""
    with Chromium.start(browser, driver, third_party_cookies=False) as chromium:
        yield chromium
