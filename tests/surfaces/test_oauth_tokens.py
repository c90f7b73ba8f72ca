"""POST /oauth/token and /oauth/revoke: codes, refresh tokens, their reuse, and access tokens at the API."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests import postgres
from tests.accounts import TODOS, Account, change_password, close_account, problem
from tests.surfaces.oauth import (
    API,
    CALLBACK,
    CONNECTIONS,
    MCP,
    OAuthClient,
    bearer,
    make_api_client,
    make_client,
    read_answer,
    refused,
    submit,
)
from tests.surfaces.tokens import ME


@pytest.fixture
def planner(client: httpx2.Client) -> OAuthClient:
    """A public client that works at the REST API."""
    return make_api_client(client)


class TestCode:
    def test_it_becomes_tokens(self, planner: OAuthClient, ada: Account) -> None:
        response = planner.post_code(planner.get_code(ada))

        assert response.status_code == 200
        tokens = response.json()
        assert tokens["access_token"].startswith("todo_oat_")
        assert tokens["refresh_token"].startswith("todo_ort_")
        assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)
        assert tokens["scope"] == "account:read todos:read todos:write"
        assert response.headers["cache-control"] == "no-store"

    def test_a_second_use_ends_the_tokens_of_the_first(self, planner: OAuthClient, ada: Account) -> None:
        code = planner.get_code(ada)
        tokens = planner.post_code(code).json()
        assert planner.http.get(TODOS, headers=bearer(tokens)).status_code == 200

        refused(planner.post_code(code), "invalid_grant")

        problem(planner.http.get(TODOS, headers=bearer(tokens)), 401, "not_authenticated")
        refused(planner.post_refresh(tokens["refresh_token"]), "invalid_grant")
        assert ada.client.get(CONNECTIONS).json() == []

    def test_concurrent_uses_leave_no_connection(self, planner: OAuthClient, ada: Account) -> None:
        code = planner.get_code(ada)

        with ThreadPoolExecutor(4) as pool:
            statuses = sorted(response.status_code for response in pool.map(planner.post_code, [code] * 4))

        assert statuses == [200, 400, 400, 400]
        assert ada.client.get(CONNECTIONS).json() == []

    def test_it_expires_after_a_minute(self, planner: OAuthClient, ada: Account, database_url: str) -> None:
        code = planner.get_code(ada)
        postgres.query(
            database_url,
            "UPDATE oauth_codes SET expires_at = expires_at - interval '61 seconds' WHERE user_id = $1",
            ada.user["id"],
        )

        refused(planner.post_code(code), "invalid_grant")

    @pytest.mark.parametrize(
        "changes",
        [
            {"code_verifier": "w" * 43},
            {"code_verifier": "v" * 42},
            {"redirect_uri": f"{CALLBACK}/other"},
            {"redirect_uri": f"{CALLBACK}?next=/"},
        ],
        ids=str,
    )
    def test_a_wrong_proof_uses_it_up(self, planner: OAuthClient, ada: Account, changes: dict[str, str]) -> None:
        code = planner.get_code(ada)

        refused(planner.post_code(code, **changes), "invalid_grant")
        refused(planner.post_code(code), "invalid_grant")
        assert ada.client.get(CONNECTIONS).json() == []

    def test_another_client_cannot_use_it(self, planner: OAuthClient, ada: Account) -> None:
        code = planner.get_code(ada)

        refused(make_client(planner.http).post_code(code), "invalid_grant")

    def test_another_resource_is_no_target(self, planner: OAuthClient, ada: Account) -> None:
        refused(planner.post_code(planner.get_code(ada), resource=MCP), "invalid_target")
        refused(planner.post_code(planner.get_code(ada), resource="https://other.example.com"), "invalid_target")
        assert planner.post_code(planner.get_code(ada), resource=API).status_code == 200

    @pytest.mark.parametrize("missing", ["grant_type", "code", "code_verifier", "client_id"])
    def test_each_parameter_is_needed(self, planner: OAuthClient, ada: Account, missing: str) -> None:
        refused(planner.post_code(planner.get_code(ada), **{missing: None}), "invalid_request")

    @pytest.mark.parametrize("code", ["", "todo_oac_", "x" * 4000, "todo_oac_" + "0" * 40, "\x00", "é"])
    def test_an_invented_code_is_refused(self, planner: OAuthClient, code: str) -> None:
        assert planner.post_code(code).status_code == 400

    def test_the_grant_of_passwords_does_not_exist(self, planner: OAuthClient, ada: Account) -> None:
        for grant in ("password", "client_credentials", "implicit", "urn:ietf:params:oauth:grant-type:device_code"):
            refused(planner.post_token(grant_type=grant, username=ada.email), "unsupported_grant_type")


class TestBody:
    def test_json_is_refused(self, planner: OAuthClient) -> None:
        refused(planner.http.post("/oauth/token", json={"grant_type": "refresh_token"}), "invalid_request")

    def test_a_repeated_parameter_is_refused(self, planner: OAuthClient) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = f"client_id={planner.id}&grant_type=refresh_token&grant_type=refresh_token"

        refused(planner.http.post("/oauth/token", content=body, headers=form), "invalid_request")

    @pytest.mark.parametrize("body", [b"a=\xff", b"a=%ff", b"&".join(b"a%d=1" % n for n in range(200))], ids=repr)
    def test_an_unreadable_form_is_refused(self, planner: OAuthClient, body: bytes) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}

        refused(planner.http.post("/oauth/token", content=body, headers=form), "invalid_request")

    def test_parameters_in_the_url_do_not_count(self, planner: OAuthClient, ada: Account) -> None:
        code = planner.get_code(ada)
        url = f"/oauth/token?grant_type=authorization_code&code={code}&client_id={planner.id}"

        refused(planner.http.post(url, data={"state": "x"}), "invalid_request")


class TestRefresh:
    def test_it_makes_new_tokens_and_the_old_access_token_goes_on(self, planner: OAuthClient, ada: Account) -> None:
        first = planner.connect(ada)

        second = planner.post_refresh(first["refresh_token"]).json()

        assert len({first["refresh_token"], second["refresh_token"]}) == 2
        for tokens in (first, second):
            assert planner.http.get(TODOS, headers=bearer(tokens)).status_code == 200
        assert len(ada.client.get(CONNECTIONS).json()) == 1

    def test_reuse_ends_all_tokens_of_the_connection(self, planner: OAuthClient, ada: Account) -> None:
        first = planner.connect(ada)
        second = planner.post_refresh(first["refresh_token"]).json()
        third = planner.post_refresh(second["refresh_token"]).json()

        refused(planner.post_refresh(first["refresh_token"]), "invalid_grant")

        refused(planner.post_refresh(third["refresh_token"]), "invalid_grant")
        for tokens in (first, second, third):
            problem(planner.http.get(TODOS, headers=bearer(tokens)), 401, "not_authenticated")
        assert ada.client.get(CONNECTIONS).json() == []

    def test_of_concurrent_uses_one_wins_and_the_others_end_the_connection(
        self, planner: OAuthClient, ada: Account
    ) -> None:
        token = planner.connect(ada)["refresh_token"]

        with ThreadPoolExecutor(4) as pool:
            statuses = sorted(response.status_code for response in pool.map(planner.post_refresh, [token] * 4))

        assert statuses == [200, 400, 400, 400]
        assert ada.client.get(CONNECTIONS).json() == []

    def test_reuse_ends_no_other_connection(self, planner: OAuthClient, ada: Account) -> None:
        other, first = planner.connect(ada), planner.connect(ada)
        planner.post_refresh(first["refresh_token"])
        refused(planner.post_refresh(first["refresh_token"]), "invalid_grant")

        assert planner.post_refresh(other["refresh_token"]).status_code == 200

    def test_another_client_cannot_use_it(self, planner: OAuthClient, ada: Account) -> None:
        tokens = planner.connect(ada)

        refused(make_client(planner.http).post_refresh(tokens["refresh_token"]), "invalid_grant")
        assert planner.post_refresh(tokens["refresh_token"]).status_code == 200

    def test_it_may_ask_for_fewer_scopes_and_get_all_back_later(self, planner: OAuthClient, ada: Account) -> None:
        tokens = planner.connect(ada)

        fewer = planner.post_refresh(tokens["refresh_token"], scope="todos:read").json()

        assert fewer["scope"] == "todos:read"
        assert planner.http.get(TODOS, headers=bearer(fewer)).status_code == 200
        problem(planner.http.post(TODOS, json={"title": "A"}, headers=bearer(fewer)), 403, "insufficient_scope")
        assert planner.post_refresh(fewer["refresh_token"]).json()["scope"] == tokens["scope"]

    @pytest.mark.parametrize("scope", ["chat", "todos:read chat", "admin", "todos:read todos:read chat"])
    def test_it_cannot_ask_for_more(self, planner: OAuthClient, ada: Account, scope: str) -> None:
        tokens = planner.connect(ada)

        refused(planner.post_refresh(tokens["refresh_token"], scope=scope), "invalid_scope")
        assert planner.post_refresh(tokens["refresh_token"]).status_code == 200

    def test_another_resource_is_no_target(self, planner: OAuthClient, ada: Account) -> None:
        tokens = planner.connect(ada)

        refused(planner.post_refresh(tokens["refresh_token"], resource=MCP), "invalid_target")
        assert planner.post_refresh(tokens["refresh_token"], resource=API).status_code == 200

    def test_it_ends_without_use(self, planner: OAuthClient, ada: Account, database_url: str) -> None:
        tokens = planner.connect(ada)
        postgres.query(
            database_url, "UPDATE oauth_connections SET expires_at = now() WHERE user_id = $1", ada.user["id"]
        )

        refused(planner.post_refresh(tokens["refresh_token"]), "invalid_grant")
        assert ada.client.get(CONNECTIONS).json() == []

    def test_use_cannot_prolong_it_beyond_its_absolute_end(
        self, planner: OAuthClient, ada: Account, database_url: str
    ) -> None:
        tokens = planner.connect(ada)
        postgres.query(
            database_url,
            "UPDATE oauth_connections SET created_at = now() - interval '89 days 23 hours' WHERE user_id = $1",
            ada.user["id"],
        )
        planner.post_refresh(tokens["refresh_token"])

        (row,) = postgres.query(
            database_url,
            "SELECT expires_at - now() < interval '61 minutes' AS ends FROM oauth_connections WHERE user_id = $1",
            ada.user["id"],
        )
        assert row["ends"]

    def test_an_access_token_is_none(self, planner: OAuthClient, ada: Account) -> None:
        tokens = planner.connect(ada)

        refused(planner.post_refresh(tokens["access_token"]), "invalid_grant")
        problem(
            planner.http.get(TODOS, headers={"Authorization": f"Bearer {tokens['refresh_token']}"}),
            401,
            "not_authenticated",
        )


class TestAccessToken:
    def test_it_opens_its_scopes_only(self, client: httpx2.Client, ada: Account) -> None:
        tokens = make_api_client(client, "todos:read").connect(ada)

        assert client.get(TODOS, headers=bearer(tokens)).status_code == 200
        problem(client.post(TODOS, json={"title": "A"}, headers=bearer(tokens)), 403, "insufficient_scope")
        problem(client.get(ME, headers=bearer(tokens)), 403, "insufficient_scope")

    def test_one_for_mcp_is_refused_at_the_api(self, client: httpx2.Client, ada: Account) -> None:
        tokens = make_client(client).connect(ada)

        problem(client.get(TODOS, headers=bearer(tokens)), 401, "not_authenticated")

    def test_it_expires(self, planner: OAuthClient, ada: Account, database_url: str) -> None:
        tokens = planner.connect(ada)
        postgres.query(
            database_url,
            "UPDATE oauth_access_tokens SET expires_at = now() WHERE connection_id IN"
            " (SELECT id FROM oauth_connections WHERE user_id = $1)",
            ada.user["id"],
        )

        problem(planner.http.get(TODOS, headers=bearer(tokens)), 401, "not_authenticated")

    def test_it_does_nothing_that_needs_a_session(self, planner: OAuthClient, ada: Account) -> None:
        tokens = planner.connect(ada)

        for path in ("/api/v1/auth/tokens", CONNECTIONS, "/api/v1/auth/sessions"):
            problem(planner.http.get(path, headers=bearer(tokens)), 403, "insufficient_scope")

    def test_the_change_log_names_the_client(self, planner: OAuthClient, ada: Account) -> None:
        planner.http.post(TODOS, json={"title": "A"}, headers=bearer(planner.connect(ada)))

        (change,) = ada.client.get(f"{TODOS}/changes", params={"since": 0}).json()
        assert (change["actor"]["kind"], change["actor"]["token"]) == ("token", "Planner")

    def test_it_is_no_cookie(self, planner: OAuthClient, ada: Account, client: httpx2.Client) -> None:
        cookie = {"Cookie": f"session_token={planner.connect(ada)['access_token']}"}

        problem(client.get(TODOS, headers=cookie), 401, "not_authenticated")

    def test_the_database_has_hashes_only(self, planner: OAuthClient, ada: Account, database_url: str) -> None:
        tokens = planner.connect(ada)

        stored = [
            str(value)
            for table in ("oauth_connections", "oauth_access_tokens", "oauth_codes")
            for row in postgres.query(database_url, f"SELECT * FROM {table}")  # noqa: S608 - constants
            for value in row.values()
        ]
        assert not [text for text in stored if tokens["access_token"] in text or tokens["refresh_token"] in text]

    def test_at_most_ten_are_valid_at_once(self, planner: OAuthClient, ada: Account) -> None:
        first = last = planner.connect(ada)
        for _ in range(10):
            last = planner.post_refresh(last["refresh_token"]).json()

        problem(planner.http.get(TODOS, headers=bearer(first)), 401, "not_authenticated")
        assert planner.http.get(TODOS, headers=bearer(last)).status_code == 200

    def test_a_password_change_ends_no_connection(self, planner: OAuthClient, ada: Account) -> None:
        tokens = planner.connect(ada)
        assert change_password(ada.client).status_code == 204

        assert planner.http.get(TODOS, headers=bearer(tokens)).status_code == 200

    def test_closing_the_account_ends_it(self, planner: OAuthClient, ada: Account) -> None:
        tokens = planner.connect(ada)
        assert close_account(ada.client).status_code == 204

        problem(planner.http.get(TODOS, headers=bearer(tokens)), 401, "not_authenticated")
        refused(planner.post_refresh(tokens["refresh_token"]), "invalid_grant")


class TestSecret:
    @pytest.fixture
    def confidential(self, client: httpx2.Client) -> OAuthClient:
        return make_client(client, token_endpoint_auth_method="client_secret_post")

    def test_it_is_needed(self, confidential: OAuthClient, ada: Account) -> None:
        code = confidential.get_code(ada)

        for secret in (None, "", "wrong"):
            refused(confidential.post_code(code, client_secret=secret), "invalid_client", 401)
        assert confidential.post_code(code).status_code == 200

    def test_it_may_come_in_the_header(self, confidential: OAuthClient, ada: Account) -> None:
        code = confidential.get_code(ada)
        fields = {"grant_type": "authorization_code", "code": code, "code_verifier": "v" * 43}

        wrong = confidential.http.post("/oauth/token", data=fields, auth=(confidential.id, "wrong"))
        right = confidential.http.post("/oauth/token", data=fields, auth=(confidential.id, confidential.secret or ""))

        refused(wrong, "invalid_client", 401)
        assert wrong.headers["www-authenticate"] == 'Basic realm="todo-backend"'
        assert right.status_code == 200

    @pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic YQ==", "Bearer abc", "Basic /////w=="])
    def test_a_malformed_header_is_refused(self, confidential: OAuthClient, header: str) -> None:
        fields = {"grant_type": "refresh_token", "refresh_token": "x"}

        response = confidential.http.post("/oauth/token", data=fields, headers={"Authorization": header})

        refused(response, "invalid_client", 401)

    def test_a_public_client_has_none(self, planner: OAuthClient, ada: Account) -> None:
        refused(planner.post_code(planner.get_code(ada), client_secret="x"), "invalid_client", 401)

    def test_a_refresh_needs_it_too(self, confidential: OAuthClient, ada: Account) -> None:
        token = confidential.connect(ada)["refresh_token"]

        refused(confidential.post_refresh(token, client_secret=None), "invalid_client", 401)
        assert confidential.post_refresh(token).status_code == 200

    @pytest.mark.parametrize("client_id", ["x", "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22", "\x00", "a" * 4096])
    def test_an_unknown_client_is_refused(self, planner: OAuthClient, client_id: str) -> None:
        assert planner.post_refresh("x", client_id=client_id).status_code in {400, 401}


class TestRevoke:
    def test_a_refresh_token_ends_the_connection(self, planner: OAuthClient, ada: Account) -> None:
        tokens = planner.connect(ada)

        assert planner.post("/oauth/revoke", token=tokens["refresh_token"]).status_code == 200

        problem(planner.http.get(TODOS, headers=bearer(tokens)), 401, "not_authenticated")
        assert ada.client.get(CONNECTIONS).json() == []

    def test_an_access_token_ends_alone(self, planner: OAuthClient, ada: Account) -> None:
        tokens = planner.connect(ada)

        assert planner.post("/oauth/revoke", token=tokens["access_token"]).status_code == 200

        problem(planner.http.get(TODOS, headers=bearer(tokens)), 401, "not_authenticated")
        assert planner.post_refresh(tokens["refresh_token"]).status_code == 200

    def test_an_unknown_token_is_no_error(self, planner: OAuthClient) -> None:
        for token in ("x", "todo_ort_" + "0" * 40, "todo_pat_" + "0" * 40):
            assert planner.post("/oauth/revoke", token=token, token_type_hint="refresh_token").status_code == 200

    def test_a_token_of_another_client_stays(self, planner: OAuthClient, ada: Account) -> None:
        tokens = planner.connect(ada)
        other = make_client(planner.http)

        for kind in ("access_token", "refresh_token"):
            refused(other.post("/oauth/revoke", token=tokens[kind]), "unauthorized_client")
        assert planner.http.get(TODOS, headers=bearer(tokens)).status_code == 200


class TestDeletingUnasked:
    @pytest.mark.parametrize(("fields", "allowed"), [({}, False), ({"may_delete_unasked": "yes"}, True)])
    def test_the_user_decides(
        self, client: httpx2.Client, ada: Account, fields: dict[str, str], *, allowed: bool
    ) -> None:
        make_client(client).connect(ada, fields=fields)

        (connection,) = ada.client.get(CONNECTIONS).json()
        assert connection["may_delete_unasked"] is allowed

    def test_a_client_cannot_ask_for_it(self, client: httpx2.Client, ada: Account) -> None:
        planner = make_client(client)
        page = planner.ask(ada, may_delete_unasked="yes")
        code = read_answer(submit(ada.client, page, decision="allow"))["code"]
        planner.post_code(code)

        (connection,) = ada.client.get(CONNECTIONS).json()
        assert connection["may_delete_unasked"] is False
