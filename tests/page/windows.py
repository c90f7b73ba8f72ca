"""Windows of Chromium. Each records broken policies, errors, and requests to other hosts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

_OPTIONS: Final = (
    "--no-sandbox",  # Chromium does not start as root with its sandbox
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    # The browser reaches this machine only.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
_WAIT_MILLISECONDS: Final = 15_000
_TRIES: Final = 3
_REPORT_VIOLATIONS: Final = """
    addEventListener("securitypolicyviolation", (event) =>
        console.error(`Policy: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sample}`));
"""
# Chromium writes each response of 400 and above, and each request without a network, to the console.
_ABOUT_RESPONSES: Final = "Failed to load resource"


@dataclass
class Window:
    """A tab of a browser profile. `problems` lists those of all tabs of the profile."""

    page: Page
    context: BrowserContext
    origin: str
    problems: list[str] = field(default_factory=list)
    network_changes: int = 0

    def another_tab(self) -> "Window":
        """Opens a tab that shares cookies and storage with this one."""
        return Window(self.context.new_page(), self.context, self.origin, self.problems)

    def open(self, fragment: str = "") -> None:
        """Opens a view of the page by its fragment.

        Chromium ends the requests in flight when a network of the machine changes, for example by a container. Then
        the page is opened again.
        """
        for _ in range(_TRIES):
            before = self.network_changes
            self.page.goto(f"{self.origin}/{fragment}")
            if self.network_changes == before:
                return

    def evaluate(self, expression: str, argument: object = None) -> Any:
        return self.page.evaluate(expression, argument)

    def watch(self) -> None:
        """Begins to record problems."""
        self.context.on("console", self._note_message)
        self.context.on("weberror", lambda error: self.problems.append(f"Error: {error.error}"))
        self.context.on("request", self._note_request)
        self.context.on("response", self._note_response)
        self.context.on("requestfailed", self._note_failure)

    def _note_message(self, message: Any) -> None:
        if message.type in {"error", "warning"} and _ABOUT_RESPONSES not in message.text:
            self.problems.append(f"Console: {message.text}")

    def _note_request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin and parts.scheme not in {"data", "blob"}:
            self.problems.append(f"Request to another host: {request.url}")

    def _note_failure(self, request: Any) -> None:
        self.network_changes += "ERR_NETWORK_CHANGED" in str(request.failure)

    def _note_response(self, response: Any) -> None:
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.problems.append(f"{response.status} of {response.request.method} {response.url}")


type Open = Callable[..., Window]
"""Opens a window at an origin, with options of Playwright such as `viewport`."""


@contextmanager
def chromium(playwright: Playwright, path: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=path, args=list(_OPTIONS))
    expect.set_options(timeout=_WAIT_MILLISECONDS)
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def window(browser: Browser, origin: str, **options: object) -> Iterator[Window]:
    """Opens a tab in a new profile. Fails at the end if the page had problems that the test did not clear."""
    chosen = {"locale": "en-GB", "timezone_id": "Europe/Berlin", "viewport": {"width": 1280, "height": 800}, **options}
    context = browser.new_context(**chosen)
    context.set_default_timeout(_WAIT_MILLISECONDS)
    context.add_init_script(_REPORT_VIOLATIONS)
    opened = Window(context.new_page(), context, origin)
    opened.watch()
    try:
        yield opened
    finally:
        context.close()
    assert opened.problems == [], "\n".join(opened.problems)
