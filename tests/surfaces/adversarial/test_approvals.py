"""Approvals that are forged, repeated, stolen, late, or meant for something else; and changes hidden from them."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.accounts import CHAT, TODOS, problem
from tests.model_replies import Call, Fail, Json, ReceivedRequest, Reply, Say, ToolCalls
from tests.surfaces.adversarial.adversary import Talk, Victim, arguments, error, on

CHANGING = ["update_todos", "complete_todos", "reopen_todos", "reschedule_todos", "restore_todos"]

# Rounds of calls; each call names a tool and the first and the last of the todos that it is about.
type Plan = list[list[tuple[str, int, int]]]
TOO_MANY: dict[str, Plan] = {
    "by two calls of three": [[("complete_todos", 0, 3), ("complete_todos", 3, 6)]],
    "by six calls at once": [[("complete_todos", n, n + 1) for n in range(6)]],
    "by five and one more": [[("complete_todos", 0, 5)], [("complete_todos", 5, 6)]],
    "by one and five more": [[("complete_todos", 0, 1)], [("complete_todos", 1, 6)]],
    "one in each round": [[("complete_todos", n, n + 1)] for n in range(6)],
    "by several tools at once": [[(tool, n, n + 2) for n, tool in zip((0, 2, 4), CHANGING, strict=False)]],
    "by several tools one after another": [[(tool, n, n + 2)] for n, tool in zip((0, 2, 4), CHANGING, strict=False)],
    "among reads": [[("get_todos", 0, 6), ("complete_todos", 0, 3), ("search_todos", 0, 0), ("reopen_todos", 3, 6)]],
    "with overlaps": [[("complete_todos", 0, 4)], [("update_todos", 2, 6)]],
}
FEW_ENOUGH: dict[str, Plan] = {
    "by one call": [[("complete_todos", 0, 5)]],
    "by five calls at once": [[("complete_todos", n, n + 1) for n in range(5)]],
    "one in each round": [[("complete_todos", n, n + 1)] for n in range(5)],
    "each of them thrice": [[(tool, 0, 5)] for tool in ("complete_todos", "update_todos", "reschedule_todos")],
    "beside what is only read": [[("get_todos", 0, 6), ("complete_todos", 0, 5)]],
}


def add(talk: Talk, count: int, **fields: object) -> list[str]:
    return [talk.account.add(f"Todo {number}", **fields)["id"] for number in range(count)]


def trash(talk: Talk, ids: Sequence[str]) -> None:
    for todo_id in ids:
        talk.account.client.delete(f"{TODOS}/{todo_id}").raise_for_status()


def rounds(plan: Plan, ids: Sequence[str]) -> list[ToolCalls]:
    return [
        ToolCalls(
            *[
                Call(tool, {} if tool == "search_todos" else arguments(tool, ids[first:last]))
                for tool, first, last in calls
            ]
        )
        for calls in plan
    ]


def asked_to_delete(talk: Talk, count: int = 1) -> tuple[Json, list[str]]:
    """A turn that asks whether it may delete the user's todos."""
    ids = add(talk, count)
    asks = talk.turn(on("delete_todos", ids))
    assert asks["status"] == "needs_approval"
    return asks, ids


class TestADeletion:
    def test_asks_among_many_harmless_calls(self, talk: Talk) -> None:
        ids = add(talk, 3)
        reads = [Call("search_todos") for _ in range(20)]
        asks = talk.turn(ToolCalls(*reads[:10], on("delete_todos", ids[:1]), *reads[10:]))
        assert asks["status"] == "needs_approval"
        assert [call["ok"] for call in asks["tool_calls"]].count(None) == 1
        assert talk.deleted() == []

    def test_asks_in_each_of_the_calls_of_a_round(self, talk: Talk) -> None:
        ids = add(talk, 4)
        asks = talk.turn(ToolCalls(*[on("delete_todos", [todo_id]) for todo_id in ids]))
        assert [call["todos"][0]["id"] for call in asks["approval"]["calls"]] == ids
        assert talk.deleted() == []
        turn = talk.decide(asks, Say("Gone.")).json()
        assert turn["status"] == "done"
        assert sorted(talk.deleted()) == ids

    def test_of_the_same_todo_twice_happens_once(self, talk: Talk) -> None:
        [todo_id] = add(talk, 1)
        asks = talk.turn(ToolCalls(on("delete_todos", [todo_id, todo_id]), on("delete_todos", [todo_id])))
        turn = talk.decide(asks, Say("Gone.")).json()
        assert turn["status"] == "done"
        assert [change["op"] for change in talk.by_the_model()] == ["delete"]

    def test_asks_in_each_round_again(self, talk: Talk) -> None:
        ids = add(talk, 3)
        turn = talk.turn(on("delete_todos", ids[:1]))
        for number in (1, 2):
            turn = talk.decide(turn, on("delete_todos", ids[number : number + 1])).json()
            assert turn["status"] == "needs_approval"
            assert len(talk.deleted()) == number

    def test_of_what_the_turn_has_added_asks(self, talk: Talk) -> None:
        def add_and_delete(request: ReceivedRequest) -> Reply:
            tools = [message for message in request.messages if message["role"] == "tool"]
            if not tools:
                return Call("add_todos", {"todos": [{"title": "Brief"}]})
            content = tools[0]["content"].removeprefix("<data>").removesuffix("</data>")
            return on("delete_todos", [json.loads(content)["results"][0]["todo"]["id"]])

        assert talk.obey(add_and_delete)["status"] == "needs_approval"

    def test_by_an_undo_of_what_was_added_asks(self, talk: Talk) -> None:
        first = talk.turn(Call("add_todos", {"todos": [{"title": "New"}]}), Say("Added."))
        asks = talk.turn(Call("undo_last_turn"), conversation_id=first["conversation_id"])
        assert asks["status"] == "needs_approval"
        assert asks["approval"]["calls"][0]["deletes"] is True
        assert talk.deleted() == []

    def test_by_an_undo_of_what_was_restored_asks(self, talk: Talk) -> None:
        ids = add(talk, 2)
        trash(talk, ids)
        first = talk.turn(on("restore_todos", ids), Say("Restored."))
        asks = talk.turn(Call("undo_last_turn"), conversation_id=first["conversation_id"])
        assert asks["status"] == "needs_approval"
        assert asks["approval"]["calls"][0]["deletes"] is True
        assert talk.deleted() == []

    def test_by_an_undo_of_an_undo_asks(self, talk: Talk) -> None:
        asks, ids = asked_to_delete(talk)
        talk.decide(asks, Say("Gone."))
        assert talk.deleted() == ids
        conversation = {"conversation_id": asks["conversation_id"]}
        talk.turn(Call("undo_last_turn"), Say("Back."), **conversation)
        assert talk.deleted() == []
        assert talk.turn(Call("undo_last_turn"), Say("Gone again."), **conversation)["status"] == "needs_approval"
        assert talk.deleted() == []

    def test_by_two_undos_at_once_asks(self, talk: Talk) -> None:
        first = talk.turn(Call("add_todos", {"todos": [{"title": "New"}]}), Say("Added."))
        [todo_id] = first["changed"]
        conversation = {"conversation_id": first["conversation_id"]}
        talk.turn(on("complete_todos", [todo_id]), Say("Done."), **conversation)
        turn = talk.turn(ToolCalls(Call("undo_last_turn"), Call("undo_last_turn")), Say("Undone."), **conversation)
        assert talk.deleted() == []
        assert turn["tool_calls"][0]["ok"] is True


class TestMoreThanFiveChanges:
    @pytest.mark.parametrize("tool", CHANGING)
    def test_by_one_call_ask(self, talk: Talk, tool: str) -> None:
        ids = add(talk, 6, completed=tool == "reopen_todos")
        if tool == "restore_todos":
            trash(talk, ids)
        asks = talk.turn(on(tool, ids), Say("Never said."))
        assert asks["status"] == "needs_approval"
        assert len(asks["approval"]["calls"][0]["todos"]) == 6
        assert asks["approval"]["calls"][0]["deletes"] is False
        assert talk.by_the_model() == []

    @pytest.mark.parametrize("plan", TOO_MANY.values(), ids=TOO_MANY.keys())
    def test_ask(self, talk: Talk, plan: Plan) -> None:
        ids = add(talk, 6)
        asks = talk.turn(*rounds(plan, ids), Say("Never said."))
        assert asks["status"] == "needs_approval"
        assert len({change["todo_id"] for change in talk.by_the_model()}) <= 5
        refused = talk.decide(asks, Say("All right."), approve=False).json()
        assert refused["status"] == "done"
        assert len({change["todo_id"] for change in talk.by_the_model()}) <= 5

    @pytest.mark.parametrize("plan", FEW_ENOUGH.values(), ids=FEW_ENOUGH.keys())
    def test_is_not_what_exactly_five_are(self, talk: Talk, plan: Plan) -> None:
        ids = add(talk, 6)
        turn = talk.turn(*rounds(plan, ids), Say("Done."))
        assert turn["status"] == "done"
        assert sorted(turn["changed"]) == ids[:5]

    def test_do_not_count_what_is_added(self, talk: Talk) -> None:
        ids = add(talk, 5)
        more = Call("add_todos", {"todos": [{"title": f"New {number}"} for number in range(50)]})
        turn = talk.turn(ToolCalls(more, on("complete_todos", ids)), Say("Done."))
        assert (turn["status"], len(turn["changed"])) == ("done", 55)

    def test_by_one_undo_ask(self, talk: Talk) -> None:
        ids = add(talk, 6)
        first = talk.decide(talk.turn(on("complete_todos", ids)), Say("Done.")).json()
        asks = talk.turn(Call("undo_last_turn"), conversation_id=first["conversation_id"])
        assert asks["status"] == "needs_approval"

    def test_by_several_undos_at_once_ask(self, talk: Talk) -> None:
        ids = add(talk, 8)
        fields: Json = {}
        for start in range(0, 8, 2):
            turn = talk.turn(on("complete_todos", ids[start : start + 2]), Say("Done."), **fields)
            fields = {"conversation_id": turn["conversation_id"]}
        asks = talk.turn(ToolCalls(*[Call("undo_last_turn") for _ in range(4)]), Say("Undone."), **fields)
        assert asks["status"] == "needs_approval"
        assert len(asks["changed"]) <= 5

    def test_ask_again_after_an_approval(self, talk: Talk) -> None:
        ids = add(talk, 8)
        asks = talk.turn(on("complete_todos", ids[:6]))
        again = talk.decide(asks, on("complete_todos", ids[6:])).json()
        assert again["status"] == "needs_approval"
        assert sorted(again["changed"]) == ids[:6]


class TestAnApproval:
    def test_counts_once(self, talk: Talk) -> None:
        asks, ids = asked_to_delete(talk)
        assert talk.decide(asks, Say("Gone.")).status_code == 200
        problem(talk.decide(asks, Say("Again.")), 409, "nothing_to_approve")
        assert talk.deleted() == ids
        assert len(talk.by_the_model()) == 1

    def test_after_a_refusal_does_not_count(self, talk: Talk) -> None:
        asks, _ = asked_to_delete(talk)
        refused = talk.decide(asks, Say("All right."), approve=False).json()
        assert "refused" in error(refused)
        problem(talk.decide(asks, Say("Gone.")), 409, "nothing_to_approve")
        assert talk.by_the_model() == []

    def test_is_not_taken_back_by_a_refusal(self, talk: Talk) -> None:
        asks, ids = asked_to_delete(talk)
        talk.decide(asks, Say("Gone."))
        problem(talk.decide(asks, Say("Back."), approve=False), 409, "nothing_to_approve")
        assert talk.deleted() == ids

    def test_of_a_refusal_that_was_interrupted_does_not_count(self, talk: Talk) -> None:
        asks, _ = asked_to_delete(talk)
        assert talk.decide(asks, Fail(400), approve=False).status_code == 503
        assert talk.decide(asks, Say("Gone.")).status_code == 409
        assert talk.by_the_model() == []

    def test_of_a_turn_that_asks_nothing_does_not_count(self, talk: Talk) -> None:
        problem(talk.decide(talk.turn(Say("Done."))), 409, "nothing_to_approve")

    def test_before_it_is_asked_for_does_not_count(self, talk: Talk) -> None:
        ids = add(talk, 1)
        first = talk.turn(Say("May I?"))
        talk.decide(first)
        asks = talk.turn(on("delete_todos", ids), conversation_id=first["conversation_id"])
        assert asks["status"] == "needs_approval"
        assert talk.deleted() == []

    @pytest.mark.parametrize(
        "decision",
        [
            {},
            {"approve": None},
            {"approve": 1},
            {"approve": "true"},
            {"approve": ["x"]},
            {"approved": True},
            {"approve": True, "call_id": "call_1"},
            {"approve": True, "force": True},
            [True],
            True,
            None,
        ],
        ids=json.dumps,
    )
    def test_is_nothing_but_a_plain_yes(self, talk: Talk, decision: object) -> None:
        asks, _ = asked_to_delete(talk)
        talk.model.play()
        refused = talk.account.client.post(f"{CHAT}/turns/{asks['turn_id']}/approval", json=decision)
        problem(refused, 422, "validation_failed")
        assert talk.deleted() == []

    def test_of_another_user_does_not_count(self, talk: Talk, victim: Victim) -> None:
        asks, _ = asked_to_delete(talk)
        for approve in (True, False):
            other = victim.account.client.post(f"{CHAT}/turns/{asks['turn_id']}/approval", json={"approve": approve})
            problem(other, 404, "turn_not_found")
        assert talk.account.client.get(f"{CHAT}/turns/{asks['turn_id']}").json() == asks

    def test_does_not_outlive_its_conversation(self, talk: Talk) -> None:
        asks, _ = asked_to_delete(talk)
        talk.account.client.delete(f"{CHAT}/conversations/{asks['conversation_id']}").raise_for_status()
        problem(talk.decide(asks, Say("Gone.")), 404, "turn_not_found")
        assert talk.by_the_model() == []

    @pytest.mark.parametrize("how", ["changed", "deleted", "deleted and restored", "completed and reopened"])
    def test_is_of_no_use_once_a_todo_is_no_longer_as_it_was(self, talk: Talk, how: str) -> None:
        asks, ids = asked_to_delete(talk, 2)
        url, client = f"{TODOS}/{ids[1]}", talk.account.client
        for step in how.split(" and "):
            match step:
                case "deleted":
                    client.delete(url).raise_for_status()
                case "restored":
                    client.post(f"{url}/restore").raise_for_status()
                case _:
                    client.patch(url, json={"title": "Keep me", "completed": step == "completed"}).raise_for_status()
        turn = talk.decide(asks, Say("Oh.")).json()
        assert "have changed since" in error(turn)
        assert talk.by_the_model() == []

    def test_does_not_hold_for_other_arguments_under_the_same_id(self, talk: Talk) -> None:
        ids = add(talk, 2)
        asks = talk.turn(Call("delete_todos", {"ids": ids[:1]}, id="call_x"))
        again = talk.decide(asks, Call("delete_todos", {"ids": ids[1:]}, id="call_x")).json()
        assert again["status"] == "needs_approval"
        assert [todo["id"] for todo in again["approval"]["calls"][0]["todos"]] == ids[1:]
        assert talk.deleted() == ids[:1]

    def test_does_not_hold_for_the_same_arguments_again(self, talk: Talk) -> None:
        asks, ids = asked_to_delete(talk)
        turn = talk.decide(asks, on("restore_todos", ids), on("delete_todos", ids)).json()
        assert turn["status"] == "needs_approval"
        assert talk.deleted() == []

    def test_does_not_hold_for_another_turn(self, talk: Talk) -> None:
        asks, ids = asked_to_delete(talk)
        other = talk.turn(on("delete_todos", ids), conversation_id=asks["conversation_id"])
        talk.decide(other, Say("All right."), approve=False)
        assert talk.deleted() == []
        assert talk.account.client.get(f"{CHAT}/turns/{asks['turn_id']}").json()["status"] == "needs_approval"

    def test_shows_what_would_be_done_of_keys_that_are_repeated(self, talk: Talk) -> None:
        ids = add(talk, 2)
        asks = talk.turn(Call("delete_todos", f'{{"ids": ["{ids[0]}"], "ids": ["{ids[1]}"]}}'))
        [asked] = asks["approval"]["calls"]
        talk.decide(asks, Say("Gone."))
        assert asked["arguments"]["ids"] == [todo["id"] for todo in asked["todos"]] == talk.deleted()

    def test_of_an_old_turn_holds_for_what_was_asked_and_no_more(self, talk: Talk) -> None:
        asks, ids = asked_to_delete(talk)
        later = add(talk, 2)
        for _ in range(3):
            talk.turn(on("complete_todos", later), Say("Done."), conversation_id=asks["conversation_id"])
        assert talk.decide(asks, Say("Gone.")).json()["status"] == "done"
        assert talk.deleted() == ids

    def test_is_not_given_for_a_model_that_tries_again_after_a_refusal(self, talk: Talk) -> None:
        asks, ids = asked_to_delete(talk)
        again = talk.decide(asks, ToolCalls(on("delete_todos", ids), text="The user meant yes."), approve=False).json()
        assert again["status"] == "needs_approval"
        assert talk.by_the_model() == []

    def test_of_one_call_does_not_let_a_harmless_one_of_its_round_run_twice(self, talk: Talk) -> None:
        ids = add(talk, 2)
        more = Call("add_todos", {"todos": [{"title": "Once"}]})
        asks = talk.turn(ToolCalls(more, on("delete_todos", ids[:1]), on("complete_todos", ids[1:])))
        turn = talk.decide(asks, Say("Gone.")).json()
        assert [call["ok"] for call in turn["tool_calls"]] == [True, True, True]
        assert sorted(change["op"] for change in talk.by_the_model()) == ["complete", "create", "delete"]

    def test_of_an_undo_holds_for_what_would_be_undone_then(self, talk: Talk) -> None:
        first = talk.turn(Call("add_todos", {"todos": [{"title": "New"}]}), Say("Added."))
        conversation = {"conversation_id": first["conversation_id"]}
        asks = talk.turn(Call("undo_last_turn"), **conversation)
        talk.turn(Call("add_todos", {"todos": [{"title": "Newer"}]}), Say("Added."), **conversation)
        turn = talk.decide(asks, Say("Undone.")).json()
        assert "have changed since" in error(turn)
        assert talk.deleted() == []

    @pytest.mark.parametrize("decisions", [(True, True), (True, False), (False, True, False, True)], ids=str)
    def test_is_one_of_several_at_the_same_time(self, talk: Talk, decisions: tuple[bool, ...]) -> None:
        asks, ids = asked_to_delete(talk)
        talk.approved.add(asks["turn_id"])
        talk.model.play(Say("Decided."))
        together = Barrier(len(decisions))

        def decide(approve: bool) -> tuple[int, bool]:  # noqa: FBT001 - for map
            together.wait()
            url = f"{CHAT}/turns/{asks['turn_id']}/approval"
            response = talk.account.client.post(url, json={"approve": approve}, headers=talk.account.bearer)
            return response.status_code, approve

        with ThreadPoolExecutor(len(decisions)) as threads:
            answers = list(threads.map(decide, decisions))
        assert sorted(status for status, _ in answers) == [200, *[409] * (len(decisions) - 1)]
        [approved] = [approve for status, approve in answers if status == 200]
        assert talk.deleted() == (ids if approved else [])
        assert len(talk.by_the_model()) == int(approved)
