"""A service with an allowed page and a foreign one, for tests in a browser."""

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx2

from tests.accounts import AUTH
from tests.browser.chromium import Chromium, FrontEnd
from tests.listening import QuietHandler

PAGE = Path(__file__).with_name("page.html").read_bytes()


class PageHandler(QuietHandler):
    """HTTP handler that serves page.html at every path."""

    def do_GET(self) -> None:  # noqa: N802 - the base class calls it by this name
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)


@dataclass(frozen=True)
class Deployment:
    """Origins of the API, of a page that CORS allows, and of a foreign page that CORS does not allow."""

    page: str
    foreign_page: str
    api: str

    @property
    def api_host(self) -> str:
        return str(httpx2.URL(self.api).host)

    @property
    def is_https(self) -> bool:
        return self.api.startswith("https://")

    def rejects(self, token: str) -> bool:
        """Returns True if the API answers 401 to the session token, sent without the browser as a bearer token."""
        url = self.api.replace(self.api_host, "127.0.0.1")
        response = httpx2.get(f"{url}{AUTH}/me", headers={"Authorization": f"Bearer {token}"}, verify=False)
        return response.status_code == HTTPStatus.UNAUTHORIZED

    def front_end(self, chromium: Chromium) -> FrontEnd:
        chromium.open(self.page)
        return FrontEnd(chromium, self.api)
