"""X-Request-ID: every response repeats the client's request id if it is valid, and otherwise has a new id."""

import re

import httpx2
import pytest

from tests.accounts import AUTH, TODOS, Account
from tests.conftest import FRONT_END

GENERATED_ID = re.compile(r"(gateway-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

VALID_IDS = [
    "1",
    "0198c5a1-6e57-7d2c-9d2b-0b1e6a7c9f10",
    "Root=1-67891233-abcdef012345678912345678",
    "4bf92f3577b34da6/00f067aa0ba902b7:1",
    "a_b.c+d@e",
    "x" * 128,
]
INVALID_IDS = [
    b"",
    b"x" * 129,
    b"two words",
    b"a\tb",
    b"a,b",
    b'"quoted"',
    b"{curly}",
    b"<script>",
    b"line\\nbreak",
    b"\xc3\xa9",
    b"\xff",
]
PREFLIGHT = {"Origin": FRONT_END, "Access-Control-Request-Method": "POST"}


def request_id(response: httpx2.Response) -> str:
    (found,) = response.headers.get_list("x-request-id")
    return found


class TestClientId:
    @pytest.mark.parametrize("sent", VALID_IDS)
    def test_a_valid_id_of_the_client_is_kept(self, client: httpx2.Client, sent: str) -> None:
        assert request_id(client.get("/health", headers={"X-Request-ID": sent})) == sent

    @pytest.mark.parametrize("sent", INVALID_IDS)
    def test_an_invalid_id_of_the_client_is_replaced(self, client: httpx2.Client, sent: bytes) -> None:
        assert GENERATED_ID.fullmatch(request_id(client.get("/health", headers={b"X-Request-ID": sent})))

    def test_the_id_is_in_the_problem_document(self, client: httpx2.Client) -> None:
        response = client.get("/api/v1/nothing", headers={"X-Request-ID": "from-the-client"})

        assert response.json()["request_id"] == request_id(response) == "from-the-client"


class TestEveryResponse:
    def test_each_request_gets_its_own_id(self, client: httpx2.Client) -> None:
        assert request_id(client.get("/health")) != request_id(client.get("/health"))

    @pytest.mark.parametrize("path", ["/health", "/health/ready", "/docs", "/docs/assets/favicon.png", "/openapi.json"])
    def test_paths_outside_the_api_have_an_id(self, client: httpx2.Client, path: str) -> None:
        assert GENERATED_ID.fullmatch(request_id(client.get(path)))

    def test_create_and_delete_have_an_id(self, ada: Account) -> None:
        created = ada.client.post(TODOS, json={"title": "Buy milk"})
        deleted = ada.client.delete(f"{TODOS}/{created.json()['id']}")

        assert GENERATED_ID.fullmatch(request_id(created))
        assert GENERATED_ID.fullmatch(request_id(deleted))

    def test_a_304_has_an_id(self, ada: Account) -> None:
        response = ada.client.get(f"{TODOS}/{ada.add()['id']}", headers={"If-None-Match": "*"})

        assert response.status_code == 304
        assert GENERATED_ID.fullmatch(request_id(response))

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/api/v1/nothing", 404),
            ("PUT", TODOS, 405),
            ("GET", TODOS, 401),
            ("POST", f"{AUTH}/register", 422),
        ],
    )
    def test_an_error_has_an_id(self, client: httpx2.Client, method: str, path: str, status: int) -> None:
        response = client.request(method, path)

        assert response.status_code == status
        assert GENERATED_ID.fullmatch(request_id(response))

    def test_a_refused_change_has_an_id(self, client: httpx2.Client) -> None:
        response = client.post(f"{AUTH}/logout", headers={"Origin": "https://evil.example.net"})

        assert response.status_code == 403
        assert GENERATED_ID.fullmatch(request_id(response))

    @pytest.mark.parametrize(("origin", "status"), [(FRONT_END, 200), ("https://evil.example.net", 403)])
    def test_a_preflight_has_an_id(self, client: httpx2.Client, origin: str, status: int) -> None:
        response = client.options(TODOS, headers=PREFLIGHT | {"Origin": origin})

        assert response.status_code == status
        assert GENERATED_ID.fullmatch(request_id(response))

    def test_a_preflight_keeps_the_id_of_the_client(self, client: httpx2.Client) -> None:
        response = client.options(TODOS, headers=PREFLIGHT | {"X-Request-ID": "from-the-client"})

        assert request_id(response) == "from-the-client"
