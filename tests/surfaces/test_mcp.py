"""The Model Context Protocol: both revisions, tools as turns, questions to the person, and refusals."""

import pytest

from tests.accounts import CHAT, TODOS, Account
from tests.mcp_client import BEFORE, CAN_ASK, NEWEST, McpClient, post_raw, request
from tests.surfaces.api_tokens import bearer, create_token


@pytest.fixture
def mcp(ada: Account) -> McpClient:
    return McpClient(ada.client, bearer(create_token(ada, "todos:read", "todos:write", name="Desk")), CAN_ASK)


class TestNewestRevision:
    def test_discover_names_the_revisions_and_the_server(self, mcp: McpClient) -> None:
        found = mcp.result("server/discover")
        assert found["supportedVersions"][:2] == [NEWEST, BEFORE]
        assert found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "todo-backend"

    def test_a_call_changes_todos_and_is_a_turn(self, mcp: McpClient, ada: Account) -> None:
        added = mcp.call("add_todos", {"todos": [{"title": "Buy milk"}]})
        turn_id = added["structuredContent"]["turn_id"]
        assert not added["isError"]
        assert [todo["title"] for todo in ada.client.get(TODOS).json()] == ["Buy milk"]
        [change] = ada.client.get(f"{TODOS}/changes").json()
        assert (change["actor"]["kind"], change["actor"]["turn_id"]) == ("assistant", turn_id)
        [conversation] = ada.client.get(f"{CHAT}/conversations").json()
        assert conversation["title"] == "Desk"
        assert ada.client.post(f"{CHAT}/turns/{turn_id}/undo").status_code == 200
        assert ada.client.get(TODOS).json() == []

    def test_a_delete_asks_and_happens_once_after_a_yes(self, mcp: McpClient, ada: Account) -> None:
        ids = mcp.add("Buy milk")
        asked = mcp.call("delete_todos", {"ids": ids})
        assert asked["resultType"] == "input_required"
        assert len(ada.client.get(TODOS).json()) == 1
        done = mcp.say_yes("delete_todos", {"ids": ids}, asked)
        assert done["structuredContent"]["results"][0]["ok"], done
        assert ada.client.get(TODOS).json() == []
        again = mcp.say_yes("delete_todos", {"ids": ids}, asked)
        assert again["structuredContent"]["turn_id"] == done["structuredContent"]["turn_id"]

    def test_resources_and_prompts(self, mcp: McpClient) -> None:
        assert {each["uri"] for each in mcp.result("resources/list")["resources"]} == {"todo://today", "todo://overdue"}
        assert mcp.result("resources/read", {"uri": "todo://today"})["contents"][0]["mimeType"] == "application/json"
        assert len(mcp.result("prompts/list")["prompts"]) == 2
        assert mcp.result("prompts/get", {"name": "plan_my_day"})["messages"]


class TestRevisionBefore:
    def test_initialize_then_call(self, ada: Account) -> None:
        headers = bearer(create_token(ada, "todos:read", "todos:write"))
        begun = post_raw(
            ada.client,
            headers,
            request("initialize", protocolVersion=BEFORE, capabilities={}, clientInfo={"name": "t", "version": "1"}),
        )
        assert begun.json()["result"]["protocolVersion"] == BEFORE
        session = {"Mcp_Session_Id": begun.headers["mcp-session-id"], "MCP_Protocol_Version": BEFORE}
        notified = post_raw(ada.client, headers, {"jsonrpc": "2.0", "method": "notifications/initialized"}, **session)
        assert notified.status_code == 202
        listed = post_raw(ada.client, headers, request("tools/list"), **session).json()["result"]["tools"]
        assert len(listed) == 18
