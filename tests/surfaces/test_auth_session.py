"""GET /api/v1/auth/me, and authentication by session cookie and bearer token."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx2
import pytest
from jose import jwt

from tests import postgres
from tests.accounts import CHAT, TODOS, UNKNOWN_TODO, Account, Newcomers, problem, register, sign_in
from tests.conftest import RETIRED_KEY
from tests.model_replies import Say
from tests.scripted_model import ScriptedModel
from tests.serving import Surface
from tests.surfaces.tokens import (
    ME,
    WEEK,
    age_session,
    backdate,
    fetch_session,
    get_with_bearer,
    get_with_cookie,
    read_claims,
    read_session_cookies,
    set_session_expiry,
)


class TestMe:
    def test_it_returns_the_user(self, ada: Account) -> None:
        response = ada.client.get(ME)

        assert response.status_code == 200
        assert response.json() == ada.user

    def test_each_user_sees_only_themselves(self, ada: Account, bob: Account) -> None:
        assert ada.client.get(ME).json()["id"] != bob.client.get(ME).json()["id"]

    def test_the_response_may_not_be_cached(self, ada: Account) -> None:
        assert ada.client.get(ME).headers["cache-control"] == "no-store"

    def test_it_contains_neither_hash_nor_token(self, ada: Account) -> None:
        response = ada.client.get(ME)

        assert "bcrypt" not in response.text
        assert ada.token not in response.text

    def test_a_request_without_a_token_is_refused(self, client: httpx2.Client) -> None:
        response = client.get(ME)

        problem(response, 401, "not_authenticated")
        assert response.headers["www-authenticate"].lower().startswith("bearer")
        assert response.headers["cache-control"] == "no-store"


class TestBearer:
    def test_the_token_is_accepted_as_a_bearer_token(self, ada: Account, client: httpx2.Client) -> None:
        assert get_with_bearer(client, ada.token).json() == ada.user

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_the_case_of_the_scheme_is_ignored(self, ada: Account, client: httpx2.Client, scheme: str) -> None:
        assert client.get(ME, headers={"Authorization": f"{scheme} {ada.token}"}).status_code == 200

    def test_it_takes_precedence_over_the_cookie(self, ada: Account, bob: Account) -> None:
        assert ada.client.get(ME, headers=bob.bearer).json() == bob.user

    @pytest.mark.parametrize("header", ["Bearer", "Bearer garbage", "bearer a.b.c"])
    def test_a_valid_cookie_does_not_replace_an_invalid_bearer_token(self, ada: Account, header: str) -> None:
        problem(ada.client.get(ME, headers={"Authorization": header}), 401, "not_authenticated")

    @pytest.mark.parametrize("scheme", ["Basic", "Token", "JWT"])
    def test_other_schemes_are_refused(self, ada: Account, client: httpx2.Client, scheme: str) -> None:
        response = client.get(ME, headers={"Authorization": f"{scheme} {ada.token}"})

        problem(response, 401, "not_authenticated")

    def test_a_token_without_a_scheme_is_refused(self, ada: Account, client: httpx2.Client) -> None:
        problem(client.get(ME, headers={"Authorization": ada.token}), 401, "not_authenticated")


class TestCookie:
    """Tests of the session cookie's attributes in the Set-Cookie header of a login, over http and https."""

    def sign_in_over(self, surface: Surface, scheme: str) -> dict[str, str]:
        with surface.client(scheme=scheme) as client:
            (cookie,) = read_session_cookies(sign_in(client, register(client)["email"]))
        return cookie

    def test_over_https_it_is_secure_and_sent_by_other_sites(self, surface: Surface) -> None:
        cookie = self.sign_in_over(surface, "https")

        assert "secure" in cookie
        assert cookie["samesite"] == "none"

    def test_over_http_it_is_lax_and_not_secure(self, surface: Surface) -> None:
        cookie = self.sign_in_over(surface, "http")

        assert "secure" not in cookie
        assert cookie["samesite"] == "lax"

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_scripts_cannot_read_it(self, surface: Surface, scheme: str) -> None:
        assert "httponly" in self.sign_in_over(surface, scheme)

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_it_is_valid_for_the_whole_host_for_seven_days(self, surface: Surface, scheme: str) -> None:
        cookie = self.sign_in_over(surface, scheme)

        assert cookie["path"] == "/"
        assert "domain" not in cookie
        assert cookie["max-age"] == str(7 * 24 * 60 * 60)

    def test_the_cookie_is_secure_over_https_only(self, surface: Surface) -> None:
        assert ["secure" in self.sign_in_over(surface, scheme) for scheme in ("https", "http", "https")] == [
            True,
            False,
            True,
        ]

    def test_a_token_in_the_url_is_refused(self, ada: Account, client: httpx2.Client) -> None:
        response = client.get(ME, params={"session_token": ada.token, "access_token": ada.token})

        problem(response, 401, "not_authenticated")


class TestSession:
    def test_an_expired_session_is_refused(self, ada: Account, database_url: str) -> None:
        set_session_expiry(database_url, ada.token, hours=0)

        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_an_expired_session_is_not_renewed(self, ada: Account, client: httpx2.Client, database_url: str) -> None:
        set_session_expiry(database_url, ada.token, hours=0)

        response = get_with_cookie(client, backdate(ada.token, timedelta(days=5)))

        problem(response, 401, "not_authenticated")
        assert not read_session_cookies(response)

    @pytest.mark.parametrize("by", ["cookie", "bearer token"])
    def test_a_session_is_refused_90_days_after_its_login(
        self, ada: Account, client: httpx2.Client, database_url: str, by: str
    ) -> None:
        get = get_with_cookie if by == "cookie" else get_with_bearer
        age_session(database_url, ada.token, timedelta(days=89, hours=23))
        assert get(client, ada.token).status_code == 200

        age_session(database_url, ada.token, timedelta(days=90, minutes=1))
        problem(get(client, ada.token), 401, "not_authenticated")

    def test_a_token_does_not_outlive_its_session(self, ada: Account, client: httpx2.Client, database_url: str) -> None:
        in_ten_years = datetime.now(UTC) + timedelta(days=3650)
        token = jwt.encode(read_claims(ada.token) | {"exp": in_ten_years}, RETIRED_KEY)
        assert get_with_bearer(client, token).status_code == 200

        set_session_expiry(database_url, ada.token, hours=0)
        problem(get_with_bearer(client, token), 401, "not_authenticated")

    def test_the_session_of_a_deleted_user_is_refused(self, ada: Account, database_url: str) -> None:
        postgres.query(database_url, "DELETE FROM users WHERE id = $1", UUID(ada.user["id"]))

        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_todos_need_a_valid_session_too(self, client: httpx2.Client, ada: Account) -> None:
        problem(get_with_cookie(client, "garbage", TODOS), 401, "not_authenticated")
        assert get_with_cookie(client, ada.token, TODOS).status_code == 200


class TestRenewal:
    AFTER_HALF = WEEK / 2 + timedelta(hours=1)
    BEFORE_HALF = WEEK / 2 - timedelta(hours=1)

    def test_a_cookie_is_renewed_in_the_second_half_of_its_lifetime(self, ada: Account, client: httpx2.Client) -> None:
        old = backdate(ada.token, self.AFTER_HALF)

        (cookie,) = read_session_cookies(get_with_cookie(client, old))

        renewed = read_claims(cookie["value"])
        assert renewed["exp"] > read_claims(old)["exp"]
        assert renewed["exp"] == pytest.approx((datetime.now(UTC) + WEEK).timestamp(), abs=30)
        assert {name: renewed[name] for name in ("sub", "sid")} == {
            name: read_claims(old)[name] for name in ("sub", "sid")
        }

    def test_a_cookie_is_not_renewed_in_the_first_half(self, ada: Account, client: httpx2.Client) -> None:
        response = get_with_cookie(client, backdate(ada.token, self.BEFORE_HALF))

        assert response.status_code == 200
        assert not read_session_cookies(response)

    def test_a_cookie_is_renewed_in_its_last_minute(self, ada: Account, client: httpx2.Client) -> None:
        assert read_session_cookies(get_with_cookie(client, backdate(ada.token, WEEK - timedelta(minutes=1))))

    def test_an_expired_cookie_is_not_renewed(self, ada: Account, client: httpx2.Client) -> None:
        response = get_with_cookie(client, backdate(ada.token, WEEK + timedelta(minutes=1)))

        problem(response, 401, "not_authenticated")
        assert not read_session_cookies(response)

    def test_a_bearer_token_is_not_renewed(self, ada: Account, client: httpx2.Client, database_url: str) -> None:
        set_session_expiry(database_url, ada.token, hours=1)
        before = fetch_session(database_url, ada.token)

        response = get_with_bearer(client, backdate(ada.token, self.AFTER_HALF))

        assert response.status_code == 200
        assert "set-cookie" not in response.headers
        assert fetch_session(database_url, ada.token) == before

    def test_the_session_is_extended_with_the_cookie(
        self, ada: Account, client: httpx2.Client, database_url: str
    ) -> None:
        set_session_expiry(database_url, ada.token, hours=1)

        get_with_cookie(client, backdate(ada.token, self.AFTER_HALF))

        remaining = fetch_session(database_url, ada.token)["expires_at"] - datetime.now(UTC)
        assert timedelta(0) <= WEEK - remaining < timedelta(minutes=1)

    def test_the_session_is_not_extended_in_the_first_half(
        self, ada: Account, client: httpx2.Client, database_url: str
    ) -> None:
        before = fetch_session(database_url, ada.token)

        get_with_cookie(client, backdate(ada.token, self.BEFORE_HALF))

        assert fetch_session(database_url, ada.token)["expires_at"] == before["expires_at"]

    def test_the_new_cookie_is_valid(self, ada: Account, client: httpx2.Client) -> None:
        (cookie,) = read_session_cookies(get_with_cookie(client, backdate(ada.token, self.AFTER_HALF)))

        assert get_with_cookie(client, cookie["value"]).json() == ada.user

    def test_the_new_cookie_is_not_renewed_again(self, ada: Account, client: httpx2.Client) -> None:
        (cookie,) = read_session_cookies(get_with_cookie(client, backdate(ada.token, self.AFTER_HALF)))

        assert not read_session_cookies(get_with_cookie(client, cookie["value"]))

    def test_the_old_cookie_stays_valid(self, ada: Account, client: httpx2.Client) -> None:
        old = backdate(ada.token, self.AFTER_HALF)
        get_with_cookie(client, old)

        assert get_with_cookie(client, old).status_code == 200

    def test_the_cookie_does_not_outlive_the_absolute_end(
        self, ada: Account, client: httpx2.Client, database_url: str
    ) -> None:
        age_session(database_url, ada.token, timedelta(days=89))

        (cookie,) = read_session_cookies(get_with_cookie(client, backdate(ada.token, self.AFTER_HALF)))

        day = timedelta(days=1).total_seconds()
        assert int(cookie["max-age"]) == pytest.approx(day, abs=60)
        assert read_claims(cookie["value"])["exp"] == pytest.approx(datetime.now(UTC).timestamp() + day, abs=60)
        remaining = fetch_session(database_url, ada.token)["expires_at"] - datetime.now(UTC)
        assert remaining < timedelta(days=1, minutes=1)

    @pytest.mark.parametrize(("scheme", "same_site"), [("http", "lax"), ("https", "none")])
    def test_the_new_cookie_has_the_attributes_of_the_first(
        self, surface: Surface, ada: Account, scheme: str, same_site: str
    ) -> None:
        with surface.client(scheme=scheme) as client:
            (cookie,) = read_session_cookies(get_with_cookie(client, backdate(ada.token, self.AFTER_HALF)))

        assert cookie["samesite"] == same_site
        assert ("secure" in cookie) == (scheme == "https")
        assert "httponly" in cookie
        assert cookie["path"] == "/"
        assert cookie["max-age"] == str(7 * 24 * 60 * 60)

    @pytest.mark.parametrize(
        ("method", "headers", "body"),
        [
            ("GET", {}, None),
            ("GET", {"If-None-Match": '"1"'}, None),
            ("PATCH", {}, {"completed": True}),
            ("DELETE", {}, None),
        ],
        ids=["read", "not modified", "update", "delete"],
    )
    def test_every_operation_on_a_todo_renews_the_cookie(
        self, ada: Account, method: str, headers: dict[str, str], body: dict[str, object] | None
    ) -> None:
        path, old = f"{TODOS}/{ada.add()['id']}", backdate(ada.token, self.AFTER_HALF)
        ada.client.cookies.clear()

        response = ada.client.request(method, path, headers=headers | {"Cookie": f"session_token={old}"}, json=body)

        assert response.status_code < 400
        assert len(read_session_cookies(response)) == 1

    def test_an_error_renews_the_cookie_too(self, ada: Account) -> None:
        response = get_with_cookie(ada.client, backdate(ada.token, self.AFTER_HALF), UNKNOWN_TODO)

        assert response.status_code == 404
        assert len(read_session_cookies(response)) == 1

    @pytest.mark.parametrize("end", ["DELETE FROM sessions", "UPDATE sessions SET id = gen_random_uuid()"])
    def test_a_session_that_ends_during_the_request_gets_no_cookie(
        self, ada: Account, scripted: ScriptedModel, database_url: str, end: str
    ) -> None:
        old = backdate(ada.token, self.AFTER_HALF)

        def end_session(_: object) -> Say:
            postgres.query(database_url, f"{end} WHERE user_id = $1", UUID(ada.user["id"]))
            return Say("Hello.")

        scripted.answer_with(end_session)
        ada.client.cookies.clear()
        response = ada.client.post(CHAT, json={"message": "Hello"}, headers={"Cookie": f"session_token={old}"})

        assert response.status_code == 200
        assert not read_session_cookies(response)

    def test_parallel_requests_renew_a_session_once(self, app_surface: Surface, newcomers: Newcomers) -> None:
        with app_surface.client() as client:
            old = backdate(newcomers.sign_in(client).token, self.AFTER_HALF)

        def count_cookies(_: int) -> int:
            with app_surface.client() as client:
                return len(read_session_cookies(get_with_cookie(client, old)))

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(count_cookies, range(24))) == 1

    @pytest.mark.parametrize("parameters", ["", "?limit=1"], ids=["whole", "with a next page"])
    def test_listing_todos_renews_the_cookie(self, ada: Account, parameters: str) -> None:
        ada.add()
        ada.add()

        response = get_with_cookie(ada.client, backdate(ada.token, self.AFTER_HALF), TODOS + parameters)

        assert response.status_code == 200
        assert len(read_session_cookies(response)) == 1
