"""Protection against CSRF: pages of origins that are not allowed cannot change data with the user's cookie."""

from typing import Any

import httpx2
import pytest

from tests.accounts import AUTH, PASSWORD, TODOS, Account, new_email, problem, register
from tests.conftest import FRONT_END
from tests.serving import Surface

FORBIDDEN_HEADERS: list[dict[str, str]] = [
    {"Origin": "https://evil.example.net"},
    {"Origin": "null"},
    {"Origin": "https://app.example.com.evil.example.net"},
    {"Origin": "http://app.example.com"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "something-new"},
    {"Origin": "https://evil.example.net", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example.net", "Sec-Fetch-Site": "same-site"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
]
ALLOWED_HEADERS: list[dict[str, str]] = [
    {},
    {"Origin": FRONT_END},
    {"Origin": FRONT_END, "Sec-Fetch-Site": "cross-site"},
    {"Origin": FRONT_END, "Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
]


def own_origin(client: httpx2.Client) -> str:
    return str(client.base_url).rstrip("/")


@pytest.fixture(params=[{"Origin": "https://evil.example.net"}, {"Sec-Fetch-Site": "cross-site"}], ids=str)
def foreign(request: pytest.FixtureRequest) -> dict[str, str]:
    """Headers that show that a request comes from another site: Origin in one case, Sec-Fetch-Site in the other."""
    headers: dict[str, str] = request.param
    return headers


class TestForeignPage:
    @pytest.mark.parametrize("headers", FORBIDDEN_HEADERS, ids=str)
    def test_it_cannot_create(self, ada: Account, headers: dict[str, str]) -> None:
        problem(ada.client.post(TODOS, json={"title": "Buy milk"}, headers=headers), 403, "cross_origin")

        assert ada.titles() == []

    def test_it_cannot_change_or_delete(self, ada: Account, foreign: dict[str, str]) -> None:
        url = f"{TODOS}/{ada.add()['id']}"

        problem(ada.client.patch(url, json={"title": "Buy beer"}, headers=foreign), 403, "cross_origin")
        problem(ada.client.delete(url, headers=foreign), 403, "cross_origin")

        assert ada.titles() == ["Buy milk"]

    def test_it_cannot_sign_in_with_a_form(self, client: httpx2.Client, foreign: dict[str, str]) -> None:
        form = {"username": register(client)["email"], "password": PASSWORD}

        response = client.post(f"{AUTH}/login", data=form, headers=foreign)

        problem(response, 403, "cross_origin")
        assert "set-cookie" not in response.headers

    def test_it_cannot_sign_in_with_json(self, client: httpx2.Client, foreign: dict[str, str]) -> None:
        credentials = {"email": register(client)["email"], "password": PASSWORD}

        problem(client.post(f"{AUTH}/login", json=credentials, headers=foreign), 403, "cross_origin")

    def test_it_cannot_sign_out(self, ada: Account, foreign: dict[str, str]) -> None:
        response = ada.client.post(f"{AUTH}/logout", headers=foreign)

        problem(response, 403, "cross_origin")
        assert "set-cookie" not in response.headers
        assert ada.client.get(f"{AUTH}/me").status_code == 200

    def test_it_cannot_register(self, client: httpx2.Client, foreign: dict[str, str]) -> None:
        body = {"email": new_email(), "password": PASSWORD}

        problem(client.post(f"{AUTH}/register", json=body, headers=foreign), 403, "cross_origin")
        assert client.post(f"{AUTH}/register", json=body).status_code == 201

    def test_a_trailing_slash_does_not_avoid_the_check(self, ada: Account, foreign: dict[str, str]) -> None:
        problem(ada.client.post(f"{AUTH}/logout/", headers=foreign), 403, "cross_origin")

    def test_its_reads_are_answered_without_cors_headers(self, ada: Account, foreign: dict[str, str]) -> None:
        response = ada.client.get(TODOS, headers=foreign)

        assert response.status_code == 200
        assert "access-control-allow-origin" not in response.headers

    def test_another_port_is_another_origin(self, ada: Account) -> None:
        origin = f"http://{ada.client.base_url.host}:9"

        problem(ada.client.post(TODOS, json={"title": "Buy milk"}, headers={"Origin": origin}), 403, "cross_origin")

    def test_sec_fetch_site_outranks_an_origin_equal_to_the_host(self, ada: Account) -> None:
        headers = {"Origin": own_origin(ada.client), "Sec-Fetch-Site": "cross-site"}

        problem(ada.client.post(TODOS, json={"title": "Buy milk"}, headers=headers), 403, "cross_origin")

    def test_the_check_holds_over_https_too(self, surface: Surface, foreign: dict[str, str]) -> None:
        with surface.client(scheme="https") as client:
            problem(client.post(f"{AUTH}/logout", headers=foreign), 403, "cross_origin")


class TestOthers:
    @pytest.mark.parametrize("headers", ALLOWED_HEADERS, ids=str)
    def test_allowed_pages_and_programs_may_do_everything(self, client: httpx2.Client, headers: dict[str, str]) -> None:
        credentials = {"email": new_email(), "password": PASSWORD}

        def send(method: str, path: str, **arguments: Any) -> httpx2.Response:
            return client.request(method, path, headers=headers, **arguments)

        assert send("POST", f"{AUTH}/register", json=credentials).status_code == 201
        assert send("POST", f"{AUTH}/login", json=credentials).status_code == 200
        todo = send("POST", TODOS, json={"title": "Buy milk"}).json()
        assert send("PATCH", f"{TODOS}/{todo['id']}", json={"completed": True}).status_code == 200
        assert send("DELETE", f"{TODOS}/{todo['id']}").status_code == 204
        assert send("POST", f"{AUTH}/logout").status_code == 204

    def test_a_page_of_the_same_host_may_change(self, ada: Account) -> None:
        headers = {"Origin": own_origin(ada.client)}

        assert ada.client.post(TODOS, json={"title": "Buy milk"}, headers=headers).status_code == 201

    def test_a_page_of_the_same_host_may_change_over_https(self, surface: Surface) -> None:
        with surface.client(scheme="https") as client:
            origin = f"https://{client.base_url.netloc.decode()}"

            assert client.post(f"{AUTH}/logout", headers={"Origin": origin}).status_code == 204


class TestBearer:
    def test_a_bearer_token_is_accepted_from_any_origin(
        self, ada: Account, surface: Surface, foreign: dict[str, str]
    ) -> None:
        with surface.client() as program:
            created = program.post(TODOS, json={"title": "Buy milk"}, headers=ada.bearer | foreign)

        assert created.status_code == 201
        assert ada.titles() == ["Buy milk"]

    @pytest.mark.parametrize("authorization", ["Bearer", "bearer nonsense", "Bear token", "Basic YWRhOmFkYQ=="])
    def test_an_invalid_bearer_token_does_not_let_the_cookie_pass(
        self, ada: Account, foreign: dict[str, str], authorization: str
    ) -> None:
        headers = foreign | {"Authorization": authorization}

        response = ada.client.post(TODOS, json={"title": "Buy milk"}, headers=headers)

        assert response.status_code in {401, 403}
        assert ada.titles() == []
