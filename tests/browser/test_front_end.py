"""A front end in Chromium uses the API's session cookie, on the same site as the API and on another."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import serving
from tests.browser.chromium import Chromium, FrontEnd
from tests.browser.deployments import Deployment
from tests.certificates import Certificate

A_WEEK = 7 * 24 * 3600


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
    """Returns the session cookie, and asserts that the browser has no other cookie but that of the device."""
    cookies = {cookie["name"]: cookie for cookie in chromium.cookies()}
    assert cookies.keys() == {"session_token", "device_token"}
    return cookies["session_token"]


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
        assert [cookie["name"] for cookie in chromium.cookies()] == ["device_token"]
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
