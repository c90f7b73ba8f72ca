"""The metadata of the authorization server (RFC 8414) and of the protected resources (RFC 9728)."""

import httpx2
import pytest

from tests.accounts import problem
from tests.service_client import PUBLIC_URL

SERVER = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"
EVIL = {"Origin": "https://evil.example.com", "Sec-Fetch-Site": "cross-site"}


class TestServer:
    def test_it_names_its_endpoints_below_the_issuer(self, client: httpx2.Client) -> None:
        response = client.get(SERVER)

        document = response.json()
        assert document["issuer"] == PUBLIC_URL
        for name in ("authorization", "token", "revocation", "registration"):
            assert document[f"{name}_endpoint"].startswith(f"{PUBLIC_URL}/oauth/")
        assert response.headers["content-type"] == "application/json"

    def test_it_offers_the_code_flow_with_s256_only(self, client: httpx2.Client) -> None:
        document = client.get(SERVER).json()

        assert document["response_types_supported"] == ["code"]
        assert document["grant_types_supported"] == ["authorization_code", "refresh_token"]
        assert document["code_challenge_methods_supported"] == ["S256"]
        assert document["authorization_response_iss_parameter_supported"] is True
        assert document["client_id_metadata_document_supported"] is True

    def test_clients_of_openid_find_it_too(self, client: httpx2.Client) -> None:
        assert client.get("/.well-known/openid-configuration").json() == client.get(SERVER).json()

    def test_another_issuer_has_none(self, client: httpx2.Client) -> None:
        problem(client.get(f"{SERVER}/tenant"), 404, "route_not_found")

    @pytest.mark.parametrize("name", ["X-Forwarded-Host", "Forwarded", "X-Original-Host"])
    def test_no_header_changes_the_issuer(self, client: httpx2.Client, name: str) -> None:
        assert client.get(SERVER, headers={name: "evil.example.com"}).json()["issuer"] == PUBLIC_URL


class TestResource:
    @pytest.mark.parametrize(("path", "resource"), [("", "/mcp"), ("/mcp", "/mcp"), ("/api/v1", "/api/v1")])
    def test_it_names_its_server_and_scopes(self, client: httpx2.Client, path: str, resource: str) -> None:
        document = client.get(f"{RESOURCE}{path}").json()

        assert document["resource"] == f"{PUBLIC_URL}{resource}"
        assert document["authorization_servers"] == [PUBLIC_URL]
        assert "todos:read" in document["scopes_supported"]
        assert document["bearer_methods_supported"] == ["header"]

    @pytest.mark.parametrize("path", ["/other", "/mcp/x", "/api", "/mcp%00"])
    def test_an_unknown_resource_is_not_found(self, client: httpx2.Client, path: str) -> None:
        problem(client.get(f"{RESOURCE}{path}"), 404, "route_not_found")


class TestOtherOrigins:
    """Clients that run in browsers call these paths from pages of any origin, without a cookie."""

    @pytest.mark.parametrize("path", [SERVER, RESOURCE, f"{RESOURCE}/mcp"])
    def test_a_page_of_any_origin_may_read_the_metadata(self, client: httpx2.Client, path: str) -> None:
        response = client.get(path, headers=EVIL)

        assert response.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in response.headers

    @pytest.mark.parametrize("path", ["/oauth/token", "/oauth/register", "/oauth/revoke"])
    def test_a_page_of_any_origin_may_call_the_endpoints(self, client: httpx2.Client, path: str) -> None:
        preflight = client.options(
            path, headers=EVIL | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x"}
        )
        response = client.post(path, headers=EVIL)

        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == "*"
        assert response.status_code == 400
        assert response.headers["access-control-allow-origin"] == "*"

    @pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/consent", "/oauth/sign-in", "/oauth/second-factor"])
    def test_the_pages_are_for_this_site_only(self, client: httpx2.Client, path: str) -> None:
        problem(client.post(path, headers=EVIL), 403, "cross_origin")
        assert "access-control-allow-origin" not in client.get(path, headers=EVIL).headers
