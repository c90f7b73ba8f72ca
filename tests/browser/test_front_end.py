"""A front end in a real browser: what of the cookie the browser keeps, sends and forgets."""

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
    """The test page, at every path."""

    def do_GET(self) -> None:  # noqa: N802 - the name in the base class
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)


@dataclass(frozen=True)
class Place:
    """Where a page and the API are, by the names that the browser knows."""

    page: str
    foreign_page: str
    api: str

    @property
    def api_host(self) -> str:
        return str(httpx2.URL(self.api).host)

    @property
    def is_https(self) -> bool:
        return self.api.startswith("https://")

    def refuses(self, token: str) -> bool:
        """Whether the API, asked past the browser, takes the session for ended."""
        url = self.api.replace(self.api_host, "127.0.0.1")
        answered = httpx2.get(f"{url}{AUTH}/me", headers={"Authorization": f"Bearer {token}"}, verify=False)
        return answered.status_code == HTTPStatus.UNAUTHORIZED

    def front_end(self, chromium: Chromium) -> FrontEnd:
        chromium.open(self.page)
        return FrontEnd(chromium, self.api)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def places(
    environment: dict[str, str], server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AbstractContextManager[Place]]:
    @contextmanager
    def place(page_host: str, api_host: str, certificate: Certificate | None = None) -> Iterator[Place]:
        """The API and the page, each on a port of its own, and a page whose origin the API does not know."""
        with (
            postgres.database(server_url) as database,
            listening(PageHandler, certificate) as page,
            listening(PageHandler, certificate) as foreign_page,
        ):
            origin = page.replace("127.0.0.1", page_host)
            # Without a key of a language model: the built-in commands understand enough.
            settings = environment | {"DATABASE_URL": database, "CORS_ORIGINS": origin, "OPENAI_API_KEY": ""}
            folder = str(tmp_path_factory.mktemp("service"))
            with serving.on_port(settings, folder=folder, certificate=certificate) as service:
                foreign_origin = foreign_page.replace("127.0.0.1", page_host)
                yield Place(origin, foreign_origin, service.url.replace("127.0.0.1", api_host))

    return place


@pytest.fixture(scope="module")
def localhost(places: Callable[..., AbstractContextManager[Place]]) -> Iterator[Place]:
    """A developer's machine: two ports, plain HTTP."""
    with places("localhost", "localhost") as place:
        yield place


@pytest.fixture(scope="module")
def two_sites(places: Callable[..., Any], certificate: Certificate) -> Iterator[Place]:
    with places("app.one.test", "api.two.test", certificate) as place:
        yield place


@pytest.fixture(scope="module")
def one_site(places: Callable[..., Any], certificate: Certificate) -> Iterator[Place]:
    """Two hosts of one registrable domain."""
    with places("app.one.test", "api.one.test", certificate) as place:
        yield place


def session_of(chromium: Chromium) -> dict[str, Any]:
    """The session's cookie in the browser's store, which holds no other."""
    (cookie,) = chromium.cookies()
    assert cookie["name"] == "session_token"
    return cookie


def use(front_end: FrontEnd) -> None:
    """Everything that a user does between login and logout."""
    email = front_end.sign_up()
    me = front_end.me()
    assert me.json()["email"] == email
    assert me.request_id, "The header is exposed to scripts."
    assert front_end.add("Buy milk").status == 201
    assert front_end.say("add call mum #family").json()["response"] == "Added “call mum”, #family."
    assert {todo["title"] for todo in front_end.todos().json()} == {"Buy milk", "call mum"}


class TestWhereverTheyAre:
    @pytest.fixture(params=["localhost", "one_site", "two_sites"])
    def place(self, request: pytest.FixtureRequest) -> Place:
        found: Place = request.getfixturevalue(request.param)
        return found

    def test_a_user_signs_in_works_and_signs_out(self, chromium: Chromium, place: Place) -> None:
        front_end = place.front_end(chromium)
        use(front_end)
        cookie = session_of(chromium)

        assert (cookie["domain"], cookie["path"], cookie["httpOnly"]) == (place.api_host, "/", True)
        assert (cookie["secure"], cookie["sameSite"]) == ((True, "None") if place.is_https else (False, "Lax"))
        assert abs(cookie["expires"] - time.time() - A_WEEK) < 600
        assert chromium.evaluate("document.cookie") == ""

        assert front_end.logout().status == 204
        assert chromium.cookies() == []
        assert front_end.me().status == 401
        assert place.refuses(cookie["value"])

    def test_the_session_outlives_the_page(self, chromium: Chromium, place: Place) -> None:
        email = place.front_end(chromium).sign_up()

        assert place.front_end(chromium).me().json()["email"] == email

    def test_a_page_of_another_origin_gets_nowhere(self, chromium: Chromium, place: Place) -> None:
        front_end = place.front_end(chromium)
        email = front_end.sign_up()
        front_end.add("Buy milk")

        chromium.open(place.foreign_page)
        assert {answer.status for answer in (front_end.me(), front_end.todos(), front_end.logout())} == {0}
        assert any("blocked by CORS policy" in complaint for complaint in chromium.complaints())

        assert place.front_end(chromium).me().json()["email"] == email


class TestWithoutCookiesOfThirdParties:
    def test_a_page_of_another_site_stays_signed_out(self, strict_chromium: Chromium, two_sites: Place) -> None:
        front_end = two_sites.front_end(strict_chromium)
        front_end.sign_up()

        assert strict_chromium.cookies() == []
        assert front_end.me().status == 401

    def test_a_page_of_the_same_site_works(self, strict_chromium: Chromium, one_site: Place) -> None:
        use(one_site.front_end(strict_chromium))

        assert session_of(strict_chromium)["domain"] == "api.one.test"


class TestDocs:
    def test_they_show_every_call_and_fetch_nothing_from_elsewhere(self, chromium: Chromium, localhost: Place) -> None:
        chromium.open(f"{localhost.api}/docs")
        serving.wait_until(lambda: chromium.evaluate("document.querySelectorAll('.opblock').length") > 15)

        fetched = chromium.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
        assert fetched
        assert [url for url in fetched if not url.startswith((localhost.api, "data:"))] == []
        assert chromium.complaints() == []
