"""POST /api/v1/auth/password."""

import json
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, PASSWORD, Account, change_password, problem, read_invalid_field, sign_in
from tests.serving import Surface
from tests.surfaces.test_auth_limits import FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS, WINDOW_SECONDS
from tests.surfaces.tokens import (
    ME,
    backdate,
    fetch_session,
    get_with_bearer,
    get_with_cookie,
    read_session_cookies,
)

NEW = "wrong donkey charger nail"


def cookie_of(account: Account) -> dict[str, str]:
    return {"Cookie": f"session_token={account.token}"}


class TestResponse:
    def test_it_has_no_body(self, ada: Account) -> None:
        response = change_password(ada.client)

        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["cache-control"] == "no-store"

    def test_it_sets_a_new_cookie(self, ada: Account) -> None:
        (cookie,) = read_session_cookies(change_password(ada.client))

        assert cookie["max-age"] == str(7 * 24 * 60 * 60)
        assert "httponly" in cookie

    def test_a_bearer_token_is_answered_with_a_new_one(self, ada: Account, client: httpx2.Client) -> None:
        response = change_password(client, headers=ada.bearer)

        assert not read_session_cookies(response)
        assert get_with_bearer(client, response.headers["session-token"]).json() == ada.user

    def test_a_cookie_is_answered_without_a_token_that_scripts_can_read(self, ada: Account) -> None:
        assert "session-token" not in change_password(ada.client).headers


class TestNewPassword:
    def test_it_replaces_the_old_password(self, ada: Account, surface: Surface) -> None:
        change_password(ada.client, new=NEW)

        with surface.client() as client:
            problem(sign_in(client, ada.email), 401, "invalid_credentials")
            assert sign_in(client, ada.email, NEW).json() == ada.user

    def test_it_may_be_changed_again(self, ada: Account, surface: Surface) -> None:
        change_password(ada.client, new=NEW)
        assert change_password(ada.client, NEW, PASSWORD).status_code == 204

        with surface.client() as client:
            assert sign_in(client, ada.email).status_code == 200

    def test_it_may_equal_the_old_password(self, ada: Account) -> None:
        assert change_password(ada.client, new=PASSWORD).status_code == 204

    def test_it_is_stored_as_a_hash(self, ada: Account, database_url: str) -> None:
        change_password(ada.client, new=NEW)

        stored = "SELECT password_hash FROM users WHERE id = $1"
        (row,) = postgres.query(database_url, stored, UUID(ada.user["id"]))
        assert row["password_hash"].startswith("$bcrypt-sha256$")

    @pytest.mark.parametrize(
        "new",
        ["", "a" * 7, "😀" * 7, "a" * 257, "eight\u0000or more", "\ud800" * 8, None, 12345678],
        ids=["0", "7", "7 of four bytes", "257", "NUL", "half of a character", "null", "a number"],
    )
    def test_an_invalid_password_is_refused(self, ada: Account, new: object) -> None:
        body = json.dumps({"current_password": PASSWORD, "new_password": new})

        response = ada.client.post(f"{AUTH}/password", content=body, headers={"Content-Type": "application/json"})

        assert read_invalid_field(response) == "new_password"

    @pytest.mark.parametrize("field", ["current_password", "new_password"])
    def test_a_missing_field_is_named(self, ada: Account, field: str) -> None:
        body = {"current_password": PASSWORD, "new_password": NEW}
        del body[field]

        assert read_invalid_field(ada.client.post(f"{AUTH}/password", json=body)) == field

    def test_an_error_shows_no_password(self, ada: Account) -> None:
        body = {"current_password": "hush-hush", "new_password": "hush", "more": 1}
        response = ada.client.post(f"{AUTH}/password", json=body)

        assert response.status_code == 422
        assert "hush" not in response.text


class TestWrongPassword:
    def test_it_is_refused_and_the_session_stays_valid(self, ada: Account) -> None:
        refusal = change_password(ada.client, "a wrong password")

        problem(refusal, 403, "wrong_password")
        assert "www-authenticate" not in refusal.headers
        assert not read_session_cookies(refusal)
        assert ada.client.get(ME).status_code == 200

    def test_it_changes_nothing(self, ada: Account, surface: Surface) -> None:
        with surface.client() as other:
            sign_in(other, ada.email)
            change_password(ada.client, "a wrong password", NEW)

            assert other.get(ME).status_code == 200
            assert sign_in(other, ada.email).status_code == 200

    def test_the_password_of_another_user_is_refused(self, ada: Account, bob: Account) -> None:
        change_password(bob.client, new=NEW)

        problem(change_password(ada.client, NEW), 403, "wrong_password")

    def test_repeated_failures_are_limited(self, ada: Account) -> None:
        for _ in range(FAILURES_PER_ACCOUNT):
            problem(change_password(ada.client, "a wrong password"), 403, "wrong_password")

        limited = change_password(ada.client)
        problem(limited, 429, "too_many_attempts")
        assert 0 < int(limited.headers["retry-after"]) <= WINDOW_SECONDS

    def test_failures_from_many_addresses_count_for_the_session(self, ada: Account, surface: Surface) -> None:
        for _ in range(FAILURES_PER_ACCOUNT):
            with surface.client() as client:
                body = {"current_password": "a wrong password", "new_password": NEW}
                refusal = client.post(f"{AUTH}/password", json=body, headers=ada.bearer)
                problem(refusal, 403, "wrong_password")

        problem(change_password(ada.client), 429, "too_many_attempts")

    def test_failures_do_not_limit_logins(self, ada: Account, surface: Surface) -> None:
        for _ in range(FAILURES_PER_ACCOUNT):
            change_password(ada.client, "a wrong password")

        with surface.client() as client:
            assert sign_in(client, ada.email).status_code == 200

    def test_failed_logins_of_others_do_not_limit_it(self, ada: Account, surface: Surface) -> None:
        for _ in range(FAILURES_PER_ACCOUNT + 1):
            with surface.client() as client:
                sign_in(client, ada.email, "a wrong password")
        for _ in range(FAILURES_PER_ADDRESS + 1):
            sign_in(ada.client, f"nobody.{ada.email}", "a wrong password")

        assert change_password(ada.client, new=NEW).status_code == 204

    def test_a_right_password_clears_the_count(self, ada: Account) -> None:
        for _ in range(2):
            for _ in range(FAILURES_PER_ACCOUNT - 1):
                problem(change_password(ada.client, "a wrong password"), 403, "wrong_password")
            assert change_password(ada.client, new=PASSWORD).status_code == 204


class TestSessions:
    def test_every_other_session_ends(self, ada: Account, surface: Surface) -> None:
        with surface.client() as phone, surface.client() as program:
            sign_in(phone, ada.email)
            sign_in(program, ada.email)
            change_password(ada.client)

            problem(phone.get(ME), 401, "not_authenticated")
            problem(program.get(ME), 401, "not_authenticated")

    def test_the_current_session_stays_valid(self, ada: Account) -> None:
        change_password(ada.client)

        assert ada.client.get(ME).json() == ada.user

    @pytest.mark.parametrize("by", ["cookie", "bearer token"])
    def test_the_old_token_of_the_current_session_is_refused(
        self, ada: Account, client: httpx2.Client, by: str
    ) -> None:
        old = ada.token
        assert (
            change_password(client, headers=ada.bearer if by == "bearer token" else cookie_of(ada)).status_code == 204
        )

        problem(get_with_cookie(client, old), 401, "not_authenticated")
        problem(get_with_bearer(client, old), 401, "not_authenticated")

    def test_an_old_token_of_the_current_session_does_not_renew_it(self, ada: Account, client: httpx2.Client) -> None:
        old = backdate(ada.token, timedelta(days=5))
        change_password(ada.client)

        response = get_with_cookie(client, old)

        problem(response, 401, "not_authenticated")
        assert not read_session_cookies(response)

    def test_the_current_session_keeps_its_login_time(self, ada: Account, database_url: str) -> None:
        before = fetch_session(database_url, ada.token)
        change_password(ada.client)
        after = fetch_session(database_url, ada.token)

        assert after["created_at"] == before["created_at"]
        assert after["id"] != before["id"]

    def test_sessions_of_other_users_stay_valid(self, ada: Account, bob: Account) -> None:
        change_password(ada.client)

        assert bob.client.get(ME).status_code == 200


class TestPermissions:
    def test_a_page_of_a_foreign_origin_is_refused(self, ada: Account) -> None:
        body = {"current_password": PASSWORD, "new_password": NEW}
        foreign = {"Sec-Fetch-Site": "cross-site"}

        problem(ada.client.post(f"{AUTH}/password", json=body, headers=foreign), 403, "cross_origin")
        assert sign_in(ada.client, ada.email).status_code == 200
