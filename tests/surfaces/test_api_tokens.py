"""GET, POST and DELETE /api/v1/auth/tokens, and requests with API tokens."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from zlib import crc32

import httpx2
import pytest

from tests import postgres
from tests.accounts import (
    AUTH,
    TODOS,
    UNKNOWN_ID,
    Account,
    change_password,
    close_account,
    problem,
    read_invalid_field,
)
from tests.conftest import FRONT_END
from tests.surfaces.api_tokens import (
    BASE_62,
    SCOPES,
    TOKENS,
    Json,
    bearer,
    create_token,
    expire,
    invent_token,
    list_tokens,
    post_token,
    set_last_used,
)
from tests.surfaces.tokens import ME
from todo_core.limits import Quotas

QUOTA = Quotas().api_tokens
INVALID_TOKEN = (
    'Bearer realm="todo-backend", error="invalid_token", error_description="The bearer token is not valid: it is '
    'malformed, has expired or was revoked; sign in, or make a new token."'
)
ADD_TOKENS = """
    INSERT INTO api_tokens (id, user_id, name, token_hash, scopes)
    SELECT id, $1, 'Backup', sha256(id::text::bytea), '{chat}'
    FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $2)) AS ids
"""


def read_base_62(text: str) -> int:
    number = 0
    for character in text:
        number = number * 62 + BASE_62.index(character)
    return number


def start_of_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def read_last_used(account: Account) -> datetime | None:
    (token,) = list_tokens(account)
    return token["last_used_at"] and datetime.fromisoformat(token["last_used_at"])


class TestCreate:
    def test_the_response_describes_the_token(self, ada: Account) -> None:
        end = "2090-01-01T00:00:00Z"
        token = create_token(ada, "todos:read", "account:read", name=" Café: nightly ", expires_at=end)

        assert token | {"id": "", "token": "", "created_at": ""} == {
            "id": "",
            "name": "Café: nightly",
            "scopes": ["account:read", "todos:read"],
            "created_at": "",
            "last_used_at": None,
            "expires_at": end,
            "may_delete_unasked": False,
            "token": "",
        }
        assert abs(datetime.now(UTC) - datetime.fromisoformat(token["created_at"])) < timedelta(minutes=1)

    def test_the_token_ends_with_its_checksum(self, ada: Account) -> None:
        match = re.fullmatch("todo_pat_([0-9A-Za-z]{34})([0-9A-Za-z]{6})", create_token(ada)["token"])

        assert match
        assert read_base_62(match[2]) == crc32(match[1].encode())

    def test_the_database_has_the_hash_only(self, ada: Account, database_url: str) -> None:
        token = create_token(ada)["token"]

        (row,) = postgres.query(database_url, "SELECT * FROM api_tokens WHERE user_id = $1", ada.user["id"])

        assert row["token_hash"] == sha256(token.encode()).digest()
        assert not [value for value in row.values() if token in str(value)]

    def test_a_repeated_scope_counts_once(self, ada: Account) -> None:
        assert create_token(ada, "chat", "chat", "account:read")["scopes"] == ["account:read", "chat"]

    def test_it_may_allow_to_delete_unasked(self, ada: Account) -> None:
        assert create_token(ada, may_delete_unasked=True)["may_delete_unasked"] is True
        assert [token["may_delete_unasked"] for token in list_tokens(ada)] == [True]

    def test_the_response_may_not_be_cached(self, ada: Account) -> None:
        assert post_token(ada).headers["cache-control"] == "no-store"

    def test_a_repeated_request_makes_another_token(self, ada: Account, database_url: str) -> None:
        body = {"name": "Backup", "scopes": ["todos:read"]}
        sent = [ada.client.post(TOKENS, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert len({response.json()["token"] for response in sent}) == 2
        assert postgres.query(database_url, "SELECT FROM idempotency_keys WHERE user_id = $1", ada.user["id"]) == []

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"name": " "}, "name"),
            ({"name": "x" * 101}, "name"),
            ({"name": "a\x00b"}, "name"),
            ({"name": None}, "name"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["todos:delete"]}, "scopes.0"),
            ({"scopes": "chat"}, "scopes"),
            ({"scopes": ["chat"] * 21}, "scopes"),
            ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
            ({"expires_at": "2090-01-01"}, "expires_at"),
            ({"expires_at": "9999-12-31T23:59:59.999999Z"}, "expires_at"),
            ({"may_delete_unasked": 1}, "may_delete_unasked"),
            ({"token": "todo_pat_mine"}, "token"),
        ],
        ids=str,
    )
    def test_an_invalid_field_is_named(self, ada: Account, fields: Json, field: str) -> None:
        assert read_invalid_field(post_token(ada, **fields)) == field
        assert list_tokens(ada) == []


class TestQuota:
    def test_a_token_beyond_the_quota_is_refused(self, ada: Account, database_url: str) -> None:
        token = create_token(ada)
        postgres.query(database_url, ADD_TOKENS, ada.user["id"], QUOTA - 1)

        refused = problem(post_token(ada), 403, "quota_exceeded")

        assert (refused["quota"], refused["limit"]) == ("api_tokens", QUOTA)
        assert ada.client.get(f"{AUTH}/me/usage").json()["api_tokens"] == {"used": QUOTA, "limit": QUOTA}
        assert ada.client.delete(f"{TOKENS}/{token['id']}").status_code == 204
        assert post_token(ada).status_code == 201

    def test_expired_tokens_do_not_count(self, ada: Account, database_url: str) -> None:
        token = create_token(ada)
        postgres.query(database_url, ADD_TOKENS, ada.user["id"], QUOTA - 1)
        expire(database_url, token)

        assert ada.client.get(f"{AUTH}/me/usage").json()["api_tokens"]["used"] == QUOTA - 1
        assert post_token(ada).status_code == 201
        problem(post_token(ada), 403, "quota_exceeded")

    def test_concurrent_requests_do_not_pass_the_quota(self, ada: Account, database_url: str) -> None:
        postgres.query(database_url, ADD_TOKENS, ada.user["id"], QUOTA - 1)

        with ThreadPoolExecutor(10) as clients:
            statuses = [response.status_code for response in clients.map(lambda _: post_token(ada), range(10))]

        assert sorted(statuses) == [201, *[403] * 9]


class TestList:
    def test_it_has_all_but_the_token_the_newest_first(self, ada: Account) -> None:
        made = [create_token(ada, name=name) for name in ("One", "Two")]

        listed = list_tokens(ada)

        assert listed == [{name: token[name] for name in token if name != "token"} for token in reversed(made)]

    def test_it_has_no_expired_tokens(self, ada: Account, database_url: str) -> None:
        expire(database_url, create_token(ada))
        create_token(ada, name="Valid")

        assert [token["name"] for token in list_tokens(ada)] == ["Valid"]

    def test_it_has_no_tokens_of_other_users(self, ada: Account, bob: Account) -> None:
        create_token(bob)

        assert list_tokens(ada) == []

    def test_pages_contain_every_token_once(self, ada: Account) -> None:
        for number in range(5):
            create_token(ada, name=f"Number {number}")
        page = ada.client.get(TOKENS, params={"limit": 2})
        found = page.json()
        while following := page.links.get("next"):
            page = ada.client.get(following["url"])
            found += page.json()

        assert found == list_tokens(ada)
        assert len(found) == 5


class TestDelete:
    def test_the_token_is_refused_from_then_on(self, ada: Account, client: httpx2.Client) -> None:
        token = create_token(ada)
        assert client.get(TODOS, headers=bearer(token)).status_code == 200

        assert ada.client.delete(f"{TOKENS}/{token['id']}").status_code == 204

        for _ in range(2):
            refused = client.get(TODOS, headers=bearer(token))
            problem(refused, 401, "not_authenticated")
            assert refused.headers["www-authenticate"] == INVALID_TOKEN
        assert list_tokens(ada) == []

    def test_a_deleted_token_is_not_found(self, ada: Account) -> None:
        token = create_token(ada)
        ada.client.delete(f"{TOKENS}/{token['id']}")

        problem(ada.client.delete(f"{TOKENS}/{token['id']}"), 404, "token_not_found")
        problem(ada.client.delete(f"{TOKENS}/{UNKNOWN_ID}"), 404, "token_not_found")

    def test_a_token_of_another_user_is_not_found(self, ada: Account, bob: Account, client: httpx2.Client) -> None:
        token = create_token(bob)

        problem(ada.client.delete(f"{TOKENS}/{token['id']}"), 404, "token_not_found")
        assert client.get(TODOS, headers=bearer(token)).status_code == 200


class TestUse:
    def test_a_program_reads_and_writes_with_its_scopes(self, ada: Account, client: httpx2.Client) -> None:
        token = create_token(ada, "todos:read", "todos:write")

        created = client.post(TODOS, json={"title": "Buy milk"}, headers=bearer(token))

        assert created.status_code == 201
        assert client.get(TODOS, headers=bearer(token)).json() == ada.client.get(TODOS).json() == [created.json()]

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_the_scheme_is_case_insensitive(self, ada: Account, client: httpx2.Client, scheme: str) -> None:
        headers = {"Authorization": f"{scheme} {create_token(ada)['token']}"}

        assert client.get(ME, headers=headers).json() == ada.user

    def test_a_cookie_beside_it_is_ignored(self, ada: Account, bob: Account) -> None:
        token = create_token(ada, "account:read")

        assert bob.client.get(ME, headers=bearer(token)).json() == ada.user
        problem(bob.client.get(TODOS, headers=bearer(token)), 403, "insufficient_scope")

    def test_a_page_of_another_site_may_send_it(self, ada: Account, client: httpx2.Client) -> None:
        headers = bearer(create_token(ada)) | {"Origin": "https://evil.example.com", "Sec-Fetch-Site": "cross-site"}

        assert client.post(TODOS, json={"title": "Buy milk"}, headers=headers).status_code == 201

    def test_a_page_of_an_allowed_origin_may_send_it(self, ada: Account, client: httpx2.Client) -> None:
        response = client.get(TODOS, headers=bearer(create_token(ada)) | {"Origin": FRONT_END})

        assert response.headers["access-control-allow-origin"] == FRONT_END

    def test_as_a_cookie_it_is_refused(self, ada: Account, client: httpx2.Client) -> None:
        response = client.get(TODOS, headers={"Cookie": f"session_token={create_token(ada)['token']}"})

        problem(response, 401, "not_authenticated")
        assert response.headers["www-authenticate"] == 'Bearer realm="todo-backend"'

    def test_in_the_url_it_is_refused(self, ada: Account, client: httpx2.Client) -> None:
        problem(client.get(ME, params={"access_token": create_token(ada)["token"]}), 401, "not_authenticated")

    def test_a_logout_with_it_changes_nothing(self, ada: Account, client: httpx2.Client) -> None:
        token = create_token(ada)

        assert client.post(f"{AUTH}/logout", headers=bearer(token)).status_code == 204
        assert client.get(ME, headers=bearer(token)).status_code == 200
        assert ada.client.get(ME).status_code == 200

    def test_it_survives_a_password_change(self, ada: Account, client: httpx2.Client) -> None:
        token = create_token(ada)
        assert change_password(ada.client).status_code == 204

        assert client.get(ME, headers=bearer(token)).status_code == 200

    def test_closing_the_account_ends_it(self, ada: Account, client: httpx2.Client) -> None:
        token = create_token(ada)
        assert close_account(ada.client).status_code == 204

        problem(client.get(ME, headers=bearer(token)), 401, "not_authenticated")

    def test_a_session_as_a_bearer_token_may_make_tokens(self, ada: Account, client: httpx2.Client) -> None:
        body = {"name": "Backup", "scopes": SCOPES}

        assert client.post(TOKENS, json=body, headers=ada.bearer).status_code == 201


def _change(token: str, place: int) -> str:
    """Returns the token with another character at a place, which a checksum must notice."""
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]


FORGERIES: dict[str, Callable[[str], str]] = {
    "another character": lambda token: _change(token, 20),
    "another checksum": lambda token: _change(token, 48),
    "no last character": lambda token: token[:-1],
    "one more character": lambda token: token + "0",
    "the prefix alone": lambda _: "todo_pat_",
    "upper case": lambda token: token.upper(),
    "a space": lambda token: token[:30] + " " + token[31:],
    "text outside ASCII": lambda token: token[:-1] + "é",
    "unknown, with a valid checksum": lambda _: invent_token(),
    "4 kB": lambda _: f"todo_pat_{4000 * 'x'}",
}


class TestRefusal:
    @pytest.mark.parametrize("kind", FORGERIES)
    def test_a_forged_token_is_invalid(self, ada: Account, client: httpx2.Client, kind: str) -> None:
        forged = FORGERIES[kind](create_token(ada)["token"])

        refused = client.get(ME, headers={b"Authorization": b"Bearer " + forged.encode("latin-1")})

        problem(refused, 401, "not_authenticated")
        assert refused.headers["www-authenticate"] == INVALID_TOKEN

    def test_an_expired_token_is_invalid(self, ada: Account, client: httpx2.Client, database_url: str) -> None:
        token = create_token(ada, expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
        assert client.get(ME, headers=bearer(token)).status_code == 200
        expire(database_url, token)

        refused = client.get(ME, headers=bearer(token))

        problem(refused, 401, "not_authenticated")
        assert refused.headers["www-authenticate"] == INVALID_TOKEN

    def test_a_missing_scope_is_named(self, ada: Account, client: httpx2.Client) -> None:
        refused = client.post(TODOS, json={"title": "Milk"}, headers=bearer(create_token(ada, "todos:read", "chat")))

        assert problem(refused, 403, "insufficient_scope")["scope"] == "todos:write"
        assert refused.headers["www-authenticate"] == (
            'Bearer realm="todo-backend", error="insufficient_scope", '
            'error_description="This needs an API token with the scopes: todos:write.", scope="todos:write"'
        )
        assert ada.titles() == []

    def test_an_export_needs_all_scopes_of_its_content(self, ada: Account, client: httpx2.Client) -> None:
        refused = client.get(f"{ME}/export", headers=bearer(create_token(ada, "account:read", "todos:read")))

        assert problem(refused, 403, "insufficient_scope")["scope"] == "account:read chat todos:read"

    def test_no_token_may_do_what_needs_a_session(self, ada: Account, client: httpx2.Client) -> None:
        refused = client.get(TOKENS, headers=bearer(create_token(ada)))

        assert "scope" not in problem(refused, 403, "insufficient_scope")
        assert refused.headers["www-authenticate"] == (
            'Bearer realm="todo-backend", error="insufficient_scope", '
            'error_description="API tokens may not do this; sign in with the password instead."'
        )


class TestLastUse:
    def test_it_is_told_to_the_hour(self, ada: Account, client: httpx2.Client) -> None:
        before = datetime.now(UTC)
        token = create_token(ada)
        assert read_last_used(ada) is None

        client.get(TODOS, headers=bearer(token))

        assert read_last_used(ada) in {start_of_hour(before), start_of_hour(datetime.now(UTC))}

    def test_a_use_in_a_later_hour_is_told(self, ada: Account, client: httpx2.Client, database_url: str) -> None:
        token = create_token(ada)
        client.get(TODOS, headers=bearer(token))
        set_last_used(database_url, token, "61 minutes")
        client.get(TODOS, headers=bearer(token))

        assert read_last_used(ada) == start_of_hour(datetime.now(UTC))

    def test_a_refused_request_counts_as_a_use(self, ada: Account, client: httpx2.Client) -> None:
        problem(client.get(ME, headers=bearer(create_token(ada, "chat"))), 403, "insufficient_scope")

        assert read_last_used(ada) is not None
