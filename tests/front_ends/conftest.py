"""Starts Chromium, the service and a server of another origin, and opens the example pages in both."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests import postgres
from tests.accounts import Account
from tests.front_ends.snippets import build_page, read_examples
from tests.listening import QuietHandler, listening
from tests.mail_server import MailServer
from tests.page import sites, windows
from tests.page.sites import Site
from tests.scripted_model import ScriptedModel

SURFACES = ("uvicorn", "emulator")
LIBRARIES = ("ai-sdk", "ag-ui")
ORIGINS = ("same", "other")
_REGISTRATIONS = {"REGISTRATIONS_PER_ADDRESS": "100000", "LOGINS_PER_ADDRESS": "100000"}
_PATH = "/chat-page"


class PageHandler(QuietHandler):
    """HTTP handler of a front end: serves one page at every path. Each example sets the page before it opens it."""

    page = ""

    def do_GET(self) -> None:  # noqa: N802 - the base class calls it by this name
        content = self.page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@dataclass
class FrontEnd:
    """Opens the example page of one library in new profiles of Chromium, all signed in to one account."""

    browser: Browser
    site: Site
    account: Account
    html: str
    other_origin: str | None
    stack: ExitStack

    def open(self, chat_id: str = "") -> Page:
        """Opens the page. Its problems fail the test: what a library warns about is not its protocol."""
        context = self.stack.enter_context(self.browser.new_context())
        context.set_default_timeout(15_000)
        self._sign_in(context)
        page = context.new_page()
        fragment = f"#{chat_id}" if chat_id else ""
        if self.other_origin:
            PageHandler.page = self.html
            page.goto(f"{self.other_origin}/{fragment}")
        else:
            page.route(f"{self.site.url}{_PATH}", lambda route: route.fulfill(content_type="text/html", body=self.html))
            page.goto(f"{self.site.url}{_PATH}{fragment}")
        return page

    def _sign_in(self, context: BrowserContext) -> None:
        cookie = {"name": "session_token", "value": self.account.token, "url": self.site.url}
        context.add_cookies([{**cookie, "httpOnly": True, "sameSite": "Lax"}])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = {"site": metafunc.config.getoption("--surface") or SURFACES, "library": LIBRARIES, "origin": ORIGINS}
    for name, values in chosen.items():
        if name in metafunc.fixturenames and not _has_mark(metafunc, name):
            metafunc.parametrize(name, values, indirect=name == "site", scope="session")


def _has_mark(metafunc: pytest.Metafunc, name: str) -> bool:
    """Returns whether the test chooses the values itself."""
    return any(mark.args[0] == name for mark in metafunc.definition.iter_markers("parametrize"))


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config, settings: dict[str, str]) -> Iterator[Browser]:
    # Playwright occupies the event loop of the thread, so the database is made before.
    assert settings
    with sync_playwright() as playwright, windows.chromium(playwright, pytestconfig.getoption("--browser")) as browser:
        yield browser


@pytest.fixture(scope="session")
def other_origin() -> Iterator[str]:
    with listening(PageHandler) as url:
        yield url.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="session")
def settings(environment: dict[str, str], server_url: str, other_origin: str) -> Iterator[dict[str, str]]:
    with postgres.database(server_url) as database:
        yield {**environment, **_REGISTRATIONS, "DATABASE_URL": database, "CORS_ORIGINS": other_origin}


@pytest.fixture(scope="session")
def process(settings: dict[str, str], mails: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with sites.in_process(settings, mails, tmp_path_factory.mktemp("service")) as site:
        yield site


@pytest.fixture(scope="session")
def functions(request: pytest.FixtureRequest, settings: dict[str, str], mails: MailServer) -> Iterator[Site]:
    build, runtime = request.getfixturevalue("build"), request.getfixturevalue("runtime")
    with sites.on_functions(settings, mails, build, runtime) as site:
        yield site


@pytest.fixture(scope="session")
def container(settings: dict[str, str], mails: MailServer, image: str) -> Iterator[Site]:
    with sites.in_image(image, settings, mails) as site:
        yield site


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Site:
    fixtures = {"uvicorn": "process", "emulator": "functions", "container": "container"}
    found: Site = request.getfixturevalue(fixtures[request.param])
    return found


@pytest.fixture
def streaming(site: Site) -> None:
    """Skips a test on a surface whose responses arrive whole."""
    if not site.streams:
        pytest.skip("On Lambda all events of a response arrive together at its end")


@pytest.fixture
def ada(site: Site) -> Iterator[Account]:
    with site.account() as account:
        yield account


@cache
def _build(library: str, url: str) -> str:
    (source,) = [example for example in read_examples("jsx", url) if library in example]
    return build_page(source)


@pytest.fixture
def front_end(  # noqa: PLR0913, PLR0917 - the fixtures that a front end consists of
    chromium: Browser, site: Site, ada: Account, library: str, origin: str, other_origin: str
) -> Iterator[FrontEnd]:
    other = other_origin if origin == "other" else None
    with ExitStack() as stack:
        yield FrontEnd(chromium, site, ada, _build(library, site.url), other, stack)


@pytest.fixture
def model(scripted: ScriptedModel) -> Iterator[ScriptedModel]:
    scripted.play()
    yield scripted
    assert scripted.unexpected == []
