"""A page of a foreign site may not change anything with the user's cookie."""

from typing import Any

import httpx2
import pytest

from tests.accounts import AUTH, PASSWORD, TODOS, Account, new_email, problem, register
from tests.conftest import FRONT_END
from tests.serving import Surface

FOREIGN: list[dict[str, str]] = [
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
FRIENDLY: list[dict[str, str]] = [
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
    """What an older and a newer browser say of a request that a foreign page makes."""
    headers: dict[str, str] = request.param
    return headers


class TestForeignPage:
    @pytest.mark.parametrize("headers", FOREIGN, ids=str)
    def test_it_creates_nothing(self, ada: Account, headers: dict[str, str]) -> None:
        problem(ada.client.post(TODOS, json={"title": "Buy milk"}, headers=headers), 403, "cross_origin")

        assert ada.titles() == []

    def test_it_changes_and_deletes_nothing(self, ada: Account, foreign: dict[str, str]) -> None:
        url = f"{TODOS}/{ada.add()['id']}"

        problem(ada.client.patch(url, json={"title": "Buy beer"}, headers=foreign), 403, "cross_origin")
        problem(ada.client.delete(url, headers=foreign), 403, "cross_origin")

        assert ada.titles() == ["Buy milk"]

    def test_it_does_not_sign_in_by_a_form(self, client: httpx2.Client, foreign: dict[str, str]) -> None:
        form = {"username": register(client)["email"], "password": PASSWORD}

        response = client.post(f"{AUTH}/login", data=form, headers=foreign)

        problem(response, 403, "cross_origin")
        assert "set-cookie" not in response.headers

    def test_it_does_not_sign_in_by_json(self, client: httpx2.Client, foreign: dict[str, str]) -> None:
        credentials = {"email": register(client)["email"], "password": PASSWORD}

        problem(client.post(f"{AUTH}/login", json=credentials, headers=foreign), 403, "cross_origin")

    def test_it_does_not_sign_out(self, ada: Account, foreign: dict[str, str]) -> None:
        response = ada.client.post(f"{AUTH}/logout", headers=foreign)

        problem(response, 403, "cross_origin")
        assert "set-cookie" not in response.headers
        assert ada.client.get(f"{AUTH}/me").status_code == 200

    def test_it_does_not_register(self, client: httpx2.Client, foreign: dict[str, str]) -> None:
        body = {"email": new_email(), "password": PASSWORD}

        problem(client.post(f"{AUTH}/register", json=body, headers=foreign), 403, "cross_origin")
        assert client.post(f"{AUTH}/register", json=body).status_code == 201

    def test_it_does_not_get_past_by_a_trailing_slash(self, ada: Account, foreign: dict[str, str]) -> None:
        problem(ada.client.post(f"{AUTH}/logout/", headers=foreign), 403, "cross_origin")

    def test_it_may_read_as_far_as_cors_lets_it(self, ada: Account, foreign: dict[str, str]) -> None:
        response = ada.client.get(TODOS, headers=foreign)

        assert response.status_code == 200
        assert "access-control-allow-origin" not in response.headers

    def test_a_port_makes_it_foreign(self, ada: Account) -> None:
        origin = f"http://{ada.client.base_url.host}:9"

        problem(ada.client.post(TODOS, json={"title": "Buy milk"}, headers={"Origin": origin}), 403, "cross_origin")

    def test_the_browser_knows_better_than_a_host_that_looks_like_ours(self, ada: Account) -> None:
        headers = {"Origin": own_origin(ada.client), "Sec-Fetch-Site": "cross-site"}

        problem(ada.client.post(TODOS, json={"title": "Buy milk"}, headers=headers), 403, "cross_origin")

    def test_over_https_it_is_no_different(self, surface: Surface, foreign: dict[str, str]) -> None:
        with surface.client(scheme="https") as client:
            problem(client.post(f"{AUTH}/logout", headers=foreign), 403, "cross_origin")


class TestOthers:
    @pytest.mark.parametrize("headers", FRIENDLY, ids=str)
    def test_a_friendly_page_and_a_program_may_do_everything(
        self, client: httpx2.Client, headers: dict[str, str]
    ) -> None:
        credentials = {"email": new_email(), "password": PASSWORD}

        def send(method: str, path: str, **arguments: Any) -> httpx2.Response:
            return client.request(method, path, headers=headers, **arguments)

        assert send("POST", f"{AUTH}/register", json=credentials).status_code == 201
        assert send("POST", f"{AUTH}/login", json=credentials).status_code == 200
        todo = send("POST", TODOS, json={"title": "Buy milk"}).json()
        assert send("PATCH", f"{TODOS}/{todo['id']}", json={"completed": True}).status_code == 200
        assert send("DELETE", f"{TODOS}/{todo['id']}").status_code == 204
        assert send("POST", f"{AUTH}/logout").status_code == 204

    def test_a_page_of_our_own_host_may_change(self, ada: Account) -> None:
        headers = {"Origin": own_origin(ada.client)}

        assert ada.client.post(TODOS, json={"title": "Buy milk"}, headers=headers).status_code == 201

    def test_a_page_of_our_own_host_may_change_over_https(self, surface: Surface) -> None:
        with surface.client(scheme="https") as client:
            origin = f"https://{client.base_url.netloc.decode()}"

            assert client.post(f"{AUTH}/logout", headers={"Origin": origin}).status_code == 204


class TestBearer:
    def test_it_is_not_affected(self, ada: Account, surface: Surface, foreign: dict[str, str]) -> None:
        with surface.client() as program:
            created = program.post(TODOS, json={"title": "Buy milk"}, headers=ada.bearer | foreign)

        assert created.status_code == 201
        assert ada.titles() == ["Buy milk"]

    @pytest.mark.parametrize("authorization", ["Bearer", "bearer nonsense", "Bear token", "Basic YWRhOmFkYQ=="])
    def test_a_bad_one_does_not_smuggle_the_cookie_past_the_rule(
        self, ada: Account, foreign: dict[str, str], authorization: str
    ) -> None:
        headers = foreign | {"Authorization": authorization}

        response = ada.client.post(TODOS, json={"title": "Buy milk"}, headers=headers)

        assert response.status_code in {401, 403}
        assert ada.titles() == []
