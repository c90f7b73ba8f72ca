"""POST /oauth/register: clients that register themselves (RFC 7591), and the redirect URIs that they may have."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests import postgres
from tests.surfaces.oauth import CALLBACK, make_client, post_registration, refused, register_client
from tests.surfaces.test_auth import serve

GOOD_URIS = [
    "https://planner.example.com/callback?x=1",
    "https://planner.example.com:8443/callback",
    "http://127.0.0.1/callback",
    "http://localhost:33418/",
    "http://[::1]:9000/callback",
    "cursor://anysphere.cursor-retrieval/oauth/callback",
    "com.example.planner:/callback",
]
BAD_URIS = [
    "http://planner.example.com/callback",
    "http://localhost.evil.example.com/",
    "http://127.0.0.1.evil.example.com/",
    "https://user@planner.example.com/callback",
    "https://planner.example.com@evil.example.com/",
    "https://planner.example.com/callback#fragment",
    "https://planner.example.com/a/../callback",
    "https://planner.example.com/%2e%2e/callback",
    "https://planner.example.com/a\\b",
    "https://planner.example.com/a b",
    "https://planner.example.com/\n",
    "https://plannér.example.com/",
    "https://planner.example.com:0/",
    "https://planner.example.com:99999/",
    "https://-bad-.example.com/",
    "https://*.example.com/",
    "https:///callback",
    "https:callback",
    "//planner.example.com/",
    "/callback",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "vbscript:x",
    "blob:https://planner.example.com/x",
    "about:blank",
    "https://planner.example.com/" + "x" * 2000,
    "",
]


class TestRegistration:
    def test_a_public_client_gets_an_id_and_no_secret(self, client: httpx2.Client) -> None:
        registered = register_client(client, scope="todos:read", client_uri="https://planner.example.com")

        assert registered["client_id"]
        assert "client_secret" not in registered
        assert registered["redirect_uris"] == [CALLBACK]
        assert registered["token_endpoint_auth_method"] == "none"

    def test_without_a_method_it_gets_a_secret(self, client: httpx2.Client, database_url: str) -> None:
        response = client.post("/oauth/register", json={"redirect_uris": [CALLBACK]})

        registered = response.json()
        assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
        assert registered["token_endpoint_auth_method"] == "client_secret_basic"
        assert registered["client_secret_expires_at"] == 0
        assert registered["client_name"] == "planner.example.com"
        (row,) = postgres.query(
            database_url, "SELECT * FROM oauth_clients WHERE id = $1::uuid", registered["client_id"]
        )
        assert not [value for value in row.values() if registered["client_secret"] in str(value)]

    @pytest.mark.parametrize(
        "metadata",
        [
            {"redirect_uris": None},
            {"redirect_uris": []},
            {"redirect_uris": [f"{CALLBACK}/{number}" for number in range(11)]},
            {"redirect_uris": CALLBACK},
            {"client_name": ""},
            {"client_name": "x" * 101},
            {"client_name": "a\u0000b"},
            {"client_name": 1},
            {"token_endpoint_auth_method": "private_key_jwt"},
            {"grant_types": ["implicit"]},
            {"grant_types": ["authorization_code", "password"]},
            {"response_types": ["token"]},
        ],
        ids=str,
    )
    def test_metadata_that_cannot_work_is_refused(self, client: httpx2.Client, metadata: dict[str, Any]) -> None:
        refused(post_registration(client, **metadata), "invalid_client_metadata")

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'"' + b"x" * 20_000 + b'"'], ids=lambda b: b[:8]
    )
    def test_a_body_that_is_no_object_is_refused(self, client: httpx2.Client, body: bytes) -> None:
        refused(client.post("/oauth/register", content=body), "invalid_client_metadata")

    def test_a_name_is_shown_as_text(self, client: httpx2.Client) -> None:
        assert register_client(client, client_name="<b>Planner</b>")["client_name"] == "<b>Planner</b>"


class TestRedirectUris:
    @pytest.mark.parametrize("uri", GOOD_URIS)
    def test_a_safe_one_is_taken(self, client: httpx2.Client, uri: str) -> None:
        assert register_client(client, redirect_uris=[uri])["redirect_uris"] == [uri]

    @pytest.mark.parametrize("uri", BAD_URIS, ids=lambda uri: repr(uri[:40]))
    def test_an_unsafe_one_is_refused(self, client: httpx2.Client, uri: str) -> None:
        response = post_registration(client, redirect_uris=[CALLBACK, uri])

        assert response.status_code == 400
        assert response.json()["error"] in {"invalid_redirect_uri", "invalid_client_metadata"}


class TestBounds:
    def test_a_network_registers_a_bounded_number(self, limited: httpx2.Client) -> None:
        statuses = [post_registration(limited).status_code for _ in range(4)]

        assert statuses == [201, 201, 201, 429]

    def test_unused_clients_beyond_the_bound_are_deleted_oldest_first(
        self, client: httpx2.Client, database_url: str
    ) -> None:
        oldest = make_client(client)
        postgres.query(
            database_url,
            """
            INSERT INTO oauth_clients (id, name, redirect_uris, auth_method, expires_at)
            SELECT gen_random_uuid(), 'x', '{}', 'none', now() + interval '1 day' FROM generate_series(1, 10000)
            """,
        )
        try:
            newest = make_client(client)

            refused(oldest.post_refresh("x"), "invalid_client", 401)
            refused(newest.post_refresh("x"), "invalid_grant")
        finally:
            postgres.query(database_url, "DELETE FROM oauth_clients WHERE name = 'x'")

    def test_an_unused_client_expires_after_a_day(self, client: httpx2.Client, database_url: str) -> None:
        planner = make_client(client)
        (row,) = postgres.query(
            database_url,
            "SELECT expires_at - created_at <= interval '1 day' AS soon FROM oauth_clients WHERE id = $1::uuid",
            planner.id,
        )
        assert row["soon"]
        postgres.query(database_url, "UPDATE oauth_clients SET expires_at = now() WHERE id = $1::uuid", planner.id)

        refused(planner.post_refresh("x"), "invalid_client", 401)


@pytest.fixture
def limited(database_url: str) -> Iterator[httpx2.Client]:
    """A client of a service at which a network may register three clients."""
    with serve(database_url, oauth_registrations_per_address=3) as surface, surface.client() as client:
        yield client


def test_registration_can_be_switched_off(database_url: str) -> None:
    with serve(database_url, oauth_registration=False) as surface, surface.client() as client:
        assert post_registration(client).status_code == 404
        assert "registration_endpoint" not in client.get("/.well-known/oauth-authorization-server").json()
