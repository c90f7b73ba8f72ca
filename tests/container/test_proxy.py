"""The profile `public` of compose.yaml: Caddy with TLS, for the domain `localhost` and Caddy's own authority."""

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx2
import pytest

from tests import serving
from tests.accounts import AUTH, PASSWORD, TODOS, new_email, sign_up
from tests.container.compose_project import Project, project

AUTHORITY: Final = "/data/caddy/pki/authorities/local/root.crt"
REGISTRATIONS: Final = 3


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    """Ports of the proxy for http and https."""
    return serving.free_port(), serving.free_port()


@pytest.fixture(scope="module")
def public(image: str, ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    http, https = ports
    settings = {"DOMAIN": "localhost", "HTTP_PORT": str(http), "HTTPS_PORT": str(https)}
    folder = tmp_path_factory.mktemp("public")
    with project(folder, image, **settings, REGISTRATIONS_PER_ADDRESS=str(REGISTRATIONS)) as public:
        public.up("--profile", "public")
        serving.wait_until(lambda: public.compose("exec", "proxy", "test", "-e", AUTHORITY).returncode == 0)
        yield public


@pytest.fixture(scope="module")
def tls(public: Project) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=public.run("exec", "proxy", "cat", AUTHORITY))


def connect(ports: tuple[int, int], tls: ssl.SSLContext, address: str) -> httpx2.Client:
    """Returns a client of the proxy that connects from this address of the machine."""
    transport = httpx2.HTTPTransport(verify=tls, local_address=address)
    proxy = "[::1]" if ":" in address else "127.0.0.1"
    host = {"Host": f"localhost:{ports[1]}"}
    return httpx2.Client(
        base_url=f"https://{proxy}:{ports[1]}",
        headers=host,
        transport=transport,
        timeout=60,
        event_hooks={"request": [name_server]},
    )


def name_server(request: httpx2.Request) -> None:
    """Names the domain in the TLS handshake, because the URL has an address."""
    request.extensions["sni_hostname"] = "localhost"


def register(client: httpx2.Client, **headers: str) -> int:
    return client.post(
        f"{AUTH}/register", json={"email": new_email(), "password": PASSWORD}, headers=headers
    ).status_code


@pytest.mark.usefixtures("public")
def test_http_is_redirected_to_https(ports: tuple[int, int]) -> None:
    redirected = httpx2.get(f"http://localhost:{ports[0]}/docs?a=b")
    assert (redirected.status_code, redirected.headers["Location"]) == (308, "https://localhost/docs?a=b")


def test_the_service_knows_that_the_client_uses_https(ports: tuple[int, int], tls: ssl.SSLContext) -> None:
    with connect(ports, tls, "127.0.0.9") as client:
        ada = sign_up(client)
        assert ada.add("Buy milk")["url"].startswith(f"https://localhost{TODOS}/")  # PUBLIC_URL of the domain
        (cookie,) = (cookie for cookie in client.cookies.jar if cookie.name == "session_token")
        assert cookie.secure
        assert "Strict-Transport-Security" in client.get(TODOS).headers


@pytest.mark.parametrize("addresses", [("127.0.0.2", "127.0.0.3"), ("::1", "127.0.0.4")], ids=["IPv4", "IPv6"])
def test_clients_have_limits_by_their_own_address(
    ports: tuple[int, int], tls: ssl.SSLContext, addresses: tuple[str, str]
) -> None:
    first, second = (connect(ports, tls, address) for address in addresses)
    with first, second:
        assert [register(first) for _ in range(REGISTRATIONS + 1)] == [*[201] * REGISTRATIONS, 429]
        assert register(first, **{"X-Forwarded-For": "198.51.100.7"}) == 429
        assert register(second) == 201


def test_other_hosts_are_refused(public: Project) -> None:
    refused = httpx2.get(f"{public.url}{TODOS}", headers={"Host": "evil.example"})
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_host")


def test_requests_wait_while_the_service_is_replaced(
    public: Project, ports: tuple[int, int], tls: ssl.SSLContext
) -> None:
    with connect(ports, tls, "127.0.0.5") as client, ThreadPoolExecutor(1) as thread:
        assert client.get("/health").status_code == 200
        replaced = thread.submit(public.run, "up", "--detach", "--no-build", "--no-deps", "--force-recreate", "app")
        statuses = set()
        while not replaced.done():
            statuses.add(client.get("/health").status_code)
        statuses.add(client.get("/health").status_code)
    assert statuses == {200}
    replaced.result()
