"""What holds for every route: its paths, its bytes, and how it tells an error."""

import json
from typing import Any

import httpx2
import pytest

from tests.accounts import AUTH, PASSWORD, TODOS, Account, new_email, problem

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NO_TODO = f"{TODOS}/0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22"
LARGEST_BODY = 2 * 1024 * 1024

READS = [
    (TODOS, 200),
    (f"{AUTH}/me", 200),
    (f"{AUTH}/sessions", 200),
    (NO_TODO, 404),
    ("/health", 200),
    ("/health/ready", 200),
    ("/docs", 200),
    ("/redoc", 200),
    ("/openapi.json", 200),
    ("/api/v1/nothing", 404),
]
STRANGE_REQUESTS: list[dict[str, Any]] = [
    {"url": f"{TODOS}/%00"},
    {"url": f"{TODOS}/%ff%fe"},
    {"url": f"{TODOS}/{'x' * 3000}"},
    {"url": f"{TODOS}//"},
    {"url": f"{TODOS}?q=%ff"},
    {"url": f"{TODOS}?q=%00"},
    {"url": f"{TODOS}?%5B%5D=%25&&=&limit=1&limit=x"},
    {"url": f"{TODOS}?limit={'9' * 400}"},
    {"url": f"{TODOS}?cursor=%00"},
    {"url": TODOS, "headers": {b"Authorization": b"Bearer \xff"}},
    {"url": TODOS, "headers": {b"Authorization": b"Bearer"}},
    {"url": TODOS, "headers": {b"Cookie": b'session_token="; ;=\xe9; session_token'}},
    {"url": NO_TODO, "headers": {b"If-None-Match": b'"\xff'}},
    {"method": "PATCH", "url": NO_TODO, "content": b"{}", "headers": JSON | {"If-Match": "W/,,"}},
    {"method": "POST", "url": TODOS, "content": b"", "headers": JSON},
    {"method": "POST", "url": TODOS, "content": b"\xff\xfe", "headers": JSON},
    {"method": "POST", "url": TODOS, "content": b"null", "headers": JSON},
    {"method": "POST", "url": TODOS, "content": b"[" * 100_000, "headers": JSON},
    {"method": "POST", "url": TODOS, "content": b'{"title": 1e400}', "headers": JSON},
    {"method": "POST", "url": TODOS, "content": b'{"title": "\\ud800"}', "headers": JSON},
    {"method": "POST", "url": TODOS, "content": b'{"title": "a", "order": ' + b"9" * 5000 + b"}", "headers": JSON},
    {"method": "POST", "url": TODOS, "content": b"{}", "headers": {"Content-Type": "application/json; charset=tlh"}},
    {"method": "POST", "url": TODOS, "content": b"{}", "headers": {"Content-Type": ";/,"}},
    {"method": "POST", "url": f"{AUTH}/login", "content": b"%ff=%00&username", "headers": FORM},
    {"method": "POST", "url": f"{AUTH}/login", "content": b"--", "headers": {"Content-Type": "multipart/form-data"}},
    {"method": "PURGE", "url": TODOS},
]


def without_request(response: httpx2.Response) -> dict[str, str]:
    """The headers, without those that differ from request to request."""
    return {name: value for name, value in response.headers.items() if name not in {"x-request-id", "date"}}


def codes(document: dict[str, Any]) -> dict[str, str]:
    return {fault["field"]: fault["code"] for fault in document["errors"]}


class TestPaths:
    @pytest.mark.parametrize(("path", "status"), READS)
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_read_answers_directly_with_and_without_a_trailing_slash(
        self, ada: Account, path: str, status: int, slash: str
    ) -> None:
        response = ada.client.get(path + slash)

        assert response.status_code == status
        assert "location" not in response.headers

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_todo_is_created_directly(self, ada: Account, slash: str) -> None:
        assert ada.client.post(TODOS + slash, json={"title": "Buy milk"}).status_code == 201

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_todo_is_changed_and_deleted_directly(self, ada: Account, slash: str) -> None:
        url = f"{TODOS}/{ada.add()['id']}{slash}"

        assert ada.client.patch(url, json={"completed": True}).status_code == 200
        assert ada.client.delete(url).status_code == 204

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_an_account_signs_up_in_and_out_directly(self, client: httpx2.Client, slash: str) -> None:
        credentials = {"email": new_email(), "password": PASSWORD}

        assert client.post(f"{AUTH}/register{slash}", json=credentials).status_code == 201
        assert client.post(f"{AUTH}/login{slash}", json=credentials).status_code == 200
        assert client.post(f"{AUTH}/logout{slash}").status_code == 204

    def test_a_slash_changes_nothing_about_what_is_answered(self, ada: Account) -> None:
        ada.add()

        assert ada.client.get(f"{TODOS}/").json() == ada.client.get(TODOS).json()

    def test_only_one_slash_is_left_away(self, ada: Account) -> None:
        problem(ada.client.get(f"{TODOS}//"), 404, "route_not_found")

    def test_nothing_answers_outside_of_the_prefix(self, ada: Account) -> None:
        problem(ada.client.get("/todos"), 404, "route_not_found")


class TestHead:
    @pytest.mark.parametrize(("path", "status"), [*READS, ("/docs/assets/swagger-ui.css", 200)])
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_it_answers_as_a_read_does_but_for_the_body(self, ada: Account, path: str, status: int, slash: str) -> None:
        read, head = (ada.client.request(method, path + slash) for method in ("GET", "HEAD"))

        assert (head.status_code, head.content) == (status, b"")
        assert without_request(head) == without_request(read)

    def test_it_answers_what_has_not_changed(self, ada: Account) -> None:
        todo = ada.add()

        response = ada.client.head(todo["url"], headers={"If-None-Match": f'"{todo["version"]}"'})

        assert response.status_code == 304

    def test_it_leaves_the_connection_in_order(self, ada: Account) -> None:
        for _ in range(3):
            assert ada.client.head(TODOS).status_code == 200
            assert ada.client.get(TODOS).json() == []

    def test_it_needs_somebody_signed_in_where_a_read_does(self, client: httpx2.Client) -> None:
        response = client.head(TODOS)

        assert (response.status_code, response.content) == (401, b"")
        assert response.headers["www-authenticate"] == "Bearer"

    def test_a_path_that_cannot_be_read_does_not_take_it(self, client: httpx2.Client) -> None:
        response = client.head(f"{AUTH}/register")

        assert (response.status_code, response.content) == (405, b"")
        assert response.headers["allow"] == "POST"

    def test_the_document_does_not_list_it_apart(self, client: httpx2.Client) -> None:
        paths = client.get("/openapi.json").json()["paths"]

        assert not [path for path, operations in paths.items() if "head" in operations]


class TestJson:
    def test_it_is_json_in_utf8(self, ada: Account) -> None:
        response = ada.client.post(TODOS, json={"title": "Zürich 🚲"})

        assert response.headers["content-type"] == "application/json"
        assert "Zürich 🚲".encode() in response.content

    def test_a_list_is_a_bare_array(self, ada: Account) -> None:
        todo = ada.add()

        assert ada.client.get(TODOS).json() == [todo]

    def test_a_body_in_another_encoding_is_a_problem(self, ada: Account) -> None:
        body = '{"title": "Zürich"}'.encode("latin-1")

        problem(ada.client.post(TODOS, content=body, headers=JSON), 400, "malformed_body")


class TestProblems:
    def test_an_unknown_route_is_not_found(self, client: httpx2.Client) -> None:
        document = problem(client.get("/api/v1/nothing"), 404, "route_not_found")

        assert document["type"] == "urn:todo-backend:problem:route_not_found"
        assert "errors" not in document

    @pytest.mark.parametrize("path", [TODOS, f"{AUTH}/register", "/health", "/openapi.json"])
    def test_a_method_that_a_path_does_not_take_is_not_allowed(self, client: httpx2.Client, path: str) -> None:
        problem(client.put(path), 405, "method_not_allowed")

    @pytest.mark.parametrize(
        ("path", "methods"),
        [
            (TODOS, {"GET", "HEAD", "POST", "DELETE"}),
            (NO_TODO, {"GET", "HEAD", "PATCH", "DELETE"}),
            (f"{AUTH}/register", {"POST"}),
            (f"{AUTH}/me", {"GET", "HEAD", "PATCH"}),
            (f"{AUTH}/me/export", {"GET", "HEAD"}),
            (f"{AUTH}/password", {"POST"}),
            (f"{AUTH}/sessions", {"GET", "HEAD"}),
            (f"{AUTH}/sessions/0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22", {"DELETE"}),
            (f"{AUTH}/close-account", {"POST"}),
            ("/health", {"GET", "HEAD"}),
        ],
    )
    def test_the_header_allow_lists_every_method_that_a_path_takes(
        self, client: httpx2.Client, path: str, methods: set[str]
    ) -> None:
        allow = client.put(path).headers["allow"]

        assert set(allow.replace(" ", "").split(",")) - {"OPTIONS"} == methods

    def test_a_body_that_is_not_json_is_malformed(self, ada: Account) -> None:
        document = problem(ada.client.post(TODOS, content=b'{"title": ', headers=JSON), 422, "validation_failed")

        assert codes(document) == {"body": "json_invalid"}

    def test_a_body_of_another_type_is_unsupported(self, ada: Account) -> None:
        response = ada.client.post(TODOS, content=b"title=Buy milk", headers={"Content-Type": "text/plain"})

        problem(response, 415, "unsupported_media_type")

    def test_a_body_without_a_type_is_unsupported(self, ada: Account) -> None:
        problem(ada.client.post(TODOS, content=b'{"title": "Buy milk"}'), 415, "unsupported_media_type")

    def test_a_body_that_is_too_large_is_refused(self, client: httpx2.Client) -> None:
        body = json.dumps({"email": new_email(), "password": "x" * LARGEST_BODY}).encode()

        problem(client.post(f"{AUTH}/register", content=body, headers=JSON), 413, "content_too_large")

    def test_a_body_that_turns_out_to_be_too_large_is_refused(self, client: httpx2.Client) -> None:
        body = json.dumps({"email": new_email(), "password": "x" * LARGEST_BODY}).encode()
        without_length = JSON | {"Transfer-Encoding": "chunked"}

        problem(client.post(f"{AUTH}/register", content=body, headers=without_length), 413, "content_too_large")

    def test_every_field_at_fault_is_named(self, ada: Account) -> None:
        body = {"title": " ", "completed": "yes", "tags": ["home", ""], "color": "red"}

        document = problem(ada.client.post(TODOS, json=body), 422, "validation_failed")

        assert codes(document) == {
            "title": "blank",
            "completed": "bool_type",
            "tags.1": "string_too_short",
            "color": "extra_forbidden",
        }
        assert all(fault["message"] for fault in document["errors"])

    def test_a_parameter_at_fault_is_named(self, ada: Account) -> None:
        document = problem(ada.client.get(TODOS, params={"limit": 0, "colour": "red"}), 422, "validation_failed")

        assert codes(document) == {"limit": "greater_than_equal", "colour": "extra_forbidden"}

    def test_what_was_sent_is_not_repeated(self, client: httpx2.Client) -> None:
        response = client.post(f"{AUTH}/register", json={"email": "ada", "password": "hunter2"})

        assert codes(problem(response, 422, "validation_failed")).keys() == {"email", "password"}
        assert "hunter2" not in response.text

    @pytest.mark.parametrize("request_", STRANGE_REQUESTS, ids=lambda request_: str(request_)[:70])
    def test_nothing_strange_makes_it_a_fault_of_ours(self, ada: Account, request_: dict[str, Any]) -> None:
        response = ada.client.request(**{"method": "GET", **request_})

        assert response.status_code < 500, response.text
        if response.status_code >= 400:
            problem(response, response.status_code, response.json()["code"])
