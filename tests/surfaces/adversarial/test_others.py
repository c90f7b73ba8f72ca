"""Attempts of a model or a client to reach another user's data by its ids: the answer is that for unknown ids."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.accounts import CHAT, UNKNOWN_ID
from tests.model_replies import Call, Json, Say, ToolCalls
from tests.surfaces.adversarial.adversary import HostileChat, Victim, call_on, item_results

READING_AND_CHANGING = ["get_todos", "update_todos", "complete_todos", "reopen_todos", "reschedule_todos"]
ALL = [*READING_AND_CHANGING, "restore_todos", "delete_todos"]

ROUTES: dict[str, Callable[[httpx2.Client, str, str], httpx2.Response]] = {
    "say something in it": lambda client, chat, _: client.post(CHAT, json={"message": "Hi", "conversation_id": chat}),
    "read its history": lambda client, chat, _: client.get(f"{CHAT}/history", params={"conversation_id": chat}),
    "rename it": lambda client, chat, _: client.patch(f"{CHAT}/conversations/{chat}", json={"title": "Mine"}),
    "delete it": lambda client, chat, _: client.delete(f"{CHAT}/conversations/{chat}"),
    "read a turn": lambda client, _, turn: client.get(f"{CHAT}/turns/{turn}"),
    "undo a turn": lambda client, _, turn: client.post(f"{CHAT}/turns/{turn}/undo"),
    "approve a turn": lambda client, _, turn: client.post(f"{CHAT}/turns/{turn}/approval", json={"approve": True}),
    "refuse a turn": lambda client, _, turn: client.post(f"{CHAT}/turns/{turn}/approval", json={"approve": False}),
    "approve as a stream": lambda client, _, turn: client.post(
        f"{CHAT}/turns/{turn}/approval", json={"approve": True}, headers={"Accept": "text/event-stream"}
    ),
}


def without_request(response: httpx2.Response) -> Json:
    return {name: value for name, value in response.json().items() if name != "request_id"}


class TestAnotherUsersTodos:
    @pytest.mark.parametrize("which", ["live", "trashed"])
    @pytest.mark.parametrize("tool", ALL)
    def test_tools_treat_another_users_todo_like_an_unknown_id(
        self, chat: HostileChat, victim: Victim, tool: str, which: str
    ) -> None:
        turn = chat.run_turn(
            ToolCalls(call_on(tool, [getattr(victim, which)]), call_on(tool, [UNKNOWN_ID])), Say("Done.")
        )
        assert turn["status"] == "done"
        assert turn["tool_calls"][0]["result"] == turn["tool_calls"][1]["result"]
        assert [call["ok"] for call in turn["tool_calls"]] == [False, False]
        assert turn["changed"] == []
        assert chat.changes_by_turns() == []

    @pytest.mark.parametrize("tool", READING_AND_CHANGING)
    def test_a_call_with_own_and_foreign_ids_affects_own_todos_only(
        self, chat: HostileChat, victim: Victim, tool: str
    ) -> None:
        todo = chat.account.add()
        waiting = victim.waiting["approval"]["calls"][0]["todos"][0]["id"]
        turn = chat.run_turn(call_on(tool, [victim.live, todo["id"], waiting]), Say("Done."))
        assert [result["ok"] for result in item_results(turn)] == [False, True, False]
        assert "Secret" not in str(turn)
        assert turn["changed"] in ([], [todo["id"]])

    def test_an_approval_lists_own_todos_only(self, chat: HostileChat, victim: Victim) -> None:
        todo = chat.account.add()
        waiting = chat.run_turn(call_on("delete_todos", [victim.live, todo["id"], victim.trashed]))
        assert [shown["id"] for shown in waiting["approval"]["calls"][0]["todos"]] == [todo["id"]]
        assert "Secret" not in str(waiting)
        turn = chat.answer_approval(waiting, Say("Done.")).json()
        assert [result["ok"] for result in item_results(turn)] == [False, True, False]
        assert chat.deleted_ids() == [todo["id"]]

    def test_foreign_ids_do_not_count_as_changes(self, chat: HostileChat, victim: Victim) -> None:
        own = [chat.account.add()["id"] for _ in range(5)]
        turn = chat.run_turn(call_on("complete_todos", [victim.live, *own, victim.trashed]), Say("Done."))
        assert (turn["status"], len(turn["changed"])) == ("done", 5)

    @pytest.mark.parametrize(
        "call",
        [
            Call("search_todos", {"text": "Secr"}),
            Call("search_todos", {"tags": ["secret"]}),
            Call("search_todos", {"trashed": True}),
            Call("search_todos", {}),
            Call("day_overview", {}),
            Call("count_todos", {"text": "Secr"}),
            Call("undo_last_turn", {}),
            Call("redo_last_undo", {}),
        ],
        ids=lambda call: f"{call.name} {call.raw}",
    )
    def test_no_search_finds_another_users_todos(self, chat: HostileChat, victim: Victim, call: Call) -> None:
        assert victim.live
        turn = chat.run_turn(call, Say("Nothing."))
        assert "Secret" not in str(turn)
        assert "Secret" not in str([request.messages for request in chat.model_requests])
        assert chat.changes_by_turns() == []

    def test_a_todo_cannot_be_added_for_another_user(self, chat: HostileChat, victim: Victim) -> None:
        owner = victim.account.user["id"]
        for more in ({"user_id": owner}, {"owner": owner}, {"id": victim.live}, {"version": 1}):
            turn = chat.run_turn(Call("add_todos", {"todos": [{"title": "Gift"} | more]}), Say("Added."))
            assert turn["tool_calls"][0]["ok"] is False
        assert chat.changes_by_turns() == []


class TestAnotherUsersConversations:
    @pytest.mark.parametrize("name", ["done", "waiting"])
    @pytest.mark.parametrize("request_", ROUTES.values(), ids=ROUTES.keys())
    def test_routes_treat_another_users_turn_like_an_unknown_id(
        self, chat: HostileChat, victim: Victim, request_: Callable[..., httpx2.Response], name: str
    ) -> None:
        turn = getattr(victim, name)
        chat.model.play()
        foreign = request_(chat.account.client, turn["conversation_id"], turn["turn_id"])
        unknown = request_(chat.account.client, UNKNOWN_ID, UNKNOWN_ID)
        assert foreign.status_code == unknown.status_code == 404
        assert without_request(foreign) == without_request(unknown)
        assert chat.model.requests == []

    def test_another_users_messages_are_not_sent_to_the_model(self, chat: HostileChat, victim: Victim) -> None:
        assert victim.done["response"] == "Secret answer."
        first = chat.run_turn(Say("One."))
        chat.run_turn(Say("Two."), conversation_id=first["conversation_id"])
        assert "Secret" not in str([request.messages for request in chat.model_requests])

    def test_an_idempotency_key_of_another_user_is_another_key(self, chat: HostileChat, victim: Victim) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        other = HostileChat(victim.account, chat.model)
        own = chat.send(Say("Mine."), headers=key).json()
        foreign = other.send(Say("Theirs."), headers=key).json()
        assert (own["response"], foreign["response"]) == ("Mine.", "Theirs.")
        assert own["turn_id"] != foreign["turn_id"]
        for one, answer in ((chat, own), (other, foreign)):
            again = one.send(Say("Never."), headers=key)
            assert again.headers["idempotent-replayed"] == "true"
            assert again.json() == answer
        victim.account.client.delete(f"{CHAT}/conversations/{foreign['conversation_id']}").raise_for_status()

    def test_messages_of_another_conversation_are_not_sent_to_the_model(self, chat: HostileChat) -> None:
        chat.run_turn(Say("The code is 1234."), message="Remember the code 1234.")
        chat.run_turn(Call("search_todos", {"text": "1234"}), Say("Nothing."), message="Which code?")
        assert not any("1234" in message["content"] for message in chat.model_requests[-1].messages)


class TestEvents:
    def test_events_have_no_data_of_another_user(self, chat: HostileChat, victim: Victim) -> None:
        reading: list[Any] = [call_on(tool, [victim.live]) for tool in READING_AND_CHANGING]
        events = chat.stream_turn(ToolCalls(*reading), Say("Done."))
        assert events[-1][0] == "done"
        assert "Secret" not in str(events)
        assert victim.account.email not in str(events)
        assert victim.account.user["id"] not in str(events)
