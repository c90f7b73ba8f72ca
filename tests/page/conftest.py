"""Starts Chromium and the service, and opens windows of new accounts."""

import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import postgres
from tests.accounts import Account
from tests.mail_server import MailServer
from tests.page import sites, windows
from tests.page.person import Person
from tests.page.sites import Site
from tests.page.windows import Open, Window

FIXTURES = {"uvicorn": "container", "container": "container", "emulator": "functions"}
PICTURES = Path(__file__).parents[2] / ".screenshots/failures"
_WINDOWS = pytest.StashKey[list[Window]]()
type Settings = dict[str, str]
_REGISTRATIONS = {"REGISTRATIONS_PER_ADDRESS": "100000", "LOGINS_PER_ADDRESS": "100000"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs each test that uses `site` on all surfaces. Tests of the browser alone use `container`.

    With --image, both run on the container image, and on no other surface unless it is named.
    """
    if "site" in metafunc.fixturenames:
        usual = ("container",) if metafunc.config.getoption("--image") else ("uvicorn", "emulator")
        metafunc.parametrize("site", metafunc.config.getoption("--surface") or usual, indirect=True, scope="session")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the figures that tests have recorded."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    figures = {str(name): value for report in reports for name, value in report.user_properties}
    if figures:
        terminalreporter.section("figures")
    for name, value in figures.items():
        terminalreporter.line(f"{name}: {value}")


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config, settings: dict[str, Settings]) -> Iterator[Browser]:
    # Playwright occupies the event loop of the thread, so the databases are made before.
    assert settings
    with sync_playwright() as playwright, windows.chromium(playwright, pytestconfig.getoption("--browser")) as browser:
        yield browser


@pytest.fixture(scope="session")
def settings(environment: dict[str, str], server_url: str) -> Iterator[dict[str, Settings]]:
    """Settings of each site, with a database of its own: another site would deliver its mails, with its own links."""
    with ExitStack() as stack:
        yield {
            name: {
                **environment,
                **_REGISTRATIONS,
                "DATABASE_URL": stack.enter_context(postgres.database(server_url)),
                "CORS_ORIGINS": "",
            }
            for name in set(FIXTURES.values())
        }


@pytest.fixture(scope="session")
def container(
    pytestconfig: pytest.Config,
    settings: dict[str, Settings],
    mails: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The service in a container of the image, or without --image the process that a container runs."""
    image: str | None = pytestconfig.getoption("--image")
    folder = tmp_path_factory.mktemp("service")
    own = settings["container"]
    with sites.in_image(image, own, mails) if image else sites.in_process(own, mails, folder) as site:
        yield site


@pytest.fixture(scope="session")
def functions(request: pytest.FixtureRequest, settings: dict[str, Settings], mails: MailServer) -> Iterator[Site]:
    build, runtime = request.getfixturevalue("build"), request.getfixturevalue("runtime")
    with sites.on_functions(settings["functions"], mails, build, runtime) as site:
        yield site


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(FIXTURES[request.param])
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Takes a picture of each window when a test fails."""
    report = yield
    if report.failed and report.when != "teardown" and _WINDOWS in item.stash:
        opened: list[Window] = item.stash[_WINDOWS]
        for number, window in enumerate(opened):
            path = PICTURES / f"{re.sub('[^A-Za-z0-9]+', '-', item.name)}-{number}.png"
            window.page.screenshot(path=path)
            report.sections.append(("Picture", str(path)))
    return report


@pytest.fixture
def open_window(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens windows that are closed, and checked, after the test."""
    opened: list[Window] = []
    request.node.stash[_WINDOWS] = opened
    with ExitStack() as stack:

        def open_window(origin: str, **options: object) -> Window:
            opened.append(stack.enter_context(windows.window(chromium, origin, **options)))
            return opened[-1]

        yield open_window


@pytest.fixture
def visitor(site: Site, open_window: Open) -> Person:
    """A person without an account, who has opened the page."""
    return Person.visiting(open_window(site.url))


@pytest.fixture
def account(site: Site) -> Iterator[Account]:
    with site.account(timezone="Europe/Berlin") as account:
        yield account


@pytest.fixture
def person(site: Site, account: Account, open_window: Open) -> Person:
    """A person who is signed in, and sees the list."""
    return Person.signed_in(open_window(site.url), account)
