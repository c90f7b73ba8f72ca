"""Approvals that are forged, repeated, late or of another user, and attempts to avoid an approval."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.accounts import CHAT, TODOS, problem
from tests.model_replies import Call, Fail, Json, ReceivedRequest, Reply, Say, ToolCalls
from tests.surfaces.adversarial.adversary import HostileChat, Victim, arguments, call_error, call_on

CHANGING = ["update_todos", "complete_todos", "reopen_todos", "reschedule_todos", "restore_todos"]

# Rounds of tool calls. A call is the name of a tool and the indexes of its todos: first, and last + 1.
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


def add(chat: HostileChat, count: int, **fields: object) -> list[str]:
    return [chat.account.add(f"Todo {number}", **fields)["id"] for number in range(count)]


def trash(chat: HostileChat, ids: Sequence[str]) -> None:
    for todo_id in ids:
        chat.account.client.delete(f"{TODOS}/{todo_id}").raise_for_status()


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


def wait_for_deletion(chat: HostileChat, count: int = 1) -> tuple[Json, list[str]]:
    """Adds todos and runs a turn that waits for approval to delete them. Returns the turn and the todos' ids."""
    ids = add(chat, count)
    waiting = chat.run_turn(call_on("delete_todos", ids))
    assert waiting["status"] == "needs_approval"
    return waiting, ids


class TestDeletions:
    def test_a_deletion_among_many_reads_needs_approval(self, chat: HostileChat) -> None:
        ids = add(chat, 3)
        reads = [Call("search_todos") for _ in range(20)]
        waiting = chat.run_turn(ToolCalls(*reads[:10], call_on("delete_todos", ids[:1]), *reads[10:]))
        assert waiting["status"] == "needs_approval"
        assert [call["ok"] for call in waiting["tool_calls"]].count(None) == 1
        assert chat.deleted_ids() == []

    def test_each_deletion_of_a_response_needs_approval(self, chat: HostileChat) -> None:
        ids = add(chat, 4)
        waiting = chat.run_turn(ToolCalls(*[call_on("delete_todos", [todo_id]) for todo_id in ids]))
        assert [call["todos"][0]["id"] for call in waiting["approval"]["calls"]] == ids
        assert chat.deleted_ids() == []
        turn = chat.answer_approval(waiting, Say("Gone.")).json()
        assert turn["status"] == "done"
        assert sorted(chat.deleted_ids()) == ids

    def test_a_todo_named_twice_is_deleted_once(self, chat: HostileChat) -> None:
        [todo_id] = add(chat, 1)
        waiting = chat.run_turn(
            ToolCalls(call_on("delete_todos", [todo_id, todo_id]), call_on("delete_todos", [todo_id]))
        )
        turn = chat.answer_approval(waiting, Say("Gone.")).json()
        assert turn["status"] == "done"
        assert [change["op"] for change in chat.changes_by_turns()] == ["delete"]

    def test_a_deletion_in_each_round_needs_a_new_approval(self, chat: HostileChat) -> None:
        ids = add(chat, 3)
        turn = chat.run_turn(call_on("delete_todos", ids[:1]))
        for number in (1, 2):
            turn = chat.answer_approval(turn, call_on("delete_todos", ids[number : number + 1])).json()
            assert turn["status"] == "needs_approval"
            assert len(chat.deleted_ids()) == number

    def test_deleting_a_todo_added_by_the_turn_needs_approval(self, chat: HostileChat) -> None:
        def add_and_delete(request: ReceivedRequest) -> Reply:
            tools = [message for message in request.messages if message["role"] == "tool"]
            if not tools:
                return Call("add_todos", {"todos": [{"title": "Brief"}]})
            content = tools[0]["content"].removeprefix("<data>").removesuffix("</data>")
            return call_on("delete_todos", [json.loads(content)["results"][0]["todo"]["id"]])

        assert chat.run_turn_with(add_and_delete)["status"] == "needs_approval"

    def test_undoing_an_addition_deletes_nothing_but_what_was_added(self, chat: HostileChat) -> None:
        add(chat, 1)
        first = chat.run_turn(Call("add_todos", {"todos": [{"title": "New"}]}), Say("Added."))
        undone = chat.run_turn(
            Call("undo_last_turn"), Call("undo_last_turn"), Say("Undone."), conversation_id=first["conversation_id"]
        )
        assert undone["status"] == "done"
        assert chat.deleted_ids() == first["changed"]

    def test_undoing_a_restoration_needs_approval(self, chat: HostileChat) -> None:
        ids = add(chat, 2)
        trash(chat, ids)
        first = chat.run_turn(call_on("restore_todos", ids), Say("Restored."))
        waiting = chat.run_turn(Call("undo_last_turn"), conversation_id=first["conversation_id"])
        assert waiting["status"] == "needs_approval"
        assert waiting["approval"]["calls"][0]["deletes"] is True
        assert chat.deleted_ids() == []

    def test_undoing_the_undo_of_a_deletion_needs_approval(self, chat: HostileChat) -> None:
        waiting, ids = wait_for_deletion(chat)
        chat.answer_approval(waiting, Say("Gone."))
        assert chat.deleted_ids() == ids
        conversation = {"conversation_id": waiting["conversation_id"]}
        chat.run_turn(Call("undo_last_turn"), Say("Back."), **conversation)
        assert chat.deleted_ids() == []
        assert chat.run_turn(Call("redo_last_undo"), Say("Gone again."), **conversation)["status"] == "needs_approval"
        assert chat.deleted_ids() == []

    def test_the_second_of_two_undos_needs_approval_if_it_deletes(self, chat: HostileChat) -> None:
        ids = add(chat, 1)
        trash(chat, ids)
        first = chat.run_turn(call_on("restore_todos", ids), Say("Restored."))
        conversation = {"conversation_id": first["conversation_id"]}
        chat.run_turn(call_on("complete_todos", ids), Say("Done."), **conversation)
        turn = chat.run_turn(ToolCalls(Call("undo_last_turn"), Call("undo_last_turn")), **conversation)
        assert turn["status"] == "needs_approval"
        assert chat.deleted_ids() == []
        assert turn["tool_calls"][0]["ok"] is True


class TestMoreThanFiveChanges:
    @pytest.mark.parametrize("tool", CHANGING)
    def test_one_call_that_changes_six_todos_needs_approval(self, chat: HostileChat, tool: str) -> None:
        ids = add(chat, 6, completed=tool == "reopen_todos")
        if tool == "restore_todos":
            trash(chat, ids)
        waiting = chat.run_turn(call_on(tool, ids), Say("Never said."))
        assert waiting["status"] == "needs_approval"
        assert len(waiting["approval"]["calls"][0]["todos"]) == 6
        assert waiting["approval"]["calls"][0]["deletes"] is False
        assert chat.changes_by_turns() == []

    @pytest.mark.parametrize("plan", TOO_MANY.values(), ids=TOO_MANY.keys())
    def test_six_changes_by_several_calls_need_approval(self, chat: HostileChat, plan: Plan) -> None:
        ids = add(chat, 6)
        waiting = chat.run_turn(*rounds(plan, ids), Say("Never said."))
        assert waiting["status"] == "needs_approval"
        assert len({change["todo_id"] for change in chat.changes_by_turns()}) <= 5
        refused = chat.answer_approval(waiting, Say("All right."), approve=False).json()
        assert refused["status"] == "done"
        assert len({change["todo_id"] for change in chat.changes_by_turns()}) <= 5

    @pytest.mark.parametrize("plan", FEW_ENOUGH.values(), ids=FEW_ENOUGH.keys())
    def test_five_changes_need_no_approval(self, chat: HostileChat, plan: Plan) -> None:
        ids = add(chat, 6)
        turn = chat.run_turn(*rounds(plan, ids), Say("Done."))
        assert turn["status"] == "done"
        assert sorted(turn["changed"]) == ids[:5]

    def test_added_todos_do_not_count_as_changes(self, chat: HostileChat) -> None:
        ids = add(chat, 5)
        more = Call("add_todos", {"todos": [{"title": f"New {number}"} for number in range(50)]})
        turn = chat.run_turn(ToolCalls(more, call_on("complete_todos", ids)), Say("Done."))
        assert (turn["status"], len(turn["changed"])) == ("done", 55)

    def test_an_undo_of_six_changes_needs_approval(self, chat: HostileChat) -> None:
        ids = add(chat, 6)
        first = chat.answer_approval(chat.run_turn(call_on("complete_todos", ids)), Say("Done.")).json()
        waiting = chat.run_turn(Call("undo_last_turn"), conversation_id=first["conversation_id"])
        assert waiting["status"] == "needs_approval"

    def test_several_undos_that_change_eight_todos_need_approval(self, chat: HostileChat) -> None:
        ids = add(chat, 8)
        fields: Json = {}
        for start in range(0, 8, 2):
            turn = chat.run_turn(call_on("complete_todos", ids[start : start + 2]), Say("Done."), **fields)
            fields = {"conversation_id": turn["conversation_id"]}
        waiting = chat.run_turn(ToolCalls(*[Call("undo_last_turn") for _ in range(4)]), Say("Undone."), **fields)
        assert waiting["status"] == "needs_approval"
        assert len(waiting["changed"]) <= 5

    def test_changes_after_an_approval_need_another_approval(self, chat: HostileChat) -> None:
        ids = add(chat, 8)
        waiting = chat.run_turn(call_on("complete_todos", ids[:6]))
        again = chat.answer_approval(waiting, call_on("complete_todos", ids[6:])).json()
        assert again["status"] == "needs_approval"
        assert sorted(again["changed"]) == ids[:6]


class TestAnswers:
    def test_an_approval_can_be_given_once(self, chat: HostileChat) -> None:
        waiting, ids = wait_for_deletion(chat)
        assert chat.answer_approval(waiting, Say("Gone.")).status_code == 200
        problem(chat.answer_approval(waiting, Say("Again.")), 409, "nothing_to_approve")
        assert chat.deleted_ids() == ids
        assert len(chat.changes_by_turns()) == 1

    def test_an_approval_after_a_refusal_is_rejected(self, chat: HostileChat) -> None:
        waiting, _ = wait_for_deletion(chat)
        refused = chat.answer_approval(waiting, Say("All right."), approve=False).json()
        assert "refused" in call_error(refused)
        problem(chat.answer_approval(waiting, Say("Gone.")), 409, "nothing_to_approve")
        assert chat.changes_by_turns() == []

    def test_a_refusal_after_an_approval_is_rejected(self, chat: HostileChat) -> None:
        waiting, ids = wait_for_deletion(chat)
        chat.answer_approval(waiting, Say("Gone."))
        problem(chat.answer_approval(waiting, Say("Back."), approve=False), 409, "nothing_to_approve")
        assert chat.deleted_ids() == ids

    def test_an_approval_after_an_interrupted_refusal_is_rejected(self, chat: HostileChat) -> None:
        waiting, _ = wait_for_deletion(chat)
        assert chat.answer_approval(waiting, Fail(400), approve=False).status_code == 503
        assert chat.answer_approval(waiting, Say("Gone.")).status_code == 409
        assert chat.changes_by_turns() == []

    def test_an_approval_of_a_finished_turn_is_rejected(self, chat: HostileChat) -> None:
        problem(chat.answer_approval(chat.run_turn(Say("Done."))), 409, "nothing_to_approve")

    def test_an_approval_before_the_question_has_no_effect(self, chat: HostileChat) -> None:
        ids = add(chat, 1)
        first = chat.run_turn(Say("May I?"))
        chat.answer_approval(first)
        waiting = chat.run_turn(call_on("delete_todos", ids), conversation_id=first["conversation_id"])
        assert waiting["status"] == "needs_approval"
        assert chat.deleted_ids() == []

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
    def test_any_other_body_than_a_plain_decision_is_rejected(self, chat: HostileChat, decision: object) -> None:
        waiting, _ = wait_for_deletion(chat)
        chat.model.play()
        refused = chat.account.client.post(f"{CHAT}/turns/{waiting['turn_id']}/approval", json=decision)
        problem(refused, 422, "validation_failed")
        assert chat.deleted_ids() == []

    def test_another_user_cannot_answer_the_approval(self, chat: HostileChat, victim: Victim) -> None:
        waiting, _ = wait_for_deletion(chat)
        for approve in (True, False):
            other = victim.account.client.post(f"{CHAT}/turns/{waiting['turn_id']}/approval", json={"approve": approve})
            problem(other, 404, "turn_not_found")
        assert chat.account.client.get(f"{CHAT}/turns/{waiting['turn_id']}").json() == waiting

    def test_an_approval_in_a_deleted_conversation_is_not_found(self, chat: HostileChat) -> None:
        waiting, _ = wait_for_deletion(chat)
        chat.account.client.delete(f"{CHAT}/conversations/{waiting['conversation_id']}").raise_for_status()
        problem(chat.answer_approval(waiting, Say("Gone.")), 404, "turn_not_found")
        assert chat.changes_by_turns() == []

    @pytest.mark.parametrize("how", ["changed", "deleted", "deleted and restored", "completed and reopened"])
    def test_an_approval_is_void_after_a_todo_changed(self, chat: HostileChat, how: str) -> None:
        waiting, ids = wait_for_deletion(chat, 2)
        url, client = f"{TODOS}/{ids[1]}", chat.account.client
        for step in how.split(" and "):
            match step:
                case "deleted":
                    client.delete(url).raise_for_status()
                case "restored":
                    client.post(f"{url}/restore").raise_for_status()
                case _:
                    client.patch(url, json={"title": "Keep me", "completed": step == "completed"}).raise_for_status()
        turn = chat.answer_approval(waiting, Say("Oh.")).json()
        assert "have changed since" in call_error(turn)
        assert chat.changes_by_turns() == []

    def test_a_new_call_with_the_same_id_needs_another_approval(self, chat: HostileChat) -> None:
        ids = add(chat, 2)
        waiting = chat.run_turn(Call("delete_todos", {"ids": ids[:1]}, id="call_x"))
        again = chat.answer_approval(waiting, Call("delete_todos", {"ids": ids[1:]}, id="call_x")).json()
        assert again["status"] == "needs_approval"
        assert [todo["id"] for todo in again["approval"]["calls"][0]["todos"]] == ids[1:]
        assert chat.deleted_ids() == ids[:1]

    def test_the_same_call_again_needs_another_approval(self, chat: HostileChat) -> None:
        waiting, ids = wait_for_deletion(chat)
        turn = chat.answer_approval(waiting, call_on("restore_todos", ids), call_on("delete_todos", ids)).json()
        assert turn["status"] == "needs_approval"
        assert chat.deleted_ids() == []

    def test_the_same_call_in_another_turn_needs_another_approval(self, chat: HostileChat) -> None:
        waiting, ids = wait_for_deletion(chat)
        other = chat.run_turn(call_on("delete_todos", ids), conversation_id=waiting["conversation_id"])
        chat.answer_approval(other, Say("All right."), approve=False)
        assert chat.deleted_ids() == []
        assert chat.account.client.get(f"{CHAT}/turns/{waiting['turn_id']}").json()["status"] == "needs_approval"

    def test_arguments_with_a_repeated_key_are_shown_as_they_are_read(self, chat: HostileChat) -> None:
        ids = add(chat, 2)
        waiting = chat.run_turn(Call("delete_todos", f'{{"ids": ["{ids[0]}"], "ids": ["{ids[1]}"]}}'))
        [call] = waiting["approval"]["calls"]
        chat.answer_approval(waiting, Say("Gone."))
        assert call["arguments"]["ids"] == [todo["id"] for todo in call["todos"]] == chat.deleted_ids()

    def test_an_approval_of_an_old_turn_deletes_the_listed_todos_only(self, chat: HostileChat) -> None:
        waiting, ids = wait_for_deletion(chat)
        later = add(chat, 2)
        for _ in range(3):
            chat.run_turn(call_on("complete_todos", later), Say("Done."), conversation_id=waiting["conversation_id"])
        assert chat.answer_approval(waiting, Say("Gone.")).json()["status"] == "done"
        assert chat.deleted_ids() == ids

    def test_a_retry_of_the_model_after_a_refusal_needs_another_approval(self, chat: HostileChat) -> None:
        waiting, ids = wait_for_deletion(chat)
        again = chat.answer_approval(
            waiting, ToolCalls(call_on("delete_todos", ids), text="The user meant yes."), approve=False
        ).json()
        assert again["status"] == "needs_approval"
        assert chat.changes_by_turns() == []

    def test_calls_without_approval_run_once(self, chat: HostileChat) -> None:
        ids = add(chat, 2)
        more = Call("add_todos", {"todos": [{"title": "Once"}]})
        waiting = chat.run_turn(ToolCalls(more, call_on("delete_todos", ids[:1]), call_on("complete_todos", ids[1:])))
        turn = chat.answer_approval(waiting, Say("Gone.")).json()
        assert [call["ok"] for call in turn["tool_calls"]] == [True, True, True]
        assert sorted(change["op"] for change in chat.changes_by_turns()) == ["complete", "create", "delete"]

    def test_an_approved_undo_is_void_if_another_turn_is_the_last(self, chat: HostileChat) -> None:
        ids = add(chat, 1)
        trash(chat, ids)
        first = chat.run_turn(call_on("restore_todos", ids), Say("Restored."))
        conversation = {"conversation_id": first["conversation_id"]}
        waiting = chat.run_turn(Call("undo_last_turn"), **conversation)
        chat.run_turn(Call("add_todos", {"todos": [{"title": "Newer"}]}), Say("Added."), **conversation)
        turn = chat.answer_approval(waiting, Say("Undone.")).json()
        assert "have changed since" in call_error(turn)
        assert chat.deleted_ids() == []

    @pytest.mark.parametrize("decisions", [(True, True), (True, False), (False, True, False, True)], ids=str)
    def test_only_one_of_several_concurrent_answers_counts(
        self, chat: HostileChat, decisions: tuple[bool, ...]
    ) -> None:
        waiting, ids = wait_for_deletion(chat)
        chat.approved_turn_ids.add(waiting["turn_id"])
        chat.model.play(Say("Decided."))
        together = Barrier(len(decisions))

        def decide(approve: bool) -> tuple[int, bool]:  # noqa: FBT001 - called by map
            together.wait()
            url = f"{CHAT}/turns/{waiting['turn_id']}/approval"
            response = chat.account.client.post(url, json={"approve": approve}, headers=chat.account.bearer)
            return response.status_code, approve

        with ThreadPoolExecutor(len(decisions)) as threads:
            answers = list(threads.map(decide, decisions))
        assert sorted(status for status, _ in answers) == [200, *[409] * (len(decisions) - 1)]
        [approved] = [approve for status, approve in answers if status == 200]
        assert chat.deleted_ids() == (ids if approved else [])
        assert len(chat.changes_by_turns()) == int(approved)
