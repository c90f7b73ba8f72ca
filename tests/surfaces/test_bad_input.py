"""Whatever a client sends, it gets an answer that says what was wrong, and never a 5xx."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import httpx2
import pytest

from tests.accounts import AUTH, TODOS, Account, problem
from todo_core.settings import Settings

JSON = "application/json"
LARGEST_BODY: int = Settings.model_fields["max_body_bytes"].default
MOST_THAT_LAMBDA_ANSWERS = 6 * 1024 * 1024


class Chunks(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body whose length nobody is told, for every transport."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


class RawUrl(httpx2.URL):
    """A URL whose path and query go out byte by byte as they are given."""

    def __init__(self, url: httpx2.URL, target: bytes) -> None:
        super().__init__(url)
        self._target = target

    @property
    def raw_path(self) -> bytes:
        return self._target

    @property
    def path(self) -> str:
        return unquote(self._target.partition(b"?")[0].decode("ascii"))

    @property
    def query(self) -> bytes:
        return self._target.partition(b"?")[2]


def get_raw(account: Account, target: str) -> httpx2.Response:
    """GET of a path and query that no client would send like this."""
    request = account.client.build_request("GET", "/")
    request.url = RawUrl(request.url, target.encode("ascii"))
    return account.client.send(request)


def send(
    account: Account, content: bytes, *, media_type: str | None = JSON, method: str = "POST", url: str = TODOS
) -> httpx2.Response:
    headers = {} if media_type is None else {"Content-Type": media_type}
    return account.client.request(method, url, content=content, headers=headers)


def stream(account: Account, *chunks: bytes, path: str = TODOS) -> httpx2.Response:
    """POST with `Transfer-Encoding: chunked`."""
    request = account.client.build_request("POST", path, content=iter(chunks), headers={"Content-Type": JSON})
    request.stream = Chunks(*chunks)
    assert "content-length" not in request.headers
    return account.client.send(request)


def errors_of(response: httpx2.Response) -> dict[str, str]:
    """The codes of a 422 by field, each of which comes with a message for a person."""
    errors = problem(response, 422, "validation_failed")["errors"]
    assert errors
    for error in errors:
        assert set(error) == {"field", "message", "code"}
        assert len(error["message"]) > len("Invalid")
        assert re.fullmatch(r"[a-z][a-z0-9_]*", error["code"])
    return {error["field"]: error["code"] for error in errors}


def refused_somehow(response: httpx2.Response, codes: dict[int, str]) -> None:
    """For what may be refused at one of several stages."""
    assert response.status_code in codes, response.text
    problem(response, response.status_code, codes[response.status_code])


def named(account: Account, body: object, *, method: str = "POST", url: str = TODOS) -> list[str]:
    """The fields that the 422 for this body names."""
    return list(errors_of(send(account, json.dumps(body).encode(), method=method, url=url)))


def padded(size: int) -> bytes:
    """A todo, acceptable but for the length of its title, of `size` bytes."""
    frame = b'{"title": "%s"}'
    return frame % (b"a" * (size - len(frame) + 2))


WRONG: dict[str, list[Any]] = {
    "title": [
        *(None, 1, 1.5, True, [], {}, ["Buy milk"], 10**400),
        *("", " ", "\t\n", "\u00a0", "\u2003", "a" * 501, "🥛" * 501),
        *("a\0", "\0", "a\nb", "a\tb", "a\x07b", "\x1b[31mred", "a\x7fb", "a\x80b"),
        *("\ud800", "a\udfff", "\ude00\ud83d"),
    ],
    "description": [1, True, [], {}, "a" * 16_385, "a\0", "a\x07b", "a\x0bb", "\ud800"],
    "completed": [None, 0, 1, 1.0, "true", "yes", "", [], {}],
    "priority": ["urgent", "High", "", "none ", "\0", 0, 1, True, [], {}, ["high"]],
    "due_date": [
        *(0, 5, 5.5, True, [], {}, "", "tomorrow", 1e999, 10**400),
        *("2024-02-30", "2023-02-29", "2024-13-01", "2024-00-10", "2024-01-00", "0000-01-01", "10000-01-01"),
        *("2024-2-3", "20240203", "2024-W05-1", "2024-034", "-2024-02-03", "2024-02", "1706918400"),
        *(
            "2024-02-03T00:00:00",
            "2024-02-03T00:00:00Z",
            " 2024-02-03",
            "2024-02-03\n",
            "2024-02-03\0",
            "2024-02-0\u0663",
        ),
    ],
    "due_at": [
        *(0, 5, 1893456000, 1.5, True, [], {}, "", "now", "1893456000", "P1D", 1e999, 10**400),
        *("2030-01-31", "2030-01-31T17:00:00", "2030-01-31T17:00Z", "2030-01-31T17Z", "+2030-01-31T17:00:00Z"),
        *("2030-01-31T24:00:00Z", "2030-01-31T17:60:00Z", "2030-01-31T17:00:61Z", "2016-12-31T23:59:60Z"),
        *("2030-02-30T17:00:00Z", "2030-13-01T17:00:00Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
        *("2030-01-31T17:00:00+24:00", "2030-01-31T17:00:00+99:99", "2030-01-31T17:00:00+1:00"),
        *("2030-01-31T17:00:00+0100", "2030-01-31T17:00:00 Z", "2030-01-31T17:00:00.Z", "2030-01-3\u0661T17:00:00Z"),
        *("2030-01-31T17:00:00.1234567890Z", "2030-01-31T17:00:00Z\n", "2030-01-31T17:00:00Z\0"),
    ],
    "tags": ["home", "", 1, True, {}, {"home": 1}, [f"tag-{number}" for number in range(51)], ["home"] * 51],
    "order": [
        *("1", "", True, [], {}, 1e999, -1e999, float("nan"), 10**400, -(10**400)),
        *(2**53 + 2, -(2**53) - 2, 1.8e308),
    ],
}
WRONG_TAGS: list[Any] = [None, 1, True, [], {}, "", " ", "a" * 51, "a\0", "a\nb", "\ud800"]
UNKNOWN_NAMES = [
    *("id", "url", "version", "created_at", "updated_at", "completed_at", "user_id", "deleted_at", "words"),
    *("Title", "titel", "__class__", "a.b", "ü", "🥛", "\0"),
]


class TestFields:
    @pytest.mark.parametrize("field", WRONG)
    def test_a_wrong_one_is_named(self, ada: Account, field: str, subtests: pytest.Subtests) -> None:
        for value in WRONG[field]:
            with subtests.test(value=value):
                assert named(ada, {"title": "Buy milk", field: value}) == [field]
        assert ada.titles() == []

    @pytest.mark.parametrize("field", WRONG)
    def test_a_wrong_one_of_a_patch_is_named(self, ada: Account, field: str, subtests: pytest.Subtests) -> None:
        todo = ada.add()
        for value in WRONG[field]:
            with subtests.test(value=value):
                assert named(ada, {field: value}, method="PATCH", url=todo["url"]) == [field]
        assert ada.client.get(todo["url"]).json() == todo

    def test_a_wrong_tag_is_named(self, ada: Account, subtests: pytest.Subtests) -> None:
        for tag in WRONG_TAGS:
            with subtests.test(tag=tag):
                assert named(ada, {"title": "Buy milk", "tags": ["home", tag]}) == ["tags.1"]

    def test_an_unknown_one_is_named(self, ada: Account, subtests: pytest.Subtests) -> None:
        todo = ada.add()
        for name in UNKNOWN_NAMES:
            with subtests.test(name=name):
                assert named(ada, {"title": "Buy bread", name: 1}) == [name]
                assert named(ada, {"title": "Buy bread", name: 1}, method="PATCH", url=todo["url"]) == [name]
        assert ada.titles() == ["Buy milk"]

    @pytest.mark.parametrize("name", ["title", "priority", "tags", "completed"])
    def test_none_of_a_new_todo_that_has_no_empty_value_may_be_null(self, ada: Account, name: str) -> None:
        assert list(errors_of(ada.client.post(TODOS, json={"title": "Buy milk", name: None}))) == [name]

    def test_every_wrong_one_is_named(self, ada: Account) -> None:
        body = {"title": "", "completed": 1, "priority": "huge", "tags": [1, "fine", ""], "order": "1", "nope": 1}
        assert set(errors_of(ada.client.post(TODOS, json=body))) == {
            "title",
            "completed",
            "priority",
            "tags.0",
            "tags.2",
            "order",
            "nope",
        }

    def test_a_missing_title_is_named(self, ada: Account) -> None:
        assert errors_of(ada.client.post(TODOS, json={})) == {"title": "missing"}

    def test_a_name_that_is_no_text_is_refused(self, ada: Account) -> None:
        assert errors_of(send(ada, b'{"title": "Buy milk", "\\ud800": 1}'))

    def test_the_last_of_two_with_the_same_name_counts(self, ada: Account) -> None:
        assert send(ada, b'{"title": "First", "title": "Second"}').json()["title"] == "Second"
        assert list(errors_of(send(ada, b'{"title": "First", "title": 2}'))) == ["title"]

    def test_a_title_of_a_megabyte_is_refused(self, ada: Account) -> None:
        assert errors_of(ada.client.post(TODOS, json={"title": "a" * 1024**2})) == {"title": "string_too_long"}

    @pytest.mark.parametrize("body", [b'{"order": NaN}', b'{"order": Infinity}', b'{"order": -Infinity}'])
    def test_what_json_has_no_word_for_is_refused(self, ada: Account, body: bytes) -> None:
        assert list(errors_of(send(ada, body, method="PATCH", url=ada.add()["url"]))) == ["order"]

    @pytest.mark.parametrize(
        "body",
        [
            json.dumps({"title": "a", **{f"{number}": 1 for number in range(150_000)}}),
            json.dumps({"title": "a", "a" * 1024**2: 1}),
            json.dumps({"title": "a", "tags": [1] * 500_000}),
        ],
        ids=["many-names", "a-long-name", "many-tags"],
    )
    def test_the_answer_to_the_worst_of_bodies_fits_into_one_of_lambdas(self, ada: Account, body: str) -> None:
        response = send(ada, body.encode())
        assert len(response.content) < MOST_THAT_LAMBDA_ANSWERS
        errors_of(response)


NO_OBJECTS = [b"null", b"[]", b'"Buy milk"', b"1", b"true", b'[{"title": "Buy milk"}]', b"NaN"]
NO_JSON = [
    *(b"{", b'{"title":', b'{"title": "Buy milk",}', b"{'title': 'Buy milk'}", b'{title: "Buy milk"}'),
    *(b'{"title": "Buy milk"} and more', b'{"title": "Buy milk"}{"title": "Buy bread"}', b'{"title": "Buy\nmilk"}'),
    *(b'{"title": "\\x41"}', b'{"title": "\\u12"}', b'{"order": 01}', b'{"order": .5}', b'{"completed": True}'),
    *(b"title=Buy+milk", b"<todo/>", b"undefined", b" ", b"\x00", b'\x00{"title": "Buy milk"}'),
]
NO_UTF_8 = [b'{"title": "\xff"}', b'{"title": "caf\xe9"}', b'{"title": "\xc3"}', b"\x80"]
OTHER_MEDIA_TYPES = [
    *(None, "", ";", "json", "a/b/c", "*/*", "text/plain", "text/json", "application/jsonx"),
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/octet-stream"),
]


class TestBodies:
    def test_one_that_is_no_object_is_refused(self, ada: Account, subtests: pytest.Subtests) -> None:
        url = ada.add()["url"]
        for body in NO_OBJECTS:
            with subtests.test(body=body):
                assert list(errors_of(send(ada, body))) == ["body"]
                assert list(errors_of(send(ada, body, method="PATCH", url=url))) == ["body"]

    @pytest.mark.parametrize("media_type", [JSON, None, "text/plain"])
    def test_none_is_told_from_a_wrong_one(self, ada: Account, media_type: str | None) -> None:
        assert errors_of(send(ada, b"", media_type=media_type)) == {"body": "missing"}
        patched = send(ada, b"", media_type=media_type, method="PATCH", url=ada.add()["url"])
        assert errors_of(patched) == {"body": "missing"}

    def test_one_that_is_no_json_is_refused(self, ada: Account, subtests: pytest.Subtests) -> None:
        for body in NO_JSON:
            with subtests.test(body=body):
                assert errors_of(send(ada, body)) == {"body": "json_invalid"}

    def test_the_message_tells_where_json_breaks(self, ada: Account) -> None:
        [error] = problem(send(ada, b'{"title": "Buy milk",}'), 422, "validation_failed")["errors"]
        assert re.search(r"\d", error["message"]), error["message"]

    def test_one_that_is_not_utf_8_is_refused(self, ada: Account, subtests: pytest.Subtests) -> None:
        for body in NO_UTF_8:
            with subtests.test(body=body):
                problem(send(ada, body), 400, "malformed_body")

    def test_surrogates_as_bytes_are_refused(self, ada: Account) -> None:
        assert list(errors_of(send(ada, b'{"title": "\xed\xa0\x80"}'))) == ["title"]

    @pytest.mark.parametrize("levels", [100, 500, 1_000, 10_000, 100_000])
    @pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
    def test_one_nested_absurdly_deep_is_refused(
        self, ada: Account, opening: str, closing: str, levels: int, subtests: pytest.Subtests
    ) -> None:
        nested = f"{opening * levels}1{closing * levels}"
        for body in (nested, f'{{"title": {nested}}}', f'{{"title": "a", "tags": {nested}}}', f'{{"x": {nested}}}'):
            with subtests.test(body=body[:20]):
                refused_somehow(send(ada, body.encode()), {400: "malformed_body", 422: "validation_failed"})

    def test_one_that_only_opens_is_refused(self, ada: Account) -> None:
        refused_somehow(send(ada, b"[" * 100_000), {400: "malformed_body", 422: "validation_failed"})

    def test_a_number_of_ten_thousand_digits_is_refused(self, ada: Account) -> None:
        response = send(ada, b'{"title": "Buy milk", "order": %s}' % (b"1" * 10_000))
        refused_somehow(response, {400: "malformed_body", 422: "validation_failed"})

    def test_one_that_does_not_say_that_it_is_json_is_refused(self, ada: Account, subtests: pytest.Subtests) -> None:
        url, body = ada.add()["url"], b'{"title": "Buy oat milk"}'
        for media_type in OTHER_MEDIA_TYPES:
            with subtests.test(media_type=media_type):
                problem(send(ada, body, media_type=media_type), 415, "unsupported_media_type")
                patched = send(ada, body, media_type=media_type, method="PATCH", url=url)
                problem(patched, 415, "unsupported_media_type")
        assert ada.titles() == ["Buy milk"]

    @pytest.mark.parametrize("media_type", [JSON, "APPLICATION/JSON", "application/json; charset=utf-8"])
    def test_one_that_says_it_is_json_is_taken(self, ada: Account, media_type: str) -> None:
        assert send(ada, b'{"title": "Buy milk"}', media_type=media_type).status_code == 201


class TestLargeBodies:
    @pytest.mark.parametrize("path", [TODOS, f"{AUTH}/login", f"{AUTH}/register"])
    def test_one_with_a_length_beyond_the_limit_is_refused(self, ada: Account, path: str) -> None:
        problem(send(ada, padded(5_000_000), url=path), 413, "content_too_large")

    @pytest.mark.parametrize("path", [TODOS, f"{AUTH}/login", f"{AUTH}/register"])
    def test_one_in_chunks_beyond_the_limit_is_refused(self, ada: Account, path: str) -> None:
        problem(stream(ada, *[b"a" * 1_000_000] * 5, path=path), 413, "content_too_large")

    def test_a_byte_beyond_the_limit_is_refused(self, ada: Account) -> None:
        problem(send(ada, padded(LARGEST_BODY + 1)), 413, "content_too_large")
        problem(stream(ada, padded(LARGEST_BODY), b" "), 413, "content_too_large")

    def test_one_of_just_the_limit_is_read(self, ada: Account) -> None:
        assert errors_of(send(ada, padded(LARGEST_BODY))) == {"title": "string_too_long"}
        assert errors_of(stream(ada, padded(LARGEST_BODY))) == {"title": "string_too_long"}

    def test_one_in_chunks_within_the_limit_is_taken(self, ada: Account) -> None:
        assert stream(ada, b'{"title": ', b'"Buy ', b'milk"}').json()["title"] == "Buy milk"

    def test_a_patch_beyond_the_limit_is_refused(self, ada: Account) -> None:
        problem(send(ada, padded(5_000_000), method="PATCH", url=ada.add()["url"]), 413, "content_too_large")
        assert ada.titles() == ["Buy milk"]

    def test_one_for_a_route_that_reads_none_is_refused_too(self, ada: Account) -> None:
        problem(send(ada, padded(5_000_000), method="DELETE", url=ada.add()["url"]), 413, "content_too_large")
        assert ada.titles() == ["Buy milk"]

    def test_the_client_may_go_on_after_one(self, ada: Account) -> None:
        ada.add()
        send(ada, padded(5_000_000))
        assert ada.titles() == ["Buy milk"]

    def test_one_that_is_no_json_is_too_large_first(self, ada: Account) -> None:
        # No more than 3 MB: to Lambda it comes in base64, in an event of 6 MB at most.
        problem(send(ada, padded(3_000_000), media_type="text/plain"), 413, "content_too_large")


NO_UUIDS = [
    *("1", "-1", "abc", "null", "undefined", "me", "%20", "%00", "%ff", "%", "%zz", "%F0%9F%A5%9B"),
    *("0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a2", "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a222"),
    *("0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a2g", "0198c5a1_7a10_7b3e_8c55_2f4d0c9e1a22"),
    *("0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22%00", "'%20OR%201=1--", "a" * 8_000),
]
NOWHERE = ["/%2e%2e/auth/me", "/..%2f..", "/a/b", "//", "/%2F", "/" + "a" * 4_000 + "/b"]


class TestIds:
    def test_one_that_is_no_uuid_is_refused(self, ada: Account, subtests: pytest.Subtests) -> None:
        for todo_id in NO_UUIDS:
            with subtests.test(todo_id=todo_id):
                assert list(errors_of(get_raw(ada, f"{TODOS}/{todo_id}"))) == ["todo_id"]

    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_one_that_is_no_uuid_is_refused_by_every_method(self, ada: Account, method: str) -> None:
        body = {"title": "New"} if method == "PATCH" else None
        assert list(errors_of(ada.client.request(method, f"{TODOS}/abc", json=body))) == ["todo_id"]

    @pytest.mark.parametrize("form", ["{upper}", "{hex}", "%7B{id}%7D", "urn:uuid:{id}"])
    def test_each_way_to_write_a_uuid_names_the_todo(self, ada: Account, form: str) -> None:
        todo = ada.add()
        written = form.format(id=todo["id"], upper=todo["id"].upper(), hex=UUID(todo["id"]).hex)
        assert get_raw(ada, f"{TODOS}/{written}").json() == todo

    @pytest.mark.parametrize("todo_id", [UUID(int=0), UUID(int=2**128 - 1), "11111111-1111-4111-8111-111111111111"])
    def test_any_uuid_may_be_asked_for(self, ada: Account, todo_id: object) -> None:
        problem(ada.client.get(f"{TODOS}/{todo_id}"), 404, "todo_not_found")

    def test_a_path_that_leads_nowhere_is_not_found(self, ada: Account, subtests: pytest.Subtests) -> None:
        for path in NOWHERE:
            with subtests.test(path=path):
                refused_somehow(get_raw(ada, f"{TODOS}{path}"), {404: "route_not_found", 422: "validation_failed"})


WRONG_QUERIES = [
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
ODD_QUERIES = [
    *("", "&", "&&&", "q=%", "q=%zz", "q=100%", "q=%ff", "q=%ed%a0%80", "q=%ud800", "q=%F0%9F%A5%9B"),
    *("q=+", "q=a+b", "q=a;b", "q=a=b", "q=1&q=2", "%71=milk", "limit=%31", "limit=1&limit=2"),
    *("tag=%ff", "tag=a&tag=a"),
]
NO_CURSORS = ["%00", "%ff", "%", "%F0%9F%A5%9B", ".", "%2E%2E", "a" * 400, "eyJ9.x", "W10.%ff"]


class TestQueries:
    def test_a_wrong_parameter_is_named(self, ada: Account, subtests: pytest.Subtests) -> None:
        for query, field in WRONG_QUERIES:
            with subtests.test(query=query):
                assert list(errors_of(get_raw(ada, f"{TODOS}?{query}"))) == [field]

    def test_an_odd_one_is_read_as_well_as_it_can_be(self, ada: Account, subtests: pytest.Subtests) -> None:
        for query in ODD_QUERIES:
            with subtests.test(query=query):
                assert get_raw(ada, f"{TODOS}?{query}").status_code == 200

    def test_a_cursor_that_is_none_is_refused(self, ada: Account, subtests: pytest.Subtests) -> None:
        for cursor in NO_CURSORS:
            with subtests.test(cursor=cursor):
                problem(get_raw(ada, f"{TODOS}?cursor={cursor}"), 400, "invalid_cursor")

    def test_a_cursor_beyond_all_measure_is_refused(self, ada: Account) -> None:
        response = get_raw(ada, f"{TODOS}?cursor={'a' * 8_000}")
        refused_somehow(response, {400: "invalid_cursor", 422: "validation_failed"})


BROKEN_HEADERS = [
    *(b"", b'"', b'"""', b",,,", b"W/", b'W/"', b"\xff\xfe", b'"\xff"', b'"-1"', b'"1e5"', b'"1" "2"', b"**"),
    *(b'"' * 4_000, b'"99999999999999999999"', '"\u0661"'.encode()),
]


class TestHeaders:
    @pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "Accept", "X-Request-ID"])
    def test_a_broken_one_breaks_nothing(self, ada: Account, name: str, subtests: pytest.Subtests) -> None:
        url = ada.add()["url"]
        for value in BROKEN_HEADERS:
            with subtests.test(value=value):
                headers = {name.encode(): value}
                assert ada.client.get(url, headers=headers).status_code in {200, 304}
                assert ada.client.patch(url, json={"title": "New"}, headers=headers).status_code in {200, 412}
                assert ada.client.delete(f"{TODOS}/{UUID(int=0)}", headers=headers).status_code == 404
