"""A model, or a client, that asks for what belongs to another user: it is answered as if that did not exist."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.accounts import CHAT
from tests.model_replies import Call, Json, Say, ToolCalls
from tests.surfaces.adversarial.adversary import NOBODYS, Talk, Victim, on, results

READING_AND_CHANGING = ["get_todos", "update_todos", "complete_todos", "reopen_todos", "reschedule_todos"]
ALL = [*READING_AND_CHANGING, "restore_todos", "delete_todos"]

ROUTES: dict[str, Callable[[httpx2.Client, str, str], httpx2.Response]] = {
    "say something in it": lambda client, talk, _: client.post(CHAT, json={"message": "Hi", "conversation_id": talk}),
    "read its history": lambda client, talk, _: client.get(f"{CHAT}/history", params={"conversation_id": talk}),
    "rename it": lambda client, talk, _: client.patch(f"{CHAT}/conversations/{talk}", json={"title": "Mine"}),
    "delete it": lambda client, talk, _: client.delete(f"{CHAT}/conversations/{talk}"),
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
    def test_are_to_each_tool_as_if_they_did_not_exist(self, talk: Talk, victim: Victim, tool: str, which: str) -> None:
        turn = talk.turn(ToolCalls(on(tool, [getattr(victim, which)]), on(tool, [NOBODYS])), Say("Done."))
        assert turn["status"] == "done"
        assert turn["tool_calls"][0]["result"] == turn["tool_calls"][1]["result"]
        assert [call["ok"] for call in turn["tool_calls"]] == [False, False]
        assert turn["changed"] == []
        assert talk.by_the_model() == []

    @pytest.mark.parametrize("tool", READING_AND_CHANGING)
    def test_stay_apart_from_ones_own_in_the_same_call(self, talk: Talk, victim: Victim, tool: str) -> None:
        todo = talk.account.add()
        waiting = victim.waiting["approval"]["calls"][0]["todos"][0]["id"]
        turn = talk.turn(on(tool, [victim.live, todo["id"], waiting]), Say("Done."))
        assert [result["ok"] for result in results(turn)] == [False, True, False]
        assert "Secret" not in str(turn)
        assert turn["changed"] in ([], [todo["id"]])

    def test_are_not_in_what_the_user_is_asked(self, talk: Talk, victim: Victim) -> None:
        todo = talk.account.add()
        asks = talk.turn(on("delete_todos", [victim.live, todo["id"], victim.trashed]))
        assert [asked["id"] for asked in asks["approval"]["calls"][0]["todos"]] == [todo["id"]]
        assert "Secret" not in str(asks)
        turn = talk.decide(asks, Say("Done.")).json()
        assert [result["ok"] for result in results(turn)] == [False, True, False]
        assert talk.deleted() == [todo["id"]]

    def test_do_not_count_among_the_changes(self, talk: Talk, victim: Victim) -> None:
        own = [talk.account.add()["id"] for _ in range(5)]
        turn = talk.turn(on("complete_todos", [victim.live, *own, victim.trashed]), Say("Done."))
        assert (turn["status"], len(turn["changed"])) == ("done", 5)

    @pytest.mark.parametrize(
        "call",
        [
            Call("search_todos", {"text": "Secr"}),
            Call("search_todos", {"tags": ["secret"]}),
            Call("search_todos", {"trashed": True}),
            Call("search_todos", {}),
            Call("day_overview", {}),
            Call("undo_last_turn", {}),
        ],
        ids=lambda call: f"{call.name} {call.raw}",
    )
    def test_are_found_by_no_search(self, talk: Talk, victim: Victim, call: Call) -> None:
        assert victim.live
        turn = talk.turn(call, Say("Nothing."))
        assert "Secret" not in str(turn)
        assert "Secret" not in str([request.messages for request in talk.told])
        assert talk.by_the_model() == []

    def test_cannot_be_added_to_by_a_field(self, talk: Talk, victim: Victim) -> None:
        owner = victim.account.user["id"]
        for more in ({"user_id": owner}, {"owner": owner}, {"id": victim.live}, {"version": 1}):
            turn = talk.turn(Call("add_todos", {"todos": [{"title": "Gift"} | more]}), Say("Added."))
            assert turn["tool_calls"][0]["ok"] is False
        assert talk.by_the_model() == []


class TestAnotherUsersTalks:
    @pytest.mark.parametrize("name", ["done", "waiting"])
    @pytest.mark.parametrize("request_", ROUTES.values(), ids=ROUTES.keys())
    def test_are_as_if_they_did_not_exist(
        self, talk: Talk, victim: Victim, request_: Callable[..., httpx2.Response], name: str
    ) -> None:
        turn = getattr(victim, name)
        talk.model.play()
        theirs = request_(talk.account.client, turn["conversation_id"], turn["turn_id"])
        nobodys = request_(talk.account.client, NOBODYS, NOBODYS)
        assert theirs.status_code == nobodys.status_code == 404
        assert without_request(theirs) == without_request(nobodys)
        assert talk.model.requests == []

    def test_reach_no_model_of_another(self, talk: Talk, victim: Victim) -> None:
        assert victim.done["response"] == "Secret answer."
        first = talk.turn(Say("One."))
        talk.turn(Say("Two."), conversation_id=first["conversation_id"])
        assert "Secret" not in str([request.messages for request in talk.told])

    def test_are_not_continued_by_a_key_of_another(self, talk: Talk, victim: Victim) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        other = Talk(victim.account, talk.model)
        mine = talk.send(Say("Mine."), headers=key).json()
        theirs = other.send(Say("Theirs."), headers=key).json()
        assert (mine["response"], theirs["response"]) == ("Mine.", "Theirs.")
        assert mine["turn_id"] != theirs["turn_id"]
        for one, answer in ((talk, mine), (other, theirs)):
            again = one.send(Say("Never."), headers=key)
            assert again.headers["idempotent-replayed"] == "true"
            assert again.json() == answer
        victim.account.client.delete(f"{CHAT}/conversations/{theirs['conversation_id']}").raise_for_status()

    def test_are_not_told_by_another_conversation_of_ones_own(self, talk: Talk) -> None:
        talk.turn(Say("The code is 1234."), message="Remember the code 1234.")
        talk.turn(Call("search_todos", {"text": "1234"}), Say("Nothing."), message="Which code?")
        assert not any("1234" in message["content"] for message in talk.told[-1].messages)


class TestWhatAnswersTell:
    def test_of_a_turn_is_nothing_of_another(self, talk: Talk, victim: Victim) -> None:
        reading: list[Any] = [on(tool, [victim.live]) for tool in READING_AND_CHANGING]
        heard = talk.events(ToolCalls(*reading), Say("Done."))
        assert heard[-1][0] == "done"
        assert "Secret" not in str(heard)
        assert victim.account.email not in str(heard)
        assert victim.account.user["id"] not in str(heard)
