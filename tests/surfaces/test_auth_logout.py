"""POST /api/v1/auth/logout."""

from datetime import timedelta

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, TODOS, Account, problem, sign_in
from tests.conftest import RETIRED_KEY
from tests.serving import Surface
from tests.surfaces.tokens import ME, backdate, get_with_bearer, get_with_cookie, read_claims, read_session_cookies

LOGOUT = f"{AUTH}/logout"


def sign_out(client: httpx2.Client, token: str) -> httpx2.Response:
    """Sends a logout with this session token as the only cookie, valid or not. Returns the response."""
    client.cookies.clear()
    return client.post(LOGOUT, headers={"Cookie": f"session_token={token}"})


class TestResponse:
    def test_the_response_to_a_logout_has_no_body(self, ada: Account) -> None:
        response = ada.client.post(LOGOUT)

        assert response.status_code == 204
        assert response.content == b""
        assert "content-type" not in response.headers

    def test_the_response_may_not_be_cached(self, ada: Account) -> None:
        assert ada.client.post(LOGOUT).headers["cache-control"] == "no-store"

    def test_it_succeeds_without_a_session(self, client: httpx2.Client) -> None:
        assert client.post(LOGOUT).status_code == 204

    def test_it_succeeds_twice(self, ada: Account, client: httpx2.Client) -> None:
        assert [sign_out(client, ada.token).status_code for _ in range(2)] == [204, 204]

    @pytest.mark.parametrize("token", ["garbage", "a.b.c", "", "x" * 10_000])
    def test_it_succeeds_with_an_invalid_token(self, client: httpx2.Client, token: str) -> None:
        assert sign_out(client, token).status_code == 204
        assert client.post(LOGOUT, headers={"Authorization": f"Bearer {token}".strip()}).status_code == 204

    def test_it_succeeds_with_an_expired_token(self, ada: Account, client: httpx2.Client) -> None:
        assert sign_out(client, backdate(ada.token, timedelta(days=8))).status_code == 204


class TestCookie:
    def test_the_client_deletes_it(self, ada: Account) -> None:
        ada.client.post(LOGOUT)

        assert "session_token" not in ada.client.cookies

    @pytest.mark.parametrize("scheme", ["http", "https"])
    @pytest.mark.parametrize("cookie", [None, "garbage"])
    def test_it_is_cleared_in_every_variant(self, surface: Surface, scheme: str, cookie: str | None) -> None:
        with surface.client(scheme=scheme) as client:
            response = client.post(LOGOUT, headers={"Cookie": f"session_token={cookie}"} if cookie else {})

        variants = {("secure" in cleared, cleared["samesite"]) for cleared in read_session_cookies(response)}
        assert variants == {(True, "none"), (False, "lax")}

    def test_each_variant_is_cleared_where_it_was_set(self, client: httpx2.Client) -> None:
        for cleared in read_session_cookies(client.post(LOGOUT)):
            assert cleared["value"].strip('"') == ""
            assert cleared["max-age"] == "0"
            assert cleared["path"] == "/"
            assert "domain" not in cleared
            assert "httponly" in cleared

    def test_it_is_not_renewed(self, ada: Account, client: httpx2.Client) -> None:
        response = sign_out(client, backdate(ada.token, timedelta(days=5)))

        assert not any(cookie["value"].strip('"') for cookie in read_session_cookies(response))


class TestSession:
    def test_its_token_is_refused_afterwards(self, ada: Account, client: httpx2.Client) -> None:
        token = ada.token
        ada.client.post(LOGOUT)

        problem(get_with_cookie(client, token), 401, "not_authenticated")
        problem(get_with_bearer(client, token), 401, "not_authenticated")
        problem(get_with_cookie(client, token, TODOS), 401, "not_authenticated")

    def test_a_bearer_token_ends_its_session(self, ada: Account, client: httpx2.Client) -> None:
        client.post(LOGOUT, headers=ada.bearer)

        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_cookie_and_bearer_token_of_two_sessions_both_end(
        self, ada: Account, surface: Surface, client: httpx2.Client
    ) -> None:
        cookie = ada.token
        with surface.client() as program:
            bearer = sign_in(program, ada.email).cookies["session_token"]
        ada.client.post(LOGOUT, headers={"Authorization": f"Bearer {bearer}"})

        problem(get_with_bearer(client, cookie), 401, "not_authenticated")
        problem(get_with_bearer(client, bearer), 401, "not_authenticated")

    def test_an_invalid_bearer_token_does_not_protect_the_session_of_the_cookie(
        self, ada: Account, client: httpx2.Client
    ) -> None:
        token = ada.token
        ada.client.post(LOGOUT, headers={"Authorization": "Bearer garbage"})

        problem(get_with_cookie(client, token), 401, "not_authenticated")

    def test_a_token_of_the_retired_key_ends_it(self, ada: Account, client: httpx2.Client) -> None:
        sign_out(client, backdate(ada.token, timedelta(), key=RETIRED_KEY))

        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_all_its_tokens_are_refused_afterwards(self, ada: Account, client: httpx2.Client) -> None:
        renewed = get_with_cookie(client, backdate(ada.token, timedelta(days=5))).cookies["session_token"]
        sign_out(client, ada.token)

        problem(get_with_cookie(client, renewed), 401, "not_authenticated")

    def test_other_sessions_of_the_user_stay_valid(self, ada: Account, surface: Surface) -> None:
        with surface.client() as phone:
            sign_in(phone, ada.email)
            ada.client.post(LOGOUT)

            assert phone.get(ME).json() == ada.user

    def test_sessions_of_other_users_stay_valid(self, ada: Account, bob: Account) -> None:
        ada.client.post(LOGOUT)

        assert bob.client.get(ME).json() == bob.user

    def test_a_forged_token_ends_no_session(self, ada: Account, client: httpx2.Client) -> None:
        sign_out(client, backdate(ada.token, timedelta(), key="a-key-that-nobody-here-has-ever-signed-with"))

        assert ada.client.get(ME).status_code == 200

    def test_the_user_can_sign_in_again(self, ada: Account) -> None:
        ada.client.post(LOGOUT)
        sign_in(ada.client, ada.email)

        assert ada.client.get(ME).json() == ada.user

    def test_an_expired_token_ends_it(self, ada: Account, client: httpx2.Client, database_url: str) -> None:
        session = read_claims(ada.token)["sid"]
        sign_out(client, backdate(ada.token, timedelta(days=8)))

        assert not postgres.query(database_url, "SELECT FROM sessions WHERE id::text = $1", session)

    def test_an_expired_forged_token_ends_no_session(self, ada: Account, client: httpx2.Client) -> None:
        sign_out(client, backdate(ada.token, timedelta(days=8), key="a-key-that-nobody-here-has-ever-signed-with"))

        assert ada.client.get(ME).status_code == 200

    def test_its_row_is_deleted(self, ada: Account, database_url: str) -> None:
        session = read_claims(ada.token)["sid"]
        ada.client.post(LOGOUT)

        assert not postgres.query(database_url, "SELECT FROM sessions WHERE id::text = $1", session)

    def test_it_ends_on_every_surface(
        self, ada: Account, app_surface: Surface, uvicorn_surface: Surface, lambda_surface: Surface
    ) -> None:
        token = ada.token
        ada.client.post(LOGOUT)

        for surface in (app_surface, uvicorn_surface, lambda_surface):
            with surface.client() as client:
                problem(get_with_bearer(client, token), 401, "not_authenticated")
