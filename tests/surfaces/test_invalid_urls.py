"""Invalid ids, paths, query strings and headers: each is refused or ignored, and none is a server error."""

from uuid import UUID

import pytest

from tests.accounts import TODOS, Account, problem
from tests.surfaces.raw_requests import assert_refused, errors_of, send_raw_get

NOT_UUIDS = [
    *("1", "-1", "abc", "null", "undefined", "me", "%20", "%00", "%ff", "%", "%zz", "%F0%9F%A5%9B"),
    *("0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a2", "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a222"),
    *("0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a2g", "0198c5a1_7a10_7b3e_8c55_2f4d0c9e1a22"),
    *("0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22%00", "'%20OR%201=1--", "a" * 8_000),
]
UNKNOWN_PATHS = ["/%2e%2e/auth/me", "/..%2f..", "/a/b", "//", "/%2F", "/" + "a" * 4_000 + "/b"]


class TestIds:
    def test_an_id_that_is_not_a_uuid_is_refused(self, ada: Account, subtests: pytest.Subtests) -> None:
        for todo_id in NOT_UUIDS:
            with subtests.test(todo_id=todo_id):
                assert list(errors_of(send_raw_get(ada, f"{TODOS}/{todo_id}"))) == ["todo_id"]

    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_every_method_refuses_an_id_that_is_not_a_uuid(self, ada: Account, method: str) -> None:
        body = {"title": "New"} if method == "PATCH" else None
        assert list(errors_of(ada.client.request(method, f"{TODOS}/abc", json=body))) == ["todo_id"]

    @pytest.mark.parametrize("form", ["{upper}", "{hex}", "%7B{id}%7D", "urn:uuid:{id}"])
    def test_every_spelling_of_a_uuid_is_accepted(self, ada: Account, form: str) -> None:
        todo = ada.add()
        written = form.format(id=todo["id"], upper=todo["id"].upper(), hex=UUID(todo["id"]).hex)
        assert send_raw_get(ada, f"{TODOS}/{written}").json() == todo

    @pytest.mark.parametrize("todo_id", [UUID(int=0), UUID(int=2**128 - 1), "11111111-1111-4111-8111-111111111111"])
    def test_an_unusual_uuid_is_not_found(self, ada: Account, todo_id: object) -> None:
        problem(ada.client.get(f"{TODOS}/{todo_id}"), 404, "todo_not_found")

    def test_an_unknown_path_below_todos_is_not_found(self, ada: Account, subtests: pytest.Subtests) -> None:
        for path in UNKNOWN_PATHS:
            with subtests.test(path=path):
                assert_refused(send_raw_get(ada, f"{TODOS}{path}"), {404: "route_not_found", 422: "validation_failed"})


INVALID_QUERIES = [
    ("q=%00", "q"),
    ("q=a%00b", "q"),
    ("q=a%07b", "q"),
    ("q=a%0Ab", "q"),
    ("q=" + "a" * 8_000, "q"),
    ("tag=", "tag.0"),
    ("tag=%00", "tag.0"),
    ("tag=home&tag=%20", "tag.1"),
    ("tag=" + "a" * 51, "tag.0"),
    ("&".join(["tag=a"] * 51), "tag"),
    ("&".join(["tag=a"] * 1_500), "tag"),
    ("limit=%00", "limit"),
    ("limit=", "limit"),
    ("limit", "limit"),
    ("limit=%EF%BC%91%00", "limit"),
    ("completed=%ff", "completed"),
    ("priority=%00", "priority"),
    ("nope", "nope"),
    ("=1", "query"),
    ("%ff=1", "\ufffd"),
    ("%00=1", "\0"),
    ("a" * 8_000 + "=1", "a" * 200),
]
UNUSUAL_QUERIES = [
    *("", "&", "&&&", "q=%", "q=%zz", "q=100%", "q=%ff", "q=%ed%a0%80", "q=%ud800", "q=%F0%9F%A5%9B"),
    *("q=+", "q=a+b", "q=a;b", "q=a=b", "q=1&q=2", "%71=milk", "limit=%31", "limit=1&limit=2"),
    *("tag=%ff", "tag=a&tag=a"),
]
NOT_CURSORS = ["%00", "%ff", "%", "%F0%9F%A5%9B", ".", "%2E%2E", "a" * 400, "eyJ9.x", "W10.%ff"]


class TestQueries:
    def test_an_invalid_parameter_is_named(self, ada: Account, subtests: pytest.Subtests) -> None:
        for query, field in INVALID_QUERIES:
            with subtests.test(query=query):
                assert list(errors_of(send_raw_get(ada, f"{TODOS}?{query}"))) == [field]

    def test_all_invalid_parameters_are_named(self, ada: Account) -> None:
        response = ada.client.get(TODOS, params={"limit": 0, "colour": "red"})
        assert errors_of(response) == {"limit": "too_small", "colour": "unknown_field"}

    def test_unusual_query_strings_are_accepted(self, ada: Account, subtests: pytest.Subtests) -> None:
        for query in UNUSUAL_QUERIES:
            with subtests.test(query=query):
                assert send_raw_get(ada, f"{TODOS}?{query}").status_code == 200

    def test_text_that_is_not_a_cursor_is_refused(self, ada: Account, subtests: pytest.Subtests) -> None:
        for cursor in NOT_CURSORS:
            with subtests.test(cursor=cursor):
                problem(send_raw_get(ada, f"{TODOS}?cursor={cursor}"), 400, "invalid_cursor")

    def test_an_overlong_cursor_is_refused(self, ada: Account) -> None:
        response = send_raw_get(ada, f"{TODOS}?cursor={'a' * 8_000}")
        assert_refused(response, {400: "invalid_cursor", 422: "validation_failed"})


MALFORMED_HEADERS = [
    *(b"", b'"', b'"""', b",,,", b"W/", b'W/"', b"\xff\xfe", b'"\xff"', b'"-1"', b'"1e5"', b'"1" "2"', b"**"),
    *(b'"' * 4_000, b'"99999999999999999999"', '"\u0661"'.encode()),
]


class TestHeaders:
    @pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "Accept", "X-Request-ID"])
    def test_malformed_headers_cause_no_server_error(self, ada: Account, name: str, subtests: pytest.Subtests) -> None:
        url = ada.add()["url"]
        for value in MALFORMED_HEADERS:
            with subtests.test(value=value):
                headers = {name.encode(): value}
                assert ada.client.get(url, headers=headers).status_code in {200, 304}
                assert ada.client.patch(url, json={"title": "New"}, headers=headers).status_code in {200, 412}
                assert ada.client.delete(f"{TODOS}/{UUID(int=0)}", headers=headers).status_code == 404
