"""The Model Context Protocol: both revisions, tools as turns, questions to the person, and refusals."""

import json

import pytest

from tests.accounts import CHAT, TODOS, Account
from tests.mcp_client import ACCEPT, BEFORE, CAN_ASK, MCP, NEWEST, McpClient, post_raw, request
from tests.serving import Surface
from tests.surfaces.api_tokens import bearer, create_token

CLIENT = {"name": "tests", "version": "1"}


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

    @pytest.mark.parametrize("answer", [True, False])
    def test_a_delete_asks_over_the_stream_of_the_call(self, surface: Surface, ada: Account, *, answer: bool) -> None:
        headers = bearer(create_token(ada, "todos:read", "todos:write"))
        todo = ada.client.post(TODOS, json={"title": "Buy milk"}).json()
        begun = post_raw(
            ada.client,
            headers,
            request(
                "initialize", protocolVersion=BEFORE, capabilities=CAN_ASK, clientInfo={"name": "t", "version": "1"}
            ),
        )
        session = {"Mcp_Session_Id": begun.headers["mcp-session-id"], "MCP_Protocol_Version": BEFORE}
        call = request("tools/call", name="delete_todos", arguments={"ids": [todo["id"]]})
        if surface.name != "uvicorn":
            # Without a server that streams, the question cannot arrive before the answer to it.
            return
        names = {name.replace("_", "-"): value for name, value in session.items()}
        with ada.client.stream("POST", MCP, json=call, headers={**headers, **names, "Accept": ACCEPT}) as stream:
            messages = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
            question = next(messages)
            assert question["method"] == "elicitation/create"
            reply = {"action": "accept", "content": {"confirm": answer}}
            with surface.client() as other:
                answered = post_raw(
                    other, headers, {"jsonrpc": "2.0", "id": question["id"], "result": reply}, **session
                )
            assert answered.status_code == 202
            result = next(messages)
        assert result["id"] == call["id"]
        assert result["result"]["isError"] is not answer
        assert (ada.client.get(TODOS).json() == []) is answer
