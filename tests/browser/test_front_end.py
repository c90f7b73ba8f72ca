"""A front end in Chromium uses the API's session cookie, on the same site as the API and on another."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import postgres, serving
from tests.accounts import AUTH
from tests.browser.chromium import Chromium, FrontEnd
from tests.certificates import Certificate, self_signed
from tests.listening import QuietHandler, listening

PAGE = Path(__file__).with_name("page.html").read_bytes()
A_WEEK = 7 * 24 * 3600


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
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
            folder = str(tmp_path_factory.mktemp("service"))
            with serving.on_port(settings, folder=folder, certificate=certificate) as service:
                foreign_origin = foreign_page.replace("127.0.0.1", page_host)
                yield Deployment(origin, foreign_origin, service.url.replace("127.0.0.1", api_host))

    return deployment


@pytest.fixture(scope="module")
def localhost(deployments: Callable[..., AbstractContextManager[Deployment]]) -> Iterator[Deployment]:
    """Deployment as on a developer's machine: page and API on two ports of localhost, over plain HTTP."""
    with deployments("localhost", "localhost") as deployment:
        yield deployment


@pytest.fixture(scope="module")
def two_sites(deployments: Callable[..., Any], certificate: Certificate) -> Iterator[Deployment]:
    with deployments("app.one.test", "api.two.test", certificate) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def one_site(deployments: Callable[..., Any], certificate: Certificate) -> Iterator[Deployment]:
    """Deployment whose page and API are on two hosts of one registrable domain, over HTTPS."""
    with deployments("app.one.test", "api.one.test", certificate) as deployment:
        yield deployment


def session_of(chromium: Chromium) -> dict[str, Any]:
    """Returns the session cookie, and asserts that the browser has no other cookie."""
    (cookie,) = chromium.cookies()
    assert cookie["name"] == "session_token"
    return cookie


def use(front_end: FrontEnd) -> None:
    """Signs up, adds todos and chats through the front end. Asserts that the responses are right."""
    email = front_end.sign_up()
    me = front_end.me()
    assert me.json()["email"] == email
    assert me.request_id, "X-Request-ID must be exposed to scripts."
    assert front_end.add("Buy milk").status == 201
    assert front_end.say("add call mum #family").json()["response"] == "Added “call mum”, #family."
    assert {todo["title"] for todo in front_end.todos().json()} == {"Buy milk", "call mum"}


class TestAllDeployments:
    @pytest.fixture(params=["localhost", "one_site", "two_sites"])
    def deployment(self, request: pytest.FixtureRequest) -> Deployment:
        found: Deployment = request.getfixturevalue(request.param)
        return found

    def test_a_user_signs_in_works_and_signs_out(self, chromium: Chromium, deployment: Deployment) -> None:
        front_end = deployment.front_end(chromium)
        use(front_end)
        cookie = session_of(chromium)

        assert (cookie["domain"], cookie["path"], cookie["httpOnly"]) == (deployment.api_host, "/", True)
        assert (cookie["secure"], cookie["sameSite"]) == ((True, "None") if deployment.is_https else (False, "Lax"))
        assert abs(cookie["expires"] - time.time() - A_WEEK) < 600
        assert chromium.evaluate("document.cookie") == ""

        assert front_end.logout().status == 204
        assert chromium.cookies() == []
        assert front_end.me().status == 401
        assert deployment.rejects(cookie["value"])

    def test_a_reload_keeps_the_session(self, chromium: Chromium, deployment: Deployment) -> None:
        email = deployment.front_end(chromium).sign_up()

        assert deployment.front_end(chromium).me().json()["email"] == email

    def test_a_page_of_another_origin_is_blocked(self, chromium: Chromium, deployment: Deployment) -> None:
        front_end = deployment.front_end(chromium)
        email = front_end.sign_up()
        front_end.add("Buy milk")

        chromium.open(deployment.foreign_page)
        assert {response.status for response in (front_end.me(), front_end.todos(), front_end.logout())} == {0}
        assert any("blocked by CORS policy" in message for message in chromium.console_messages())

        assert deployment.front_end(chromium).me().json()["email"] == email


class TestBlockedThirdPartyCookies:
    def test_a_page_of_another_site_stays_signed_out(self, strict_chromium: Chromium, two_sites: Deployment) -> None:
        front_end = two_sites.front_end(strict_chromium)
        front_end.sign_up()

        assert strict_chromium.cookies() == []
        assert front_end.me().status == 401

    def test_a_page_of_the_same_site_works(self, strict_chromium: Chromium, one_site: Deployment) -> None:
        use(one_site.front_end(strict_chromium))

        assert session_of(strict_chromium)["domain"] == "api.one.test"


class TestDocs:
    def test_the_documentation_shows_all_operations_and_loads_no_external_files(
        self, chromium: Chromium, localhost: Deployment
    ) -> None:
        chromium.open(f"{localhost.api}/docs")
        serving.wait_until(lambda: chromium.evaluate("document.querySelectorAll('.opblock').length") > 15)

        fetched = chromium.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
        assert fetched
        assert [url for url in fetched if not url.startswith((localhost.api, "data:"))] == []
        assert chromium.console_messages() == []
