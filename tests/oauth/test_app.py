"""An app that knows the URL of `/mcp` only connects, refreshes and ends, with a person in Chromium."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp.shared.auth import OAuthToken
from playwright.sync_api import expect

from tests.accounts import PASSWORD, Account
from tests.oauth.app import App, Refused, add_bread, list_tools
from tests.oauth.conftest import Service
from tests.page.windows import Window
from tests.room import ROOM_SECONDS
from tests.surfaces.oauth import CONNECTIONS

REGISTER = ("POST", "/oauth/register", 201)
TOKEN = "/oauth/token"
EXCHANGE = ("POST", TOKEN, 200)
DISCOVERY = [
    ("POST", "/mcp", 401),
    ("GET", "/.well-known/oauth-protected-resource/mcp", 200),
    ("GET", "/.well-known/oauth-authorization-server", 200),
]


def open_consent(app: App, window: Window, account: Account) -> dict[str, list[str]]:
    """Opens the URL of the app and signs in. Returns the parameters of the app's request."""
    url = app.opened.get(timeout=ROOM_SECONDS)
    page = window.page
    page.goto(url)
    if page.get_by_label("Password").is_visible():
        page.get_by_label("Email").fill(account.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Connect Planner?")).to_be_visible()
    expect(page.get_by_text(account.email)).to_be_visible()
    return parse_qs(urlsplit(url).query)


def decide(app: App, window: Window, choice: str) -> None:
    """Presses a button of the consent page, and waits until the browser is at the app."""
    window.page.get_by_role("button", name=choice).click()
    expect(window.page.get_by_text("You can close this window.")).to_be_visible()
    to_app = f"Request to another host: {urlsplit(app.callback)._replace(path='').geturl()}/"
    window.problems[:] = [problem for problem in window.problems if not problem.startswith(to_app)]


def connect(app: App, window: Window, account: Account) -> list[str]:
    """Connects the app. Returns the names of the tools that it sees."""
    tools = app.start(list_tools)
    open_consent(app, window, account)
    decide(app, window, "Allow")
    return tools.result(timeout=ROOM_SECONDS)


def refresh(app: App) -> tuple[OAuthToken, OAuthToken]:
    """Lets the access token of the app end, and the app connect again. Returns its tokens before and after."""
    before = app.tokens
    app.restore(before)
    assert len(app.start(list_tools).result(timeout=ROOM_SECONDS)) > 10
    return before, app.tokens


def ask_for_refresh(app: App, token: str | None) -> httpx2.Response:
    return _post(app, TOKEN, grant_type="refresh_token", refresh_token=token)


def _post(app: App, path: str, **fields: str | None) -> httpx2.Response:
    assert app.memory.client
    url = urlsplit(app.url)._replace(path=path).geturl()
    return httpx2.post(url, data={"client_id": app.memory.client.client_id, **fields}, timeout=ROOM_SECONDS)


def call_with(app: App, token: str) -> int:
    """Returns the status of a call of `/mcp` with this access token."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    return httpx2.post(app.url, json=message, headers=headers, timeout=ROOM_SECONDS).status_code


def list_connections(account: Account) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.client.get(CONNECTIONS).raise_for_status().json()
    return found


class TestConnect:
    def test_the_url_is_enough(self, app: App, ada: Account, window: Window, service: Service) -> None:
        added = app.start(add_bread)
        asked = open_consent(app, window, ada)
        decide(app, window, "Allow")

        assert not added.result(timeout=ROOM_SECONDS).is_error
        assert ada.titles() == ["Bread"]
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["resource"] == [app.url]
        own = [] if app.published else [REGISTER]
        assert app.requests[: len(DISCOVERY + own) + 2] == [*DISCOVERY, *own, EXCHANGE, ("POST", "/mcp", 200)]
        assert app.memory.client
        assert (app.memory.client.client_id == service.published.url) == bool(app.published)
        assert [connection["client_name"] for connection in list_connections(ada)] == ["Planner"]

    def test_a_person_who_refuses_ends_it(self, app: App, ada: Account, window: Window, service: Service) -> None:
        tools = app.start(list_tools)
        asked = open_consent(app, window, ada)
        decide(app, window, "Refuse")

        refusal = find_refusal(tools.exception(timeout=ROOM_SECONDS))
        assert refusal.answer == {"error": "access_denied", "state": asked["state"][0], "iss": service.site.url}
        assert list_connections(ada) == []


class TestRefresh:
    def test_an_app_goes_on_without_the_person(self, app: App, ada: Account, window: Window) -> None:
        connect(app, window, ada)
        app.requests.clear()
        before, after = refresh(app)

        assert app.opened.empty()
        assert app.requests[:2] == [EXCHANGE, ("POST", "/mcp", 200)]
        assert before.access_token != after.access_token
        assert before.refresh_token != after.refresh_token

    def test_an_old_refresh_token_ends_the_connection_and_the_person_is_asked(
        self, app: App, ada: Account, window: Window
    ) -> None:
        connect(app, window, ada)
        before, after = refresh(app)
        assert call_with(app, after.access_token) == 200
        app.restore(before)
        tools = app.start(list_tools)
        open_consent(app, window, ada)

        assert ("POST", TOKEN, 400) in app.requests
        assert list_connections(ada) == []
        assert call_with(app, after.access_token) == 401
        assert ask_for_refresh(app, after.refresh_token).json()["error"] == "invalid_grant"
        decide(app, window, "Allow")
        assert "add_todos" in tools.result(timeout=ROOM_SECONDS)
        assert len(list_connections(ada)) == 1


class TestEnd:
    def test_the_app_revokes_its_tokens_at_the_endpoint_of_the_metadata(
        self, app: App, ada: Account, window: Window
    ) -> None:
        connect(app, window, ada)
        metadata, tokens = app.provider.context.oauth_metadata, app.tokens
        assert metadata
        assert call_with(app, tokens.access_token) == 200
        revoked = _post(app, urlsplit(str(metadata.revocation_endpoint)).path, token=tokens.refresh_token)

        assert revoked.status_code == 200
        assert call_with(app, tokens.access_token) == 401
        assert ask_for_refresh(app, tokens.refresh_token).json()["error"] == "invalid_grant"
        assert list_connections(ada) == []

    def test_the_person_ends_it_and_the_app_asks_again(self, app: App, ada: Account, window: Window) -> None:
        connect(app, window, ada)
        [connection] = list_connections(ada)
        ada.delete(f"{CONNECTIONS}/{connection['id']}")
        tools = app.start(list_tools)
        open_consent(app, window, ada)
        decide(app, window, "Refuse")

        assert find_refusal(tools.exception(timeout=ROOM_SECONDS)).answer["error"] == "access_denied"


def find_refusal(error: BaseException | None) -> Refused:
    """Returns the refusal, which task groups of the client wrap."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Refused), repr(error)
    return error


@pytest.fixture(autouse=True)
def _no_url_is_left(app: App) -> Any:
    yield
    assert app.opened.empty()
