"""Rules for all routes: paths, HEAD requests, JSON and problem documents."""

from typing import Any

import httpx2
import pytest

from tests.accounts import AUTH, PASSWORD, TODOS, UNKNOWN_TODO, Account, new_email, problem

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

READS = [
    (TODOS, 200),
    (f"{AUTH}/me", 200),
    (f"{AUTH}/sessions", 200),
    (UNKNOWN_TODO, 404),
    ("/health", 200),
    ("/health/ready", 200),
    ("/docs", 200),
    ("/redoc", 200),
    ("/openapi.json", 200),
    ("/api/v1/nothing", 404),
]
UNUSUAL_REQUESTS: list[dict[str, Any]] = [
    {"url": f"{TODOS}?%5B%5D=%25&&=&limit=1&limit=x"},
    {"url": f"{TODOS}?limit={'9' * 400}"},
    {"url": TODOS, "headers": {b"Authorization": b"Bearer \xff"}},
    {"url": TODOS, "headers": {b"Authorization": b"Bearer"}},
    {"url": TODOS, "headers": {b"Cookie": b'session_token="; ;=\xe9; session_token'}},
    {"url": UNKNOWN_TODO, "headers": {b"If-None-Match": b'"\xff'}},
    {"method": "PATCH", "url": UNKNOWN_TODO, "content": b"{}", "headers": JSON | {"If-Match": "W/,,"}},
    {"method": "POST", "url": TODOS, "content": b'{"title": 1e400}', "headers": JSON},
    {"method": "POST", "url": TODOS, "content": b'{"title": "\\ud800"}', "headers": JSON},
    {"method": "POST", "url": TODOS, "content": b'{"title": "a", "order": ' + b"9" * 5000 + b"}", "headers": JSON},
    {"method": "POST", "url": TODOS, "content": b"{}", "headers": {"Content-Type": "application/json; charset=tlh"}},
    {"method": "POST", "url": TODOS, "content": b"{}", "headers": {"Content-Type": ";/,"}},
    {"method": "POST", "url": f"{AUTH}/login", "content": b"%ff=%00&username", "headers": FORM},
    {"method": "POST", "url": f"{AUTH}/login", "content": b"--", "headers": {"Content-Type": "multipart/form-data"}},
    {"method": "PURGE", "url": TODOS},
]


def stable_headers(response: httpx2.Response) -> dict[str, str]:
    """Returns the headers that do not differ between equal requests."""
    volatile = {"x-request-id", "date", "ratelimit"}
    return {name: value for name, value in response.headers.items() if name not in volatile}


def codes(document: dict[str, Any]) -> dict[str, str]:
    return {fault["field"]: fault["code"] for fault in document["errors"]}


class TestPaths:
    @pytest.mark.parametrize(("path", "status"), READS)
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_get_with_a_trailing_slash_is_not_redirected(
        self, ada: Account, path: str, status: int, slash: str
    ) -> None:
        response = ada.client.get(path + slash)

        assert response.status_code == status
        assert "location" not in response.headers

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_create_with_a_trailing_slash_is_not_redirected(self, ada: Account, slash: str) -> None:
        assert ada.client.post(TODOS + slash, json={"title": "Buy milk"}).status_code == 201

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_change_with_a_trailing_slash_is_not_redirected(self, ada: Account, slash: str) -> None:
        url = f"{TODOS}/{ada.add()['id']}{slash}"

        assert ada.client.patch(url, json={"completed": True}).status_code == 200
        assert ada.client.delete(url).status_code == 204

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_sign_up_and_login_with_a_trailing_slash_are_not_redirected(
        self, client: httpx2.Client, slash: str
    ) -> None:
        credentials = {"email": new_email(), "password": PASSWORD}

        assert client.post(f"{AUTH}/register{slash}", json=credentials).status_code == 201
        assert client.post(f"{AUTH}/login{slash}", json=credentials).status_code == 200
        assert client.post(f"{AUTH}/logout{slash}").status_code == 204

    def test_a_trailing_slash_does_not_change_the_response(self, ada: Account) -> None:
        ada.add()

        assert ada.client.get(f"{TODOS}/").json() == ada.client.get(TODOS).json()

    def test_only_one_trailing_slash_is_ignored(self, ada: Account) -> None:
        problem(ada.client.get(f"{TODOS}//"), 404, "route_not_found")

    def test_paths_outside_the_prefix_are_not_found(self, ada: Account) -> None:
        problem(ada.client.get("/todos"), 404, "route_not_found")


class TestHead:
    @pytest.mark.parametrize(("path", "status"), [*READS, ("/docs/assets/swagger-ui.css", 200)])
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_head_has_the_status_and_headers_of_get_and_no_body(
        self, ada: Account, path: str, status: int, slash: str
    ) -> None:
        read, head = (ada.client.request(method, path + slash) for method in ("GET", "HEAD"))

        assert (head.status_code, head.content) == (status, b"")
        assert stable_headers(head) == stable_headers(read)

    def test_head_with_the_current_etag_is_a_304(self, ada: Account) -> None:
        todo = ada.add()

        response = ada.client.head(todo["url"], headers={"If-None-Match": f'"{todo["version"]}"'})

        assert response.status_code == 304

    def test_the_connection_stays_usable_after_head(self, ada: Account) -> None:
        for _ in range(3):
            assert ada.client.head(TODOS).status_code == 200
            assert ada.client.get(TODOS).json() == []

    def test_head_needs_a_session_where_get_does(self, client: httpx2.Client) -> None:
        response = client.head(TODOS)

        assert (response.status_code, response.content) == (401, b"")
        assert response.headers["www-authenticate"] == 'Bearer realm="todo-backend"'

    def test_head_is_not_allowed_where_get_is_not(self, client: httpx2.Client) -> None:
        response = client.head(f"{AUTH}/register")

        assert (response.status_code, response.content) == (405, b"")
        assert response.headers["allow"] == "POST"

    def test_the_openapi_document_does_not_list_head(self, client: httpx2.Client) -> None:
        paths = client.get("/openapi.json").json()["paths"]

        assert not [path for path, operations in paths.items() if "head" in operations]


class TestJson:
    def test_responses_are_json_in_utf_8(self, ada: Account) -> None:
        response = ada.client.post(TODOS, json={"title": "Zürich 🚲"})

        assert response.headers["content-type"] == "application/json"
        assert "Zürich 🚲".encode() in response.content

    def test_a_list_is_a_json_array(self, ada: Account) -> None:
        todo = ada.add()

        assert ada.client.get(TODOS).json() == [todo]

    def test_a_body_in_another_encoding_is_malformed(self, ada: Account) -> None:
        body = '{"title": "Zürich"}'.encode("latin-1")

        problem(ada.client.post(TODOS, content=body, headers=JSON), 400, "malformed_body")


class TestProblems:
    def test_an_unknown_route_is_not_found(self, client: httpx2.Client) -> None:
        document = problem(client.get("/api/v1/nothing"), 404, "route_not_found")

        assert document["type"] == "urn:todo-backend:problem:route_not_found"
        assert "errors" not in document

    @pytest.mark.parametrize("path", [TODOS, f"{AUTH}/register", "/health", "/openapi.json"])
    def test_an_unsupported_method_is_not_allowed(self, client: httpx2.Client, path: str) -> None:
        problem(client.put(path), 405, "method_not_allowed")

    @pytest.mark.parametrize(
        ("path", "methods"),
        [
            (TODOS, {"GET", "HEAD", "POST", "DELETE"}),
            (UNKNOWN_TODO, {"GET", "HEAD", "PATCH", "DELETE"}),
            (f"{AUTH}/register", {"POST"}),
            (f"{AUTH}/me", {"GET", "HEAD", "PATCH"}),
            (f"{AUTH}/me/export", {"GET", "HEAD"}),
            (f"{AUTH}/password", {"POST"}),
            (f"{AUTH}/password/reset", {"POST"}),
            (f"{AUTH}/email", {"POST"}),
            ("/account/reset-password", {"GET", "HEAD", "POST"}),
            (f"{AUTH}/sessions", {"GET", "HEAD"}),
            (f"{AUTH}/sessions/0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22", {"DELETE"}),
            (f"{AUTH}/close-account", {"POST"}),
            ("/health", {"GET", "HEAD"}),
        ],
    )
    def test_the_allow_header_lists_all_methods_of_the_path(
        self, client: httpx2.Client, path: str, methods: set[str]
    ) -> None:
        allow = client.put(path).headers["allow"]

        assert set(allow.replace(" ", "").split(",")) - {"OPTIONS"} == methods

    def test_a_validation_error_does_not_repeat_the_value(self, client: httpx2.Client) -> None:
        response = client.post(f"{AUTH}/register", json={"email": "ada", "password": "hunter2"})

        assert codes(problem(response, 422, "validation_failed")).keys() == {"email", "password"}
        assert "hunter2" not in response.text

    @pytest.mark.parametrize("request_", UNUSUAL_REQUESTS, ids=lambda request_: str(request_)[:70])
    def test_unusual_requests_cause_no_server_error(self, ada: Account, request_: dict[str, Any]) -> None:
        response = ada.client.request(**{"method": "GET", **request_})

        assert response.status_code < 500, response.text
        if response.status_code >= 400:
            problem(response, response.status_code, response.json()["code"])
