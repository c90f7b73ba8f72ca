"""The headers that keep browsers and caches from doing harm, on every response."""

import httpx2
import pytest

from tests.accounts import AUTH, TODOS, Account, new_email, register, sign_in
from tests.conftest import FRONT_END
from tests.serving import Surface

EVERYWHERE = [
    ("GET", "/health"),
    ("GET", "/health/ready"),
    ("GET", "/docs"),
    ("GET", "/docs/assets/favicon.png"),
    ("GET", "/openapi.json"),
    ("GET", "/api/v1/nothing"),
    ("GET", TODOS),
    ("PUT", TODOS),
    ("POST", f"{AUTH}/login"),
    ("POST", f"{AUTH}/logout"),
]
PREFLIGHT = {"Origin": FRONT_END, "Access-Control-Request-Method": "POST"}


def only(response: httpx2.Response, name: str) -> str:
    (value,) = response.headers.get_list(name)
    return value


class TestEveryResponse:
    @pytest.mark.parametrize(("method", "path"), EVERYWHERE)
    def test_no_type_is_guessed_and_no_address_passed_on(self, client: httpx2.Client, method: str, path: str) -> None:
        response = client.request(method, path)

        assert only(response, "x-content-type-options") == "nosniff"
        assert only(response, "referrer-policy") == "no-referrer"

    @pytest.mark.parametrize(("method", "path"), EVERYWHERE)
    def test_https_is_kept_to_once_used(self, surface: Surface, method: str, path: str) -> None:
        with surface.client(scheme="https") as client:
            policy = only(client.request(method, path), "strict-transport-security")

        name, _, seconds = policy.partition(";")[0].partition("=")
        assert name == "max-age"
        assert int(seconds) >= 180 * 24 * 3600

    @pytest.mark.parametrize(("method", "path"), EVERYWHERE)
    def test_plain_http_does_not_speak_of_https(self, client: httpx2.Client, method: str, path: str) -> None:
        assert "strict-transport-security" not in client.request(method, path).headers

    def test_a_preflight_and_a_refusal_have_them_too(self, client: httpx2.Client) -> None:
        allowed = client.options(TODOS, headers=PREFLIGHT)
        refused = client.options(TODOS, headers=PREFLIGHT | {"Origin": "https://evil.example.net"})

        assert [only(response, "x-content-type-options") for response in (allowed, refused)] == ["nosniff"] * 2
        assert [only(response, "referrer-policy") for response in (allowed, refused)] == ["no-referrer"] * 2


class TestAuthIsNeverStored:
    def test_a_registration(self, client: httpx2.Client) -> None:
        body = {"email": new_email(), "password": "correct horse"}

        assert only(client.post(f"{AUTH}/register", json=body), "cache-control") == "no-store"

    def test_a_login_the_account_and_a_logout(self, client: httpx2.Client) -> None:
        login = sign_in(client, register(client)["email"])
        me = client.get(f"{AUTH}/me")
        logout = client.post(f"{AUTH}/logout")

        assert [response.status_code for response in (login, me, logout)] == [200, 200, 204]
        assert [only(response, "cache-control") for response in (login, me, logout)] == ["no-store"] * 3

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", f"{AUTH}/me", 401),
            ("GET", f"{AUTH}/nothing", 404),
            ("GET", f"{AUTH}/login", 405),
            ("POST", f"{AUTH}/register", 422),
            ("PATCH", f"{AUTH}/me", 401),
            ("GET", f"{AUTH}/me/export", 401),
            ("POST", f"{AUTH}/password", 401),
            ("GET", f"{AUTH}/sessions", 401),
            ("DELETE", f"{AUTH}/sessions/0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22", 401),
            ("POST", f"{AUTH}/close-account", 401),
            ("POST", f"{AUTH}/login", 415),
        ],
    )
    def test_an_error(self, client: httpx2.Client, method: str, path: str, status: int) -> None:
        response = client.request(method, path)

        assert response.status_code == status
        assert only(response, "cache-control") == "no-store"

    def test_a_refusal(self, client: httpx2.Client) -> None:
        response = client.post(f"{AUTH}/login", headers={"Origin": "https://evil.example.net"})

        assert response.status_code == 403
        assert only(response, "cache-control") == "no-store"

    def test_a_path_with_a_slash_at_its_end(self, client: httpx2.Client) -> None:
        assert only(client.get(f"{AUTH}/me/"), "cache-control") == "no-store"


class TestChatIsNeverStored:
    @pytest.mark.parametrize("path", ["/api/v1/chat", "/api/v1/chat/", "/api/v1/chat/history"])
    def test_no_path_of_it(self, client: httpx2.Client, path: str) -> None:
        assert only(client.get(path), "cache-control") == "no-store"


class TestTodosAreKeptPrivateAndAskedFor:
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_list(self, ada: Account, slash: str) -> None:
        assert only(ada.client.get(TODOS + slash), "cache-control") == "private, no-cache"

    def test_a_creation_a_read_and_a_change(self, ada: Account) -> None:
        created = ada.client.post(TODOS, json={"title": "Buy milk"})
        url = f"{TODOS}/{created.json()['id']}"
        read, changed = ada.client.get(url), ada.client.patch(url, json={"completed": True})

        assert [response.status_code for response in (created, read, changed)] == [201, 200, 200]
        assert [only(response, "cache-control") for response in (created, read, changed)] == ["private, no-cache"] * 3

    def test_what_has_not_changed(self, ada: Account) -> None:
        todo = ada.add()

        response = ada.client.get(f"{TODOS}/{todo['id']}", headers={"If-None-Match": f'"{todo["version"]}"'})

        assert response.status_code == 304
        assert only(response, "cache-control") == "private, no-cache"

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", f"{TODOS}?limit=0", 422),
            ("GET", f"{TODOS}/not-an-id", 422),
            ("GET", f"{TODOS}/0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22", 404),
            ("PUT", TODOS, 405),
        ],
    )
    def test_an_error(self, ada: Account, method: str, path: str, status: int) -> None:
        response = ada.client.request(method, path)

        assert response.status_code == status
        assert only(response, "cache-control") == "private, no-cache"

    def test_who_is_not_signed_in(self, client: httpx2.Client) -> None:
        assert only(client.get(TODOS), "cache-control") == "private, no-cache"


class TestOtherPaths:
    @pytest.mark.parametrize("path", ["/docs/assets/favicon.png", "/docs/assets/swagger-ui.css"])
    def test_the_files_of_the_docs_may_be_kept_for_a_while(self, client: httpx2.Client, path: str) -> None:
        assert only(client.get(path), "cache-control") == "public, max-age=86400"
