"""The Model Context Protocol: both revisions, tools as turns, questions to the person, and refusals."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import httpx2
import pytest

from tests.accounts import CHAT, TODOS, Account
from tests.mcp_client import ACCEPT, BEFORE, CAN_ASK, MCP, NEWEST, McpClient, post_raw, request
from tests.mcp_messages import check_request, check_response
from tests.serving import Surface, wait_until
from tests.surfaces.api_tokens import bearer, create_token
from tests.surfaces.chat import answer_approval

CLIENT: Final = {"name": "tests", "version": "1"}
STREAMING: Final = {"uvicorn", "container", "cluster"}
ON_LAMBDA: Final = {"lambda", "emulator", "sam"}


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


class TestIdempotencyKey:
    def test_a_repeat_of_a_change_gets_the_stored_result(self, mcp: McpClient, ada: Account) -> None:
        params = {"name": "add_todos", "arguments": {"todos": [{"title": "Buy milk"}]}}
        first, repeat = (mcp.post("tools/call", params, Idempotency_Key="a key").json() for _ in range(2))
        assert repeat["result"]["structuredContent"] == first["result"]["structuredContent"]
        assert ada.titles() == ["Buy milk"]

    def test_another_key_adds_again(self, mcp: McpClient, ada: Account) -> None:
        params = {"name": "add_todos", "arguments": {"todos": [{"title": "Buy milk"}]}}
        for key in ("a key", "another"):
            mcp.post("tools/call", params, Idempotency_Key=key)
        assert ada.titles() == ["Buy milk", "Buy milk"]

    def test_ten_repeats_at_once_add_once(self, mcp: McpClient, ada: Account) -> None:
        params = {"name": "add_todos", "arguments": {"todos": [{"title": "Buy milk"}]}}
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(lambda _: mcp.post("tools/call", params, Idempotency_Key="a key"), range(10)))
        assert ada.titles() == ["Buy milk"]

    def test_a_key_does_not_serve_other_arguments(self, mcp: McpClient, ada: Account) -> None:
        _, answer = (
            mcp.post(
                "tools/call",
                {"name": "add_todos", "arguments": {"todos": [{"title": title}]}},
                Idempotency_Key="a key",
            ).json()["result"]
            for title in ("Buy milk", "Buy bread")
        )
        assert answer["isError"]
        assert answer["structuredContent"]["code"] == "idempotency_key_reused"
        assert ada.titles() == ["Buy milk"]

    @pytest.mark.parametrize("key", ["", "x" * 256, "tab\tab"])
    def test_a_malformed_key_is_refused(self, mcp: McpClient, ada: Account, key: str) -> None:
        params = {"name": "add_todos", "arguments": {"todos": [{"title": "Buy milk"}]}}
        refused = mcp.post("tools/call", params, Idempotency_Key=key)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32602)
        assert ada.titles() == []


class TestRevisionBefore:
    def test_initialize_then_call(self, ada: Account) -> None:
        desk = open_session(ada)
        assert desk.post({"jsonrpc": "2.0", "method": "notifications/initialized"}).status_code == 202
        assert len(desk.post(request("tools/list")).json()["result"]["tools"]) == 18

    @pytest.mark.parametrize("answer", [True, False])
    def test_a_delete_asks_over_the_stream_of_the_call(self, surface: Surface, ada: Account, *, answer: bool) -> None:
        if surface.name not in STREAMING:
            pytest.skip("The question arrives with the end of the stream")
        desk, call = open_session(ada), ask_to_delete(ada)
        with ada.client.stream("POST", MCP, json=call, headers=desk.headers) as stream:
            messages = read_messages(stream.iter_lines())
            question = next(messages)
            check_request(BEFORE, question)
            reply = {"action": "accept", "content": {"confirm": answer}}
            with surface.client() as other:
                answered = replace(desk, http=other).post({"jsonrpc": "2.0", "id": question["id"], "result": reply})
            assert answered.status_code == 202
            result = next(messages)
        check_response(call, BEFORE, result)
        assert result["result"]["isError"] is not answer
        assert (ada.titles() == []) is answer

    @pytest.mark.parametrize("answer", [True, False])
    def test_the_person_may_answer_in_the_app(self, surface: Surface, ada: Account, *, answer: bool) -> None:
        if surface.name in ON_LAMBDA:
            pytest.skip("A response cannot wait there")
        desk, call = open_session(ada), ask_to_delete(ada)
        with ThreadPoolExecutor(1) as thread:
            asked = thread.submit(lambda: list(read_messages(desk.post(call).text.splitlines())))
            answer_approval(ada, wait_for_question(ada), approve=answer).raise_for_status()
            question, result = asked.result()
        check_request(BEFORE, question)
        check_response(call, BEFORE, result)
        assert result["result"]["isError"] is not answer
        assert (ada.titles() == []) is answer

    def test_where_a_response_cannot_wait_a_delete_is_refused(self, surface: Surface, ada: Account) -> None:
        if surface.name not in ON_LAMBDA:
            pytest.skip("A response can wait there")
        refused = open_session(ada).post(ask_to_delete(ada)).json()["result"]
        assert refused["isError"]
        assert "in the app" in refused["structuredContent"]["error"]
        assert ada.titles() == ["Buy milk"]


@dataclass(frozen=True)
class Session:
    """A client of the revision before, with its session."""

    http: httpx2.Client
    headers: dict[str, str]

    def post(self, message: dict[str, Any]) -> httpx2.Response:
        return post_raw(self.http, self.headers, message)


def open_session(ada: Account) -> Session:
    """Returns a client that can ask its person."""
    headers = bearer(create_token(ada, "todos:read", "todos:write"))
    begun = post_raw(
        ada.client,
        headers,
        request("initialize", protocolVersion=BEFORE, capabilities=CAN_ASK, clientInfo=CLIENT),
    )
    assert begun.json()["result"]["protocolVersion"] == BEFORE
    session = {"Mcp-Session-Id": begun.headers["mcp-session-id"], "MCP-Protocol-Version": BEFORE, "Accept": ACCEPT}
    return Session(ada.client, {**headers, **session})


def ask_to_delete(ada: Account) -> dict[str, Any]:
    """Adds a todo. Returns the call that deletes it."""
    return request("tools/call", name="delete_todos", arguments={"ids": [ada.add()["id"]]})


def read_messages(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    return (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))


def wait_for_question(ada: Account) -> str:
    """Returns the id of the turn that waits for approval, as soon as there is one."""

    def find() -> str | None:
        for conversation in ada.client.get(f"{CHAT}/conversations").json():
            shown = ada.client.get(f"{CHAT}/history", params={"conversation_id": conversation["id"]}).json()
            turn_id = str(shown[-1]["turn_id"])
            if ada.client.get(f"{CHAT}/turns/{turn_id}").json()["status"] == "needs_approval":
                return turn_id
        return None

    wait_until(lambda: find() is not None)
    return find() or ""
