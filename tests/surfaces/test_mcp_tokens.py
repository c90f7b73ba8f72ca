"""Tokens at `/mcp`: API tokens and access tokens of OAuth that are for it. Others learn where to get one."""

from typing import Final

import httpx2
import pytest

from tests import postgres
from tests.accounts import TODOS, Account, problem
from tests.mcp_client import ACCEPT, CAN_ASK, MCP, McpClient, request
from tests.service_client import PUBLIC_URL
from tests.surfaces import api_tokens, oauth
from tests.surfaces.api_tokens import create_token

METADATA: Final = f'resource_metadata="{PUBLIC_URL}/.well-known/oauth-protected-resource/mcp"'
EXPIRE: Final = """
    UPDATE oauth_access_tokens SET expires_at = now()
    WHERE connection_id IN (SELECT id FROM oauth_connections WHERE user_id = $1)
"""
METHODS: Final = ("initialize", "server/discover", "tools/list", "tools/call", "ping")


def refuse(client: httpx2.Client, headers: dict[str, str]) -> None:
    """Checks that each method, and a notification, is a 401 that names the metadata."""
    notification = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    for message in (*map(request, METHODS), notification, []):
        refused = client.post(MCP, json=message, headers={"Accept": ACCEPT, **headers})
        problem(refused, 401, "not_authenticated")
        assert METADATA in refused.headers["www-authenticate"]


class TestAccessTokens:
    def test_one_for_mcp_adds_and_asks_before_it_deletes(self, client: httpx2.Client, ada: Account) -> None:
        planner = oauth.make_client(client)
        mcp = McpClient(client, oauth.bearer(planner.connect(ada)), CAN_ASK)
        ids = mcp.add("Buy milk")
        assert mcp.call("delete_todos", {"ids": ids})["resultType"] == "input_required"
        assert ada.titles() == ["Buy milk"]
        (change,) = ada.client.get(f"{TODOS}/changes").json()
        assert change["actor"]["kind"] == "assistant"

    def test_one_that_reads_changes_nothing(self, client: httpx2.Client, ada: Account) -> None:
        planner = oauth.make_client(client)
        mcp = McpClient(client, oauth.bearer(planner.connect(ada, scope="todos:read")), CAN_ASK)
        assert mcp.call("count_todos")["structuredContent"]["total"] == 0
        refused = mcp.post("tools/call", {"name": "add_todos", "arguments": {"todos": [{"title": "A"}]}})
        problem(refused, 403, "insufficient_scope")
        assert METADATA in refused.headers["www-authenticate"]

    def test_a_new_one_goes_on_with_the_question_of_the_old(self, client: httpx2.Client, ada: Account) -> None:
        planner = oauth.make_client(client)
        tokens = planner.connect(ada)
        mcp = McpClient(client, oauth.bearer(tokens), CAN_ASK)
        arguments = {"ids": mcp.add("Buy milk")}
        asked = mcp.call("delete_todos", arguments)
        mcp.headers = oauth.bearer(planner.post_refresh(tokens["refresh_token"]).json())
        assert not mcp.say_yes("delete_todos", arguments, asked)["isError"]
        assert ada.titles() == []

    def test_one_for_the_api_is_refused(self, client: httpx2.Client, ada: Account) -> None:
        refuse(client, oauth.bearer(oauth.make_api_client(client).connect(ada)))

    def test_an_expired_one_is_refused(self, client: httpx2.Client, ada: Account, database_url: str) -> None:
        tokens = oauth.bearer(oauth.make_client(client).connect(ada))
        assert McpClient(client, tokens).result("tools/list")["tools"]
        postgres.query(database_url, EXPIRE, ada.user["id"])
        refuse(client, tokens)

    def test_a_revoked_one_is_refused(self, client: httpx2.Client, ada: Account) -> None:
        planner = oauth.make_client(client)
        tokens = planner.connect(ada)
        planner.post("/oauth/revoke", token=tokens["refresh_token"])
        refuse(client, oauth.bearer(tokens))


class TestApiTokens:
    def test_an_expired_one_is_refused(self, client: httpx2.Client, ada: Account, database_url: str) -> None:
        token = create_token(ada, "todos:read")
        assert McpClient(client, api_tokens.bearer(token)).result("tools/list")["tools"]
        api_tokens.expire(database_url, token)
        refuse(client, api_tokens.bearer(token))

    def test_one_for_the_chat_only_is_refused(self, client: httpx2.Client, ada: Account) -> None:
        headers = {"Accept": ACCEPT, **api_tokens.bearer(create_token(ada, "chat"))}
        refused = client.post(MCP, json=request("tools/list"), headers=headers)
        problem(refused, 403, "insufficient_scope")
        assert METADATA in refused.headers["www-authenticate"]


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer x", "Bearer a b", "Basic YTpi", f"Bearer {'x' * 5000}"])
def test_a_malformed_header_is_refused(client: httpx2.Client, value: str) -> None:
    refuse(client, {"Authorization": value} if value else {})


def test_a_session_is_refused(ada: Account) -> None:
    refuse(ada.client, {})
    refuse(ada.client, ada.bearer)
