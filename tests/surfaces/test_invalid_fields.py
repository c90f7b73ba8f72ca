"""Todos with invalid fields: each invalid field is named, and nothing is stored."""

import json
from typing import Any

import pytest

from tests.accounts import TODOS, Account
from tests.surfaces.raw_requests import errors_of, fields_named, send

MAX_LAMBDA_RESPONSE_BYTES = 6 * 1024 * 1024
INVALID_VALUES: dict[str, list[Any]] = {
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
INVALID_TAGS: list[Any] = [None, 1, True, [], {}, "", " ", "a" * 51, "a\0", "a\nb", "\ud800"]
UNKNOWN_FIELDS = [
    *("id", "url", "version", "created_at", "updated_at", "completed_at", "user_id", "deleted_at", "words"),
    *("Title", "titel", "__class__", "a.b", "ü", "🥛", "\0"),
]


class TestFields:
    @pytest.mark.parametrize("field", INVALID_VALUES)
    def test_create_names_the_field_with_an_invalid_value(
        self, ada: Account, field: str, subtests: pytest.Subtests
    ) -> None:
        for value in INVALID_VALUES[field]:
            with subtests.test(value=value):
                assert fields_named(ada, {"title": "Buy milk", field: value}) == [field]
        assert ada.titles() == []

    @pytest.mark.parametrize("field", INVALID_VALUES)
    def test_update_names_the_field_with_an_invalid_value(
        self, ada: Account, field: str, subtests: pytest.Subtests
    ) -> None:
        todo = ada.add()
        for value in INVALID_VALUES[field]:
            with subtests.test(value=value):
                assert fields_named(ada, {field: value}, method="PATCH", url=todo["url"]) == [field]
        assert ada.client.get(todo["url"]).json() == todo

    def test_an_invalid_tag_is_named_by_its_index(self, ada: Account, subtests: pytest.Subtests) -> None:
        for tag in INVALID_TAGS:
            with subtests.test(tag=tag):
                assert fields_named(ada, {"title": "Buy milk", "tags": ["home", tag]}) == ["tags.1"]

    def test_an_unknown_field_is_named(self, ada: Account, subtests: pytest.Subtests) -> None:
        todo = ada.add()
        for name in UNKNOWN_FIELDS:
            with subtests.test(name=name):
                assert fields_named(ada, {"title": "Buy bread", name: 1}) == [name]
                assert fields_named(ada, {"title": "Buy bread", name: 1}, method="PATCH", url=todo["url"]) == [name]
        assert ada.titles() == ["Buy milk"]

    @pytest.mark.parametrize("name", ["title", "priority", "tags", "completed"])
    def test_fields_without_an_empty_value_may_not_be_null(self, ada: Account, name: str) -> None:
        assert list(errors_of(ada.client.post(TODOS, json={"title": "Buy milk", name: None}))) == [name]

    def test_all_invalid_fields_are_named(self, ada: Account) -> None:
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

    def test_each_invalid_field_has_its_code(self, ada: Account) -> None:
        body = {"title": " ", "completed": "yes", "tags": ["home", ""], "color": "red"}
        assert errors_of(ada.client.post(TODOS, json=body)) == {
            "title": "blank",
            "completed": "wrong_type",
            "tags.1": "too_short",
            "color": "unknown_field",
        }

    def test_a_missing_title_is_named(self, ada: Account) -> None:
        assert errors_of(ada.client.post(TODOS, json={})) == {"title": "missing"}

    def test_a_field_name_with_an_unpaired_surrogate_is_refused(self, ada: Account) -> None:
        assert errors_of(send(ada, b'{"title": "Buy milk", "\\ud800": 1}'))

    def test_the_last_of_two_equal_field_names_counts(self, ada: Account) -> None:
        assert send(ada, b'{"title": "First", "title": "Second"}').json()["title"] == "Second"
        assert list(errors_of(send(ada, b'{"title": "First", "title": 2}'))) == ["title"]

    def test_a_title_of_a_megabyte_is_refused(self, ada: Account) -> None:
        assert errors_of(ada.client.post(TODOS, json={"title": "a" * 1024**2})) == {"title": "too_long"}

    @pytest.mark.parametrize("body", [b'{"order": NaN}', b'{"order": Infinity}', b'{"order": -Infinity}'])
    def test_numbers_that_json_lacks_are_refused(self, ada: Account, body: bytes) -> None:
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
    def test_the_response_to_many_errors_fits_into_lambdas_limit(self, ada: Account, body: str) -> None:
        response = send(ada, body.encode())
        assert len(response.content) < MAX_LAMBDA_RESPONSE_BYTES
        errors_of(response)
