"""Security headers of all responses, and cache headers by route."""

import httpx2
import pytest

from tests.accounts import AUTH, TODOS, UNKNOWN_TODO, Account, new_email, register, sign_in
from tests.conftest import FRONT_END
from tests.serving import Surface

REQUESTS = [
    ("GET", "/"),
    ("GET", "/sw.js"),
    ("GET", "/page/1/main.js"),
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


def single_header(response: httpx2.Response, name: str) -> str:
    (value,) = response.headers.get_list(name)
    return value


class TestEveryResponse:
    @pytest.mark.parametrize(("method", "path"), REQUESTS)
    def test_types_are_not_guessed_and_no_referrer_is_sent(self, client: httpx2.Client, method: str, path: str) -> None:
        response = client.request(method, path)

        assert single_header(response, "x-content-type-options") == "nosniff"
        assert single_header(response, "referrer-policy") == "no-referrer"

    @pytest.mark.parametrize(("method", "path"), [*REQUESTS, ("GET", "/redoc"), ("OPTIONS", TODOS), ("TRACE", TODOS)])
    def test_no_page_may_frame_it(self, client: httpx2.Client, method: str, path: str) -> None:
        response = client.request(method, path)

        assert single_header(response, "x-frame-options") == "DENY"
        assert "frame-ancestors 'none'" in single_header(response, "content-security-policy").split("; ")

    @pytest.mark.parametrize("path", ["/health", TODOS, "/api/v1/nothing", "/docs/assets/favicon.png"])
    def test_answers_of_the_api_load_nothing_as_a_page(self, client: httpx2.Client, path: str) -> None:
        policy = single_header(client.get(path), "content-security-policy")

        assert policy == "default-src 'none'; frame-ancestors 'none'"

    @pytest.mark.parametrize(("method", "path"), REQUESTS)
    def test_https_sets_strict_transport_security(self, surface: Surface, method: str, path: str) -> None:
        with surface.client(scheme="https") as client:
            policy = single_header(client.request(method, path), "strict-transport-security")

        assert policy == "max-age=31536000; includeSubDomains"

    @pytest.mark.parametrize(("method", "path"), REQUESTS)
    def test_http_does_not_set_strict_transport_security(self, client: httpx2.Client, method: str, path: str) -> None:
        assert "strict-transport-security" not in client.request(method, path).headers

    def test_preflights_have_these_headers_too(self, client: httpx2.Client) -> None:
        allowed = client.options(TODOS, headers=PREFLIGHT)
        refused = client.options(TODOS, headers=PREFLIGHT | {"Origin": "https://evil.example.net"})

        assert [single_header(response, "x-content-type-options") for response in (allowed, refused)] == ["nosniff"] * 2
        assert [single_header(response, "referrer-policy") for response in (allowed, refused)] == ["no-referrer"] * 2
        assert [single_header(response, "x-frame-options") for response in (allowed, refused)] == ["DENY"] * 2


class TestNoStoreForAuth:
    def test_register_is_not_stored(self, client: httpx2.Client) -> None:
        body = {"email": new_email(), "password": "correct horse"}

        assert single_header(client.post(f"{AUTH}/register", json=body), "cache-control") == "no-store"

    def test_login_account_and_logout_are_not_stored(self, client: httpx2.Client) -> None:
        login = sign_in(client, register(client)["email"])
        me = client.get(f"{AUTH}/me")
        logout = client.post(f"{AUTH}/logout")

        assert [response.status_code for response in (login, me, logout)] == [200, 200, 204]
        assert [single_header(response, "cache-control") for response in (login, me, logout)] == ["no-store"] * 3

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
    def test_an_error_has_the_cache_policy_of_its_path(
        self, client: httpx2.Client, method: str, path: str, status: int
    ) -> None:
        response = client.request(method, path)

        assert response.status_code == status
        assert single_header(response, "cache-control") == "no-store"

    def test_a_refused_origin_is_not_stored(self, client: httpx2.Client) -> None:
        response = client.post(f"{AUTH}/login", headers={"Origin": "https://evil.example.net"})

        assert response.status_code == 403
        assert single_header(response, "cache-control") == "no-store"

    def test_a_path_with_a_trailing_slash_is_not_stored(self, client: httpx2.Client) -> None:
        assert single_header(client.get(f"{AUTH}/me/"), "cache-control") == "no-store"


class TestNoStoreForChat:
    @pytest.mark.parametrize("path", ["/api/v1/chat", "/api/v1/chat/", "/api/v1/chat/history"])
    def test_chat_is_not_stored(self, client: httpx2.Client, path: str) -> None:
        assert single_header(client.get(path), "cache-control") == "no-store"


class TestRevalidationOfTodos:
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_list_is_revalidated(self, ada: Account, slash: str) -> None:
        assert single_header(ada.client.get(TODOS + slash), "cache-control") == "private, no-cache"

    def test_create_read_and_update_are_revalidated(self, ada: Account) -> None:
        created = ada.client.post(TODOS, json={"title": "Buy milk"})
        url = f"{TODOS}/{created.json()['id']}"
        read, changed = ada.client.get(url), ada.client.patch(url, json={"completed": True})

        assert [response.status_code for response in (created, read, changed)] == [201, 200, 200]
        assert [single_header(response, "cache-control") for response in (created, read, changed)] == [
            "private, no-cache"
        ] * 3

    def test_a_304_is_revalidated(self, ada: Account) -> None:
        todo = ada.add()

        response = ada.client.get(f"{TODOS}/{todo['id']}", headers={"If-None-Match": f'"{todo["version"]}"'})

        assert response.status_code == 304
        assert single_header(response, "cache-control") == "private, no-cache"

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", f"{TODOS}?limit=0", 422),
            ("GET", f"{TODOS}/not-an-id", 422),
            ("GET", UNKNOWN_TODO, 404),
            ("PUT", TODOS, 405),
        ],
    )
    def test_an_error_has_the_cache_policy_of_its_path(self, ada: Account, method: str, path: str, status: int) -> None:
        response = ada.client.request(method, path)

        assert response.status_code == status
        assert single_header(response, "cache-control") == "private, no-cache"

    def test_a_401_is_revalidated(self, client: httpx2.Client) -> None:
        assert single_header(client.get(TODOS), "cache-control") == "private, no-cache"


class TestOtherPaths:
    @pytest.mark.parametrize("path", ["/docs/assets/favicon.png", "/docs/assets/swagger-ui.css"])
    def test_the_files_of_the_docs_are_cached_for_a_day(self, client: httpx2.Client, path: str) -> None:
        assert single_header(client.get(path), "cache-control") == "public, max-age=86400"
