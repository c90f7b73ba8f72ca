"""POST /api/v1/auth/logout."""

from datetime import timedelta

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, TODOS, Account, problem, sign_in
from tests.conftest import RETIRED_KEY
from tests.serving import Surface
from tests.surfaces.test_auth_session import cookies_set
from tests.surfaces.test_auth_tokens import ME, aged, claims_of, with_bearer, with_cookie

LOGOUT = f"{AUTH}/logout"


def sign_out(client: httpx2.Client, token: str) -> httpx2.Response:
    """Ends the session of a token that is sent as a cookie."""
    client.cookies.clear()
    return client.post(LOGOUT, headers={"Cookie": f"session_token={token}"})


class TestAnswer:
    def test_it_is_empty(self, ada: Account) -> None:
        response = ada.client.post(LOGOUT)

        assert response.status_code == 204
        assert response.content == b""

    def test_nothing_may_store_it(self, ada: Account) -> None:
        assert ada.client.post(LOGOUT).headers["cache-control"] == "no-store"

    def test_it_is_the_same_without_a_session(self, client: httpx2.Client) -> None:
        assert client.post(LOGOUT).status_code == 204

    def test_it_is_the_same_the_second_time(self, ada: Account, client: httpx2.Client) -> None:
        assert [sign_out(client, ada.token).status_code for _ in range(2)] == [204, 204]

    @pytest.mark.parametrize("token", ["garbage", "a.b.c", "", "x" * 10_000])
    def test_it_is_the_same_for_garbage(self, client: httpx2.Client, token: str) -> None:
        assert sign_out(client, token).status_code == 204
        assert client.post(LOGOUT, headers={"Authorization": f"Bearer {token}".strip()}).status_code == 204

    def test_it_is_the_same_for_an_expired_token(self, ada: Account, client: httpx2.Client) -> None:
        assert sign_out(client, aged(ada.token, timedelta(days=8))).status_code == 204


class TestCookie:
    def test_the_client_forgets_it(self, ada: Account) -> None:
        ada.client.post(LOGOUT)

        assert "session_token" not in ada.client.cookies

    @pytest.mark.parametrize("scheme", ["http", "https"])
    @pytest.mark.parametrize("cookie", [None, "garbage"])
    def test_it_is_cleared_in_every_variant(self, surface: Surface, scheme: str, cookie: str | None) -> None:
        with surface.client(scheme=scheme) as client:
            response = client.post(LOGOUT, headers={"Cookie": f"session_token={cookie}"} if cookie else {})

        variants = {("secure" in cleared, cleared["samesite"]) for cleared in cookies_set(response)}
        assert variants == {(True, "none"), (False, "lax")}

    def test_each_variant_is_cleared_where_it_was_set(self, client: httpx2.Client) -> None:
        for cleared in cookies_set(client.post(LOGOUT)):
            assert cleared["value"].strip('"') == ""
            assert cleared["max-age"] == "0"
            assert cleared["path"] == "/"
            assert "domain" not in cleared
            assert "httponly" in cleared

    def test_a_half_spent_one_is_not_renewed_on_the_way_out(self, ada: Account, client: httpx2.Client) -> None:
        response = sign_out(client, aged(ada.token, timedelta(days=5)))

        assert not any(cookie["value"].strip('"') for cookie in cookies_set(response))


class TestSession:
    def test_the_old_token_is_good_no_more(self, ada: Account, client: httpx2.Client) -> None:
        token = ada.token
        ada.client.post(LOGOUT)

        problem(with_cookie(client, token), 401, "not_authenticated")
        problem(with_bearer(client, token), 401, "not_authenticated")
        problem(with_cookie(client, token, TODOS), 401, "not_authenticated")

    def test_a_bearer_token_ends_its_session(self, ada: Account, client: httpx2.Client) -> None:
        client.post(LOGOUT, headers=ada.bearer)

        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_a_bad_bearer_does_not_keep_the_cookies_session(self, ada: Account, client: httpx2.Client) -> None:
        token = ada.token
        ada.client.post(LOGOUT, headers={"Authorization": "Bearer garbage"})

        problem(with_cookie(client, token), 401, "not_authenticated")

    def test_a_token_of_the_retired_key_ends_it(self, ada: Account, client: httpx2.Client) -> None:
        sign_out(client, aged(ada.token, timedelta(), key=RETIRED_KEY))

        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_every_token_of_it_is_good_no_more(self, ada: Account, client: httpx2.Client) -> None:
        renewed = with_cookie(client, aged(ada.token, timedelta(days=5))).cookies["session_token"]
        sign_out(client, ada.token)

        problem(with_cookie(client, renewed), 401, "not_authenticated")

    def test_other_sessions_of_the_user_live_on(self, ada: Account, surface: Surface) -> None:
        with surface.client() as phone:
            sign_in(phone, ada.email)
            ada.client.post(LOGOUT)

            assert phone.get(ME).json() == ada.user

    def test_sessions_of_other_users_live_on(self, ada: Account, bob: Account) -> None:
        ada.client.post(LOGOUT)

        assert bob.client.get(ME).json() == bob.user

    def test_a_forged_token_ends_nothing(self, ada: Account, client: httpx2.Client) -> None:
        sign_out(client, aged(ada.token, timedelta(), key="a-key-that-nobody-here-has-ever-signed-with"))

        assert ada.client.get(ME).status_code == 200

    def test_a_new_sign_in_is_good_afterwards(self, ada: Account) -> None:
        ada.client.post(LOGOUT)
        sign_in(ada.client, ada.email)

        assert ada.client.get(ME).json() == ada.user

    def test_an_expired_token_ends_it(self, ada: Account, client: httpx2.Client, database_url: str) -> None:
        session = claims_of(ada.token)["sid"]
        sign_out(client, aged(ada.token, timedelta(days=8)))

        assert not postgres.query(database_url, "SELECT FROM sessions WHERE id::text = $1", session)

    def test_a_forged_token_ends_nothing_when_it_is_expired_either(self, ada: Account, client: httpx2.Client) -> None:
        sign_out(client, aged(ada.token, timedelta(days=8), key="a-key-that-nobody-here-has-ever-signed-with"))

        assert ada.client.get(ME).status_code == 200

    def test_nothing_of_it_stays_on_the_server(self, ada: Account, database_url: str) -> None:
        session = claims_of(ada.token)["sid"]
        ada.client.post(LOGOUT)

        assert not postgres.query(database_url, "SELECT FROM sessions WHERE id::text = $1", session)

    def test_it_ends_on_every_way_of_serving(
        self, ada: Account, app_surface: Surface, uvicorn_surface: Surface, lambda_surface: Surface
    ) -> None:
        token = ada.token
        ada.client.post(LOGOUT)

        for surface in (app_surface, uvicorn_surface, lambda_surface):
            with surface.client() as client:
                problem(with_bearer(client, token), 401, "not_authenticated")
