"""X-Request-ID: the client's own if it is a sane one, else a new one, on every response."""

import re

import httpx2
import pytest

from tests.accounts import AUTH, TODOS, Account
from tests.conftest import FRONT_END

MADE_HERE = re.compile(r"(gateway-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

SANE = [
    "1",
    "0198c5a1-6e57-7d2c-9d2b-0b1e6a7c9f10",
    "Root=1-67891233-abcdef012345678912345678",
    "4bf92f3577b34da6/00f067aa0ba902b7:1",
    "a_b.c+d@e",
    "x" * 128,
]
INSANE = [
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


class TestClientsOwn:
    @pytest.mark.parametrize("sent", SANE)
    def test_a_sane_one_is_kept(self, client: httpx2.Client, sent: str) -> None:
        assert request_id(client.get("/health", headers={"X-Request-ID": sent})) == sent

    @pytest.mark.parametrize("sent", INSANE)
    def test_another_one_is_replaced(self, client: httpx2.Client, sent: bytes) -> None:
        assert MADE_HERE.fullmatch(request_id(client.get("/health", headers={b"X-Request-ID": sent})))

    def test_it_is_in_the_problem_too(self, client: httpx2.Client) -> None:
        response = client.get("/api/v1/nothing", headers={"X-Request-ID": "from-the-client"})

        assert response.json()["request_id"] == request_id(response) == "from-the-client"


class TestEveryResponse:
    def test_each_request_gets_its_own_id(self, client: httpx2.Client) -> None:
        assert request_id(client.get("/health")) != request_id(client.get("/health"))

    @pytest.mark.parametrize("path", ["/health", "/health/ready", "/docs", "/docs/assets/favicon.png", "/openapi.json"])
    def test_what_is_not_the_api_has_one(self, client: httpx2.Client, path: str) -> None:
        assert MADE_HERE.fullmatch(request_id(client.get(path)))

    def test_a_read_and_a_change_have_one(self, ada: Account) -> None:
        created = ada.client.post(TODOS, json={"title": "Buy milk"})
        deleted = ada.client.delete(f"{TODOS}/{created.json()['id']}")

        assert MADE_HERE.fullmatch(request_id(created))
        assert MADE_HERE.fullmatch(request_id(deleted))

    def test_what_has_not_changed_has_one(self, ada: Account) -> None:
        response = ada.client.get(f"{TODOS}/{ada.add()['id']}", headers={"If-None-Match": "*"})

        assert response.status_code == 304
        assert MADE_HERE.fullmatch(request_id(response))

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/api/v1/nothing", 404),
            ("PUT", TODOS, 405),
            ("GET", TODOS, 401),
            ("POST", f"{AUTH}/register", 422),
        ],
    )
    def test_an_error_has_one(self, client: httpx2.Client, method: str, path: str, status: int) -> None:
        response = client.request(method, path)

        assert response.status_code == status
        assert MADE_HERE.fullmatch(request_id(response))

    def test_a_refused_change_has_one(self, client: httpx2.Client) -> None:
        response = client.post(f"{AUTH}/logout", headers={"Origin": "https://evil.example.net"})

        assert response.status_code == 403
        assert MADE_HERE.fullmatch(request_id(response))

    @pytest.mark.parametrize(("origin", "status"), [(FRONT_END, 200), ("https://evil.example.net", 403)])
    def test_a_preflight_has_one(self, client: httpx2.Client, origin: str, status: int) -> None:
        response = client.options(TODOS, headers=PREFLIGHT | {"Origin": origin})

        assert response.status_code == status
        assert MADE_HERE.fullmatch(request_id(response))

    def test_a_preflight_keeps_the_clients_own(self, client: httpx2.Client) -> None:
        response = client.options(TODOS, headers=PREFLIGHT | {"X-Request-ID": "from-the-client"})

        assert request_id(response) == "from-the-client"
