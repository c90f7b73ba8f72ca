"""Bodies that are not JSON objects, have another content type or are too large."""

import re

import pytest

from tests.accounts import AUTH, CHAT, TODOS, Account, problem
from tests.surfaces.raw_requests import (
    JSON,
    MAX_BODY_BYTES,
    assert_refused,
    errors_of,
    send,
    send_chunked,
    todo_of_size,
)

NOT_OBJECTS = [b"null", b"[]", b'"Buy milk"', b"1", b"true", b'[{"title": "Buy milk"}]', b"NaN"]
NOT_JSON = [
    *(b"{", b'{"title":', b'{"title": "Buy milk",}', b"{'title': 'Buy milk'}", b'{title: "Buy milk"}'),
    *(b'{"title": "Buy milk"} and more', b'{"title": "Buy milk"}{"title": "Buy bread"}', b'{"title": "Buy\nmilk"}'),
    *(b'{"title": "\\x41"}', b'{"title": "\\u12"}', b'{"order": 01}', b'{"order": .5}', b'{"completed": True}'),
    *(b"title=Buy+milk", b"<todo/>", b"undefined", b" ", b"\x00"),
]
UTF_16_AND_32 = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
NOT_UTF_8 = [b'\x00{"title": "Buy milk"}', b'{"title": "\xff"}', b'{"title": "caf\xe9"}', b'{"title": "\xc3"}', b"\x80"]
OTHER_MEDIA_TYPES = [
    *(None, "", ";", "json", "a/b/c", "*/*", "text/plain", "text/json", "application/jsonx"),
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/octet-stream"),
]


class TestBodies:
    def test_a_body_that_is_not_an_object_is_refused(self, ada: Account, subtests: pytest.Subtests) -> None:
        url = ada.add()["url"]
        for body in NOT_OBJECTS:
            with subtests.test(body=body):
                assert list(errors_of(send(ada, body))) == ["body"]
                assert list(errors_of(send(ada, body, method="PATCH", url=url))) == ["body"]

    @pytest.mark.parametrize("media_type", [JSON, None, "text/plain"])
    def test_an_empty_body_is_reported_as_missing(self, ada: Account, media_type: str | None) -> None:
        assert errors_of(send(ada, b"", media_type=media_type)) == {"body": "missing"}
        patched = send(ada, b"", media_type=media_type, method="PATCH", url=ada.add()["url"])
        assert errors_of(patched) == {"body": "missing"}

    def test_a_body_that_is_not_json_is_refused(self, ada: Account, subtests: pytest.Subtests) -> None:
        for body in NOT_JSON:
            with subtests.test(body=body):
                assert errors_of(send(ada, body)) == {"body": "invalid_json"}

    def test_the_message_says_where_the_json_is_invalid(self, ada: Account) -> None:
        [error] = problem(send(ada, b'{"title": "Buy milk",}'), 422, "validation_failed")["errors"]
        assert re.search(r"\d", error["message"]), error["message"]

    def test_a_body_that_is_not_utf_8_is_refused(self, ada: Account, subtests: pytest.Subtests) -> None:
        for body in NOT_UTF_8:
            with subtests.test(body=body):
                problem(send(ada, body), 400, "malformed_body")

    @pytest.mark.parametrize("encoding", UTF_16_AND_32)
    @pytest.mark.parametrize("path", [TODOS, f"{AUTH}/login", f"{AUTH}/register"])
    def test_json_in_another_encoding_is_refused(self, ada: Account, path: str, encoding: str) -> None:
        body = '{"title": "Buy milk", "email": "ada@example.com", "password": "correct horse"}'.encode(encoding)

        problem(send(ada, body, url=path), 400, "malformed_body")

    def test_json_in_another_encoding_is_refused_in_small_chunks(self, ada: Account) -> None:
        body = '{"title": "Buy milk"}'.encode("utf-16-le")

        problem(send_chunked(ada, *(body[place : place + 1] for place in range(len(body)))), 400, "malformed_body")

    @pytest.mark.parametrize(
        "number", [b"1" * 5_000, b"-" + b"1" * 5_000, b"1e999999", b"-1e999999", b"NaN", b"Infinity"]
    )
    @pytest.mark.parametrize("path", [TODOS, f"{TODOS}/batch", f"{AUTH}/login", f"{AUTH}/register", CHAT])
    def test_an_absurd_number_is_refused(self, ada: Account, path: str, number: bytes) -> None:
        for body in (b'{"x": %s}', b'{"title": %s, "email": %s}', b"%s", b'{"x": [{"y": %s}]}'):
            response = send(ada, body.replace(b"%s", number), url=path)
            assert_refused(response, {400: "malformed_body", 422: "validation_failed"})

    def test_surrogates_encoded_as_utf_8_are_refused(self, ada: Account) -> None:
        assert list(errors_of(send(ada, b'{"title": "\xed\xa0\x80"}'))) == ["title"]

    @pytest.mark.parametrize("levels", [100, 500, 1_000, 10_000, 100_000])
    @pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
    def test_a_deeply_nested_body_is_refused(
        self, ada: Account, opening: str, closing: str, levels: int, subtests: pytest.Subtests
    ) -> None:
        nested = f"{opening * levels}1{closing * levels}"
        for body in (nested, f'{{"title": {nested}}}', f'{{"title": "a", "tags": {nested}}}', f'{{"x": {nested}}}'):
            with subtests.test(body=body[:20]):
                assert_refused(send(ada, body.encode()), {400: "malformed_body", 422: "validation_failed"})

    def test_a_body_of_opening_brackets_is_refused(self, ada: Account) -> None:
        assert_refused(send(ada, b"[" * 100_000), {400: "malformed_body", 422: "validation_failed"})

    def test_a_number_of_ten_thousand_digits_is_refused(self, ada: Account) -> None:
        response = send(ada, b'{"title": "Buy milk", "order": %s}' % (b"1" * 10_000))
        assert_refused(response, {400: "malformed_body", 422: "validation_failed"})

    def test_a_content_type_other_than_json_is_refused(self, ada: Account, subtests: pytest.Subtests) -> None:
        url, body = ada.add()["url"], b'{"title": "Buy oat milk"}'
        for media_type in OTHER_MEDIA_TYPES:
            with subtests.test(media_type=media_type):
                problem(send(ada, body, media_type=media_type), 415, "unsupported_media_type")
                patched = send(ada, body, media_type=media_type, method="PATCH", url=url)
                problem(patched, 415, "unsupported_media_type")
        assert ada.titles() == ["Buy milk"]

    @pytest.mark.parametrize("media_type", [JSON, "APPLICATION/JSON", "application/json; charset=utf-8"])
    def test_every_spelling_of_the_json_content_type_is_accepted(self, ada: Account, media_type: str) -> None:
        assert send(ada, b'{"title": "Buy milk"}', media_type=media_type).status_code == 201


class TestLargeBodies:
    @pytest.mark.parametrize("path", [TODOS, f"{AUTH}/login", f"{AUTH}/register"])
    def test_a_content_length_over_the_limit_is_refused(self, ada: Account, path: str) -> None:
        problem(send(ada, todo_of_size(5_000_000), url=path), 413, "content_too_large")

    @pytest.mark.parametrize("path", [TODOS, f"{AUTH}/login", f"{AUTH}/register"])
    def test_a_chunked_body_over_the_limit_is_refused(self, ada: Account, path: str) -> None:
        problem(send_chunked(ada, *[b"a" * 1_000_000] * 5, path=path), 413, "content_too_large")

    def test_one_byte_over_the_limit_is_refused(self, ada: Account) -> None:
        problem(send(ada, todo_of_size(MAX_BODY_BYTES + 1)), 413, "content_too_large")
        problem(send_chunked(ada, todo_of_size(MAX_BODY_BYTES), b" "), 413, "content_too_large")

    def test_a_body_of_exactly_the_limit_is_read(self, ada: Account) -> None:
        assert errors_of(send(ada, todo_of_size(MAX_BODY_BYTES))) == {"title": "too_long"}
        assert errors_of(send_chunked(ada, todo_of_size(MAX_BODY_BYTES))) == {"title": "too_long"}

    def test_a_chunked_body_within_the_limit_is_accepted(self, ada: Account) -> None:
        assert send_chunked(ada, b'{"title": ', b'"Buy ', b'milk"}').json()["title"] == "Buy milk"

    def test_a_patch_over_the_limit_is_refused(self, ada: Account) -> None:
        problem(send(ada, todo_of_size(5_000_000), method="PATCH", url=ada.add()["url"]), 413, "content_too_large")
        assert ada.titles() == ["Buy milk"]

    def test_a_body_over_the_limit_is_refused_by_routes_that_read_none(self, ada: Account) -> None:
        problem(send(ada, todo_of_size(5_000_000), method="DELETE", url=ada.add()["url"]), 413, "content_too_large")
        assert ada.titles() == ["Buy milk"]

    def test_the_connection_stays_usable_after_a_refusal(self, ada: Account) -> None:
        ada.add()
        send(ada, todo_of_size(5_000_000))
        assert ada.titles() == ["Buy milk"]

    def test_the_size_is_checked_before_the_content_type(self, ada: Account) -> None:
        # 3 MB exceed the limit of the service. As Base64 they are 4 MB, which still fit Lambda's event of 6 MB.
        problem(send(ada, todo_of_size(3_000_000), media_type="text/plain"), 413, "content_too_large")
