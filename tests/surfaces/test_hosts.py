"""The header Host: what is no host is refused, and ALLOWED_HOSTS names the hosts of the service."""

from collections.abc import Iterator

import httpx2
import pytest
from anyio.from_thread import start_blocking_portal

from functions import groups
from tests.accounts import TODOS, Account, problem
from tests.service_client import PUBLIC_URL
from tests.serving import InProcess, Surface
from todo_core.settings import load
from todo_core.web.app import create_app

HOSTS = ["localhost", "API.example.com", "api.example.com:8443", "127.0.0.1:80", "[::1]:8000", "a_b.example", "x."]
NO_HOSTS = [
    "",
    "evil.example.com/path",
    "evil.example.com?",
    "evil.example.com#",
    "user@evil.example.com",
    "evil.example.com, api.example.com",
    'x"y',
    "x<y>",
    "x\\y",
    "[::1",
    "::1",
    "x:port",
    "x:123456",
    "-",
    ".",
    "\xe9",
    "a" * 300,
]


class TestAnyHost:
    @pytest.fixture(autouse=True)
    def _skip_hosts_that_the_gateway_refuses(self, surface: Surface, host: str) -> None:
        if surface.name in {"lambda", "emulator"} and ":" in host.removesuffix(":8443").removesuffix(":80"):
            pytest.skip("Mangum reads the port; an API gateway sends no host but its own")

    @pytest.mark.parametrize("host", HOSTS)
    def test_a_host_is_no_part_of_the_urls(self, ada: Account, host: str) -> None:
        created = ada.client.post(TODOS, json={"title": "Buy milk"}, headers={"Host": host})

        assert created.status_code == 201
        assert created.headers["location"].startswith(f"{PUBLIC_URL}{TODOS}/")
        assert created.json()["url"].startswith(f"{PUBLIC_URL}{TODOS}/")

    @pytest.mark.parametrize("host", NO_HOSTS)
    def test_other_text_is_refused_and_not_repeated(self, client: httpx2.Client, host: str) -> None:
        refusal = client.get("/openapi.json", headers=[(b"Host", host.encode("latin-1"))])

        problem(refusal, 400, "unknown_host")
        assert "evil" not in refusal.text + str(refusal.headers)


@pytest.fixture(scope="module")
def bounded(environment: dict[str, str]) -> Iterator[httpx2.Client]:
    assert environment
    settings = load().model_copy(update={"allowed_hosts": ("api.example.com", "*.example.org", "[::1]")})
    app = create_app(*groups.load_routers("meta"), settings=settings)
    with start_blocking_portal() as portal, InProcess(app, portal).client() as client:
        yield client


class TestAllowedHosts:
    @pytest.mark.parametrize(
        "host",
        ["api.example.com", "API.example.com.", "api.example.com:8443", "a.example.org", "a.b.example.org", "[::1]"],
    )
    def test_a_named_host_is_served(self, bounded: httpx2.Client, host: str) -> None:
        assert bounded.get("/openapi.json", headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize(
        "host",
        ["example.com", "a.api.example.com", "example.org", "aexample.org", "127.0.0.1", "x.example.org.evil.net"],
    )
    def test_another_host_is_refused(self, bounded: httpx2.Client, host: str) -> None:
        problem(bounded.get("/openapi.json", headers={"Host": host}), 400, "unknown_host")

    @pytest.mark.parametrize("path", ["/health", "/health/"])
    def test_a_health_check_may_name_the_address_of_the_process(self, bounded: httpx2.Client, path: str) -> None:
        assert bounded.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200


class TestLongUrls:
    @pytest.mark.parametrize("target", ["/" + "a" * 20_000, "/openapi.json?q=" + "a" * 20_000])
    def test_a_url_of_more_than_16_kb_is_refused(self, client: httpx2.Client, target: str) -> None:
        problem(client.get(target), 414, "target_too_long")

    def test_a_url_of_10_kb_is_served(self, client: httpx2.Client) -> None:
        assert client.get("/health?q=" + "a" * 10_000).status_code == 200


class TestLargeHeaders:
    def test_headers_of_more_than_32_kb_are_refused(self, client: httpx2.Client) -> None:
        problem(client.get("/health", headers={"X-A": "a" * 32 * 1024}), 431, "headers_too_large")

    def test_more_than_128_headers_are_refused(self, client: httpx2.Client) -> None:
        problem(client.get("/health", headers={f"X-{number}": "" for number in range(130)}), 431, "headers_too_large")
