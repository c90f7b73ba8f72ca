"""GET and DELETE /api/v1/auth/connections."""

import httpx2

from tests import postgres
from tests.accounts import AUTH, TODOS, UNKNOWN_ID, Account, problem
from tests.surfaces.oauth import CONNECTIONS, bearer, make_api_client, make_client, refused
from tests.surfaces.test_auth_export import export


class TestList:
    def test_it_shows_client_host_and_scopes(self, client: httpx2.Client, ada: Account) -> None:
        planner = make_client(client)
        planner.connect(ada)

        (connection,) = ada.client.get(CONNECTIONS).json()

        assert connection | {"id": "", "created_at": "", "expires_at": ""} == {
            "id": "",
            "client_id": planner.id,
            "client_name": "Planner",
            "client_host": "planner.example.com",
            "scopes": ["todos:read", "todos:write"],
            "resource": "/mcp",
            "may_delete_unasked": False,
            "created_at": "",
            "last_used_at": None,
            "expires_at": "",
        }

    def test_it_tells_the_hour_of_the_last_use(self, client: httpx2.Client, ada: Account) -> None:
        tokens = make_api_client(client).connect(ada)
        client.get(TODOS, headers=bearer(tokens))

        (connection,) = ada.client.get(CONNECTIONS).json()
        assert connection["last_used_at"].endswith(":00:00Z")

    def test_pages_contain_every_connection_once(self, client: httpx2.Client, ada: Account) -> None:
        planner = make_client(client)
        for _ in range(3):
            planner.connect(ada)
        page = ada.client.get(CONNECTIONS, params={"limit": 2})
        found = page.json() + ada.client.get(page.links["next"]["url"]).json()

        assert found == ada.client.get(CONNECTIONS).json()
        assert len(found) == 3

    def test_it_has_none_of_other_users(self, client: httpx2.Client, ada: Account, bob: Account) -> None:
        make_client(client).connect(bob)

        assert ada.client.get(CONNECTIONS).json() == []

    def test_the_export_has_them(self, client: httpx2.Client, ada: Account) -> None:
        make_client(client).connect(ada)

        assert export(ada)["connections"] == ada.client.get(CONNECTIONS).json()


class TestEnd:
    def test_all_tokens_are_refused_from_then_on(self, client: httpx2.Client, ada: Account) -> None:
        planner = make_api_client(client)
        tokens = planner.connect(ada)
        (connection,) = ada.client.get(CONNECTIONS).json()

        assert ada.client.delete(f"{CONNECTIONS}/{connection['id']}").status_code == 204

        problem(client.get(TODOS, headers=bearer(tokens)), 401, "not_authenticated")
        refused(planner.post_refresh(tokens["refresh_token"]), "invalid_grant")
        problem(ada.client.delete(f"{CONNECTIONS}/{connection['id']}"), 404, "connection_not_found")

    def test_one_of_another_user_is_not_found(self, client: httpx2.Client, ada: Account, bob: Account) -> None:
        make_client(client).connect(bob)
        (connection,) = bob.client.get(CONNECTIONS).json()

        for found in (connection["id"], UNKNOWN_ID):
            problem(ada.client.delete(f"{CONNECTIONS}/{found}"), 404, "connection_not_found")
        assert len(bob.client.get(CONNECTIONS).json()) == 1


class TestQuota:
    def test_one_beyond_it_ends_the_one_that_was_unused_for_longest(
        self, client: httpx2.Client, ada: Account, database_url: str
    ) -> None:
        planner = make_client(client)
        oldest = planner.connect(ada)
        postgres.query(
            database_url,
            """
            INSERT INTO oauth_connections (
                id, user_id, client_id, client_name, client_host, scopes, resource, refresh_family, refresh_hash,
                expires_at, created_at
            )
            SELECT id, $1, 'x', 'x', 'x', '{}', '/mcp', uuid_send(id), '', now() + interval '1 day',
                now() + interval '1 minute'
            FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 49)) AS ids
            """,
            ada.user["id"],
        )
        postgres.query(
            database_url,
            "UPDATE oauth_connections SET created_at = now() - interval '1 hour'"
            " WHERE user_id = $1 AND client_id <> 'x'",
            ada.user["id"],
        )
        planner.connect(ada)

        refused(planner.post_refresh(oldest["refresh_token"]), "invalid_grant")
        assert ada.client.get(f"{AUTH}/me/usage").json()["connections"] == {"used": 50, "limit": 50}
