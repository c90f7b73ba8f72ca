"""CORS: pages of the configured origins may use the API with the user's cookie, pages of other origins may not."""

import httpx2
import pytest

from tests.accounts import AUTH, TODOS, UNKNOWN_TODO, Account, problem
from tests.conftest import FRONT_END

OTHER_ORIGINS = [
    "https://evil.example.net",
    "https://app.example.com.evil.example.net",
    "https://evil-app.example.com",
    "https://sub.app.example.com",
    "https://app.example.com:8443",
    "http://app.example.com",
    "null",
    "*",
]
EXPOSED_HEADERS = {
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "Mcp-Session-Id",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Session-Token",
    "WWW-Authenticate",
    "X-Change-Seq",
    "X-Request-ID",
}
ACCEPTED_HEADERS = [
    *("Content-Type", "Authorization", "If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID", "X-Request-ID"),
    *("MCP-Protocol-Version", "Mcp-Session-Id", "Cache-Control", "Prefer", "X-Requested-With"),
    *("traceparent", "tracestate", "baggage", "sentry-trace"),
]
ORIGIN = {"Origin": FRONT_END}
HOUR_SECONDS = 3600


def split_header(response: httpx2.Response, header: str) -> list[str]:
    return [name.strip() for name in response.headers[header].split(",")]


def preflight(
    client: httpx2.Client, *, origin: str = FRONT_END, method: str = "POST", path: str = TODOS, headers: str = ""
) -> httpx2.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return client.options(path, headers=asked | ({"Access-Control-Request-Headers": headers} if headers else {}))


def is_readable(response: httpx2.Response) -> bool:
    """Returns whether the CORS headers let the configured front end read the response to a request with a cookie."""
    return (
        response.headers.get_list("access-control-allow-origin") == [FRONT_END]
        and response.headers.get_list("access-control-allow-credentials") == ["true"]
        and "Origin" in split_header(response, "vary")
    )


class TestResponses:
    def test_a_configured_origin_may_read_with_credentials(self, ada: Account) -> None:
        assert is_readable(ada.client.get(TODOS, headers=ORIGIN))

    def test_a_configured_origin_may_change(self, ada: Account) -> None:
        response = ada.client.post(TODOS, json={"title": "Buy milk"}, headers=ORIGIN)

        assert response.status_code == 201
        assert is_readable(response)

    def test_pages_see_exactly_the_exposed_headers(self, ada: Account) -> None:
        names = split_header(ada.client.get(TODOS, headers=ORIGIN), "access-control-expose-headers")

        assert len(names) == len(EXPOSED_HEADERS)
        assert {name.lower() for name in names} == {name.lower() for name in EXPOSED_HEADERS}

    @pytest.mark.parametrize("origin", OTHER_ORIGINS)
    def test_other_origins_may_not_read(self, ada: Account, origin: str) -> None:
        response = ada.client.get(TODOS, headers={"Origin": origin})

        assert response.status_code == 200
        assert "access-control-allow-origin" not in response.headers

    def test_without_an_origin_header_no_origin_is_allowed(self, ada: Account) -> None:
        assert "access-control-allow-origin" not in ada.client.get(TODOS).headers

    @pytest.mark.parametrize("headers", [{}, ORIGIN, {"Origin": "https://evil.example.net"}])
    @pytest.mark.parametrize("path", [TODOS, f"{AUTH}/me", "/health", "/api/v1/nothing"])
    def test_responses_vary_by_origin(self, client: httpx2.Client, path: str, headers: dict[str, str]) -> None:
        assert "Origin" in split_header(client.get(path, headers=headers), "vary")


class TestErrors:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", TODOS, 401),
            ("GET", f"{AUTH}/me", 401),
            ("GET", "/api/v1/nothing", 404),
            ("PUT", TODOS, 405),
            ("POST", f"{AUTH}/login", 415),
            ("POST", f"{AUTH}/register", 422),
        ],
    )
    def test_a_page_may_read_error_responses(self, client: httpx2.Client, method: str, path: str, status: int) -> None:
        response = client.request(method, path, headers=ORIGIN)

        assert response.status_code == status
        assert is_readable(response)

    def test_a_page_may_read_that_a_body_is_too_large(self, client: httpx2.Client) -> None:
        body = b" " * (2 * 1024 * 1024 + 1)

        response = client.post(f"{AUTH}/register", content=body, headers=ORIGIN | {"Content-Type": "application/json"})

        assert response.status_code == 413
        assert is_readable(response)

    def test_a_page_may_read_that_a_todo_is_not_found_and_that_a_version_is_stale(self, ada: Account) -> None:
        missing = ada.client.get(UNKNOWN_TODO, headers=ORIGIN)
        stale = ada.client.patch(f"{TODOS}/{ada.add()['id']}", json={}, headers=ORIGIN | {"If-Match": '"9"'})

        assert (missing.status_code, stale.status_code) == (404, 412)
        assert is_readable(missing)
        assert is_readable(stale)


class TestPreflight:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    def test_every_method_of_the_api_is_allowed(self, client: httpx2.Client, method: str) -> None:
        response = preflight(client, method=method)

        assert response.is_success
        assert is_readable(response)
        assert method in split_header(response, "access-control-allow-methods")

    @pytest.mark.parametrize(
        "header", [*ACCEPTED_HEADERS, *map(str.lower, ACCEPTED_HEADERS), ", ".join(ACCEPTED_HEADERS)]
    )
    def test_every_header_that_the_api_reads_is_allowed(self, client: httpx2.Client, header: str) -> None:
        response = preflight(client, headers=header)

        allowed = {name.lower() for name in split_header(response, "access-control-allow-headers")}
        assert response.is_success
        assert {name.strip().lower() for name in header.split(",")} <= allowed

    @pytest.mark.parametrize("path", [TODOS, f"{TODOS}/", f"{TODOS}/1", f"{AUTH}/login", f"{AUTH}/logout"])
    def test_a_preflight_is_not_redirected(self, client: httpx2.Client, path: str) -> None:
        assert is_readable(preflight(client, path=path))

    def test_a_preflight_may_be_cached_for_at_least_an_hour(self, client: httpx2.Client) -> None:
        assert int(preflight(client).headers["access-control-max-age"]) >= HOUR_SECONDS

    @pytest.mark.parametrize("origin", OTHER_ORIGINS)
    def test_a_preflight_from_another_origin_is_refused(self, client: httpx2.Client, origin: str) -> None:
        response = preflight(client, origin=origin)

        problem(response, 403, "cross_origin")
        assert "access-control-allow-origin" not in response.headers
        assert "access-control-allow-methods" not in response.headers
        assert "Origin" in split_header(response, "vary")

    def test_an_unsupported_method_is_refused(self, client: httpx2.Client) -> None:
        document = problem(preflight(client, method="QUERY"), 403, "preflight_refused")

        assert document["detail"] == (
            "Pages of other origins may not send the method QUERY; they may send GET, HEAD, POST, PUT, PATCH, DELETE."
        )

    @pytest.mark.parametrize("headers", ["X-Secret", "Content-Type, X-Secret", "content-type,X-Secret,x-other"])
    def test_an_unsupported_header_is_refused(self, client: httpx2.Client, headers: str) -> None:
        document = problem(preflight(client, headers=headers), 403, "preflight_refused")

        assert "may not send the header X-Secret; they may send Accept, " in document["detail"]
        assert "CORS_ORIGINS" not in document["detail"]

    def test_access_to_a_private_network_is_refused(self, client: httpx2.Client) -> None:
        asked = ORIGIN | {"Access-Control-Request-Method": "GET", "Access-Control-Request-Private-Network": "true"}

        problem(client.options(TODOS, headers=asked), 403, "preflight_refused")

    def test_of_several_reasons_the_origin_comes_first(self, client: httpx2.Client) -> None:
        refusal = preflight(client, origin="https://evil.example.net", method="PUT", headers="X-Secret")

        problem(refusal, 403, "cross_origin")

    def test_a_preflight_needs_no_session_and_changes_nothing(self, ada: Account) -> None:
        todo = ada.add()

        assert preflight(ada.client, method="DELETE", path=f"{TODOS}/{todo['id']}").is_success
        assert ada.titles() == ["Buy milk"]
