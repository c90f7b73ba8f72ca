"""GET /api/v1/auth/me, and the session_token that says who asks."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests import postgres
from tests.accounts import TODOS, Account, problem, register, sign_in
from tests.serving import Surface
from tests.surfaces.test_auth_tokens import ME, WEEK, aged, claims_of, with_bearer, with_cookie


def cookies_set(response: httpx2.Response) -> list[dict[str, str]]:
    """The attributes of each session_token that the response sets, by their names in small letters."""
    found = []
    for line in response.headers.get_list("set-cookie"):
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        if name == "session_token":
            split = (attribute.partition("=") for attribute in attributes)
            found.append({"value": value} | {key.lower(): text.lower() for key, _, text in split})
    return found


def session_of(database_url: str, token: str) -> dict[str, Any]:
    (row,) = postgres.query(database_url, "SELECT * FROM sessions WHERE id = $1", UUID(claims_of(token)["sid"]))
    return dict(row)


def shorten_session(database_url: str, token: str, *, hours: int) -> None:
    """Lets the session of the token end in so many hours."""
    statement = "UPDATE sessions SET expires_at = now() + $1 * interval '1 hour' WHERE id = $2"
    postgres.query(database_url, statement, hours, UUID(claims_of(token)["sid"]))


class TestMe:
    def test_it_is_the_user(self, ada: Account) -> None:
        response = ada.client.get(ME)

        assert response.status_code == 200
        assert response.json() == ada.user

    def test_each_user_is_told_of_none_but_themselves(self, ada: Account, bob: Account) -> None:
        assert ada.client.get(ME).json()["id"] != bob.client.get(ME).json()["id"]

    def test_nothing_may_store_it(self, ada: Account) -> None:
        assert ada.client.get(ME).headers["cache-control"] == "no-store"

    def test_it_holds_neither_hash_nor_token(self, ada: Account) -> None:
        response = ada.client.get(ME)

        assert "bcrypt" not in response.text
        assert ada.token not in response.text

    def test_nobody_is_told_without_a_token(self, client: httpx2.Client) -> None:
        response = client.get(ME)

        problem(response, 401, "not_authenticated")
        assert response.headers["www-authenticate"].lower().startswith("bearer")
        assert response.headers["cache-control"] == "no-store"


class TestBearer:
    def test_a_program_may_send_the_token_as_a_header(self, ada: Account, client: httpx2.Client) -> None:
        assert with_bearer(client, ada.token).json() == ada.user

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_the_case_of_the_scheme_makes_no_difference(self, ada: Account, client: httpx2.Client, scheme: str) -> None:
        assert client.get(ME, headers={"Authorization": f"{scheme} {ada.token}"}).status_code == 200

    def test_it_comes_before_the_cookie(self, ada: Account, bob: Account) -> None:
        assert ada.client.get(ME, headers=bob.bearer).json() == bob.user

    @pytest.mark.parametrize("header", ["Bearer", "Bearer garbage", "bearer a.b.c"])
    def test_a_bad_one_is_not_saved_by_a_good_cookie(self, ada: Account, header: str) -> None:
        problem(ada.client.get(ME, headers={"Authorization": header}), 401, "not_authenticated")

    @pytest.mark.parametrize("scheme", ["Basic", "Token", "JWT"])
    def test_another_scheme_proves_nothing(self, ada: Account, client: httpx2.Client, scheme: str) -> None:
        response = client.get(ME, headers={"Authorization": f"{scheme} {ada.token}"})

        problem(response, 401, "not_authenticated")

    def test_the_token_alone_proves_nothing(self, ada: Account, client: httpx2.Client) -> None:
        problem(client.get(ME, headers={"Authorization": ada.token}), 401, "not_authenticated")


class TestCookie:
    """Read from the header: a jar would hold back what is Secure from the plain port behind a proxy."""

    def cookie_over(self, surface: Surface, scheme: str) -> dict[str, str]:
        with surface.client(scheme=scheme) as client:
            (cookie,) = cookies_set(sign_in(client, register(client)["email"]))
        return cookie

    def test_over_https_it_is_secure_and_may_come_from_other_sites(self, surface: Surface) -> None:
        cookie = self.cookie_over(surface, "https")

        assert "secure" in cookie
        assert cookie["samesite"] == "none"

    def test_over_http_it_is_neither(self, surface: Surface) -> None:
        cookie = self.cookie_over(surface, "http")

        assert "secure" not in cookie
        assert cookie["samesite"] == "lax"

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_scripts_cannot_read_it(self, surface: Surface, scheme: str) -> None:
        assert "httponly" in self.cookie_over(surface, scheme)

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_it_is_for_every_path_of_this_host_for_seven_days(self, surface: Surface, scheme: str) -> None:
        cookie = self.cookie_over(surface, scheme)

        assert cookie["path"] == "/"
        assert "domain" not in cookie
        assert cookie["max-age"] == str(7 * 24 * 60 * 60)

    def test_the_scheme_is_seen_per_request(self, surface: Surface) -> None:
        assert ["secure" in self.cookie_over(surface, scheme) for scheme in ("https", "http", "https")] == [
            True,
            False,
            True,
        ]

    def test_it_is_not_taken_from_the_url(self, ada: Account, client: httpx2.Client) -> None:
        response = client.get(ME, params={"session_token": ada.token, "access_token": ada.token})

        problem(response, 401, "not_authenticated")


class TestSession:
    def test_it_ends_with_its_row(self, ada: Account, database_url: str) -> None:
        shorten_session(database_url, ada.token, hours=0)

        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_an_ended_one_is_not_renewed(self, ada: Account, client: httpx2.Client, database_url: str) -> None:
        shorten_session(database_url, ada.token, hours=0)

        response = with_cookie(client, aged(ada.token, timedelta(days=5)))

        problem(response, 401, "not_authenticated")
        assert not cookies_set(response)

    def test_it_ends_with_its_user(self, ada: Account, database_url: str) -> None:
        postgres.query(database_url, "DELETE FROM users WHERE id = $1", UUID(ada.user["id"]))

        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_todos_are_as_closed_as_the_account(self, client: httpx2.Client, ada: Account) -> None:
        problem(with_cookie(client, "garbage", TODOS), 401, "not_authenticated")
        assert with_cookie(client, ada.token, TODOS).status_code == 200


class TestRenewal:
    OLD = WEEK / 2 + timedelta(hours=1)
    YOUNG = WEEK / 2 - timedelta(hours=1)

    def test_a_cookie_past_half_of_its_life_is_renewed(self, ada: Account, client: httpx2.Client) -> None:
        old = aged(ada.token, self.OLD)

        (cookie,) = cookies_set(with_cookie(client, old))

        renewed = claims_of(cookie["value"])
        assert renewed["exp"] > claims_of(old)["exp"]
        assert renewed["exp"] == pytest.approx((datetime.now(UTC) + WEEK).timestamp(), abs=30)
        assert {name: renewed[name] for name in ("sub", "sid")} == {
            name: claims_of(old)[name] for name in ("sub", "sid")
        }

    def test_a_younger_one_is_not(self, ada: Account, client: httpx2.Client) -> None:
        response = with_cookie(client, aged(ada.token, self.YOUNG))

        assert response.status_code == 200
        assert not cookies_set(response)

    def test_one_in_its_last_minute_is(self, ada: Account, client: httpx2.Client) -> None:
        assert cookies_set(with_cookie(client, aged(ada.token, WEEK - timedelta(minutes=1))))

    def test_one_past_its_life_is_not(self, ada: Account, client: httpx2.Client) -> None:
        response = with_cookie(client, aged(ada.token, WEEK + timedelta(minutes=1)))

        problem(response, 401, "not_authenticated")
        assert not cookies_set(response)

    def test_a_bearer_token_is_not(self, ada: Account, client: httpx2.Client, database_url: str) -> None:
        shorten_session(database_url, ada.token, hours=1)
        before = session_of(database_url, ada.token)

        response = with_bearer(client, aged(ada.token, self.OLD))

        assert response.status_code == 200
        assert "set-cookie" not in response.headers
        assert session_of(database_url, ada.token) == before

    def test_the_session_goes_on_with_it(self, ada: Account, client: httpx2.Client, database_url: str) -> None:
        shorten_session(database_url, ada.token, hours=1)

        with_cookie(client, aged(ada.token, self.OLD))

        left = session_of(database_url, ada.token)["expires_at"] - datetime.now(UTC)
        assert timedelta(0) <= WEEK - left < timedelta(minutes=1)

    def test_a_younger_one_leaves_the_session_as_it_is(
        self, ada: Account, client: httpx2.Client, database_url: str
    ) -> None:
        before = session_of(database_url, ada.token)

        with_cookie(client, aged(ada.token, self.YOUNG))

        assert session_of(database_url, ada.token)["expires_at"] == before["expires_at"]

    def test_the_new_cookie_is_good(self, ada: Account, client: httpx2.Client) -> None:
        (cookie,) = cookies_set(with_cookie(client, aged(ada.token, self.OLD)))

        assert with_cookie(client, cookie["value"]).json() == ada.user

    def test_the_new_cookie_is_not_renewed_again(self, ada: Account, client: httpx2.Client) -> None:
        (cookie,) = cookies_set(with_cookie(client, aged(ada.token, self.OLD)))

        assert not cookies_set(with_cookie(client, cookie["value"]))

    def test_requests_under_way_with_the_old_cookie_still_pass(self, ada: Account, client: httpx2.Client) -> None:
        old = aged(ada.token, self.OLD)
        with_cookie(client, old)

        assert with_cookie(client, old).status_code == 200

    @pytest.mark.parametrize(("scheme", "same_site"), [("http", "lax"), ("https", "none")])
    def test_the_new_cookie_is_set_like_the_first(
        self, surface: Surface, ada: Account, scheme: str, same_site: str
    ) -> None:
        with surface.client(scheme=scheme) as client:
            (cookie,) = cookies_set(with_cookie(client, aged(ada.token, self.OLD)))

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
    def test_whatever_is_done_with_a_todo_renews_it(
        self, ada: Account, method: str, headers: dict[str, str], body: dict[str, object] | None
    ) -> None:
        path, old = f"{TODOS}/{ada.add()['id']}", aged(ada.token, self.OLD)
        ada.client.cookies.clear()

        response = ada.client.request(method, path, headers=headers | {"Cookie": f"session_token={old}"}, json=body)

        assert response.status_code < 400
        assert len(cookies_set(response)) == 1

    @pytest.mark.parametrize("parameters", ["", "?limit=1"], ids=["whole", "with a next page"])
    def test_listing_todos_renews_it(self, ada: Account, parameters: str) -> None:
        ada.add()
        ada.add()

        response = with_cookie(ada.client, aged(ada.token, self.OLD), TODOS + parameters)

        assert response.status_code == 200
        assert len(cookies_set(response)) == 1
