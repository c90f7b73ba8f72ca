"""PATCH /api/v1/auth/me."""

import json
from typing import Any

import httpx2
import pytest

from tests.accounts import TODOS, Account, problem, read_invalid_field
from tests.surfaces.tokens import ME


def patch(account: Account, **fields: object) -> httpx2.Response:
    # json.dumps escapes half of a surrogate pair, which httpx2 would fail to encode from its parameter `json`.
    return account.client.patch(ME, content=json.dumps(fields), headers={"Content-Type": "application/json"})


class TestResponse:
    @pytest.mark.parametrize(
        "fields",
        [
            {"name": "Ada"},
            {"timezone": "Europe/London"},
            {"name": "Ada", "timezone": "Europe/London"},
            {"name": None},
            {"name": ""},
            {},
        ],
        ids=str,
    )
    def test_it_returns_the_changed_user(self, ada: Account, fields: dict[str, Any]) -> None:
        response = patch(ada, **fields)

        assert response.status_code == 200
        assert response.json() == ada.user | fields
        assert ada.client.get(ME).json() == ada.user | fields

    def test_the_response_may_not_be_cached(self, ada: Account) -> None:
        assert patch(ada, name="Ada").headers["cache-control"] == "no-store"

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_trailing_slash_does_not_redirect(self, ada: Account, slash: str) -> None:
        assert ada.client.patch(f"{ME}{slash}", json={"name": "Ada"}).status_code == 200


class TestMergePatch:
    def test_absent_fields_stay_unchanged(self, ada: Account) -> None:
        patch(ada, name="Ada", timezone="Europe/London")

        assert patch(ada, timezone="Asia/Kolkata").json()["name"] == "Ada"
        assert patch(ada, name="Ada L.").json()["timezone"] == "Asia/Kolkata"

    def test_null_clears_the_name(self, ada: Account) -> None:
        patch(ada, name="Ada")

        assert patch(ada, name=None).json()["name"] is None

    def test_the_time_zone_cannot_be_cleared(self, ada: Account) -> None:
        patch(ada, timezone="Europe/London")

        assert read_invalid_field(patch(ada, timezone=None)) == "timezone"
        assert ada.client.get(ME).json()["timezone"] == "Europe/London"

    def test_one_invalid_field_refuses_the_whole_change(self, ada: Account) -> None:
        assert read_invalid_field(patch(ada, name="Ada", timezone="Mars/Olympus_Mons")) == "timezone"

        assert ada.client.get(ME).json() == ada.user


class TestFields:
    def test_a_name_is_trimmed_and_composed(self, ada: Account) -> None:
        assert patch(ada, name="  Rene\u0301 ").json()["name"] == "Ren\u00e9"

    @pytest.mark.parametrize("name", ["Ada\u0000", "Ada\u001b[31m", "\ud800", pytest.param("a" * 201, id="long"), 7])
    def test_an_invalid_name_is_refused(self, ada: Account, name: object) -> None:
        assert read_invalid_field(patch(ada, name=name)) == "name"

    @pytest.mark.parametrize("timezone", ["", "Mars/Olympus_Mons", "../etc/passwd", "localtime", "+02:00", "\ud800", 7])
    def test_an_invalid_time_zone_is_refused(self, ada: Account, timezone: object) -> None:
        assert read_invalid_field(patch(ada, timezone=timezone)) == "timezone"

    @pytest.mark.parametrize("field", ["id", "email", "password", "created_at", "password_hash", "Name"])
    def test_an_unknown_field_is_named(self, ada: Account, field: str) -> None:
        assert read_invalid_field(patch(ada, **{field: "x"})) == field
        assert ada.client.get(ME).json() == ada.user

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"name":', b'"Ada"'])
    def test_a_body_that_is_not_an_object_is_refused(self, ada: Account, body: bytes) -> None:
        response = ada.client.patch(ME, content=body, headers={"Content-Type": "application/json"})

        assert read_invalid_field(response) == "body"


class TestPermissions:
    def test_profiles_of_other_users_stay_unchanged(self, ada: Account, bob: Account) -> None:
        patch(ada, name="Ada")

        assert bob.client.get(ME).json() == bob.user

    def test_a_bearer_token_is_accepted(self, ada: Account, client: httpx2.Client) -> None:
        assert client.patch(ME, json={"name": "Ada"}, headers=ada.bearer).json()["name"] == "Ada"

    def test_a_page_of_a_foreign_origin_is_refused(self, ada: Account) -> None:
        foreign = {"Origin": "https://evil.example.net"}

        problem(ada.client.patch(ME, json={"name": "Eve"}, headers=foreign), 403, "cross_origin")
        assert ada.client.get(ME).json() == ada.user

    def test_the_session_stays_valid(self, ada: Account) -> None:
        patch(ada, name="Ada")

        assert ada.client.get(TODOS).status_code == 200
