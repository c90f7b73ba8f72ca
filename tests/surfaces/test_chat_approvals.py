"""Approvals: tool calls of the assistant that wait for the user's approval, and calls that run without one."""

import pytest

from tests.accounts import CHAT, TODOS, Account, problem
from tests.model_replies import Call, ReceivedRequest, Reply, Say, ToolCalls, unfence
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import Json, answer_approval, find_id, new_todos, parse_events, run_turn, tool_result


class TestApproval:
    @pytest.fixture
    def waiting(self, ada: Account, model: ScriptedModel) -> Json:
        """A turn that waits for approval to delete `Milk`. It has added `Bread`, which needs no approval."""
        milk = ada.add("Milk")
        model.play(
            ToolCalls(Call("delete_todos", {"ids": [milk["id"]]}), Call("add_todos", new_todos("Bread"))),
            Say("As you wish."),
        )
        return run_turn(ada, "Delete the milk, add bread")

    def test_a_deletion_waits_for_approval(self, ada: Account, waiting: Json) -> None:
        (call,) = waiting["approval"]["calls"]

        assert waiting["status"] == "needs_approval"
        assert "Milk" in waiting["response"]
        assert (call["name"], call["deletes"]) == ("delete_todos", True)
        assert call["arguments"] == {"ids": [call["todos"][0]["id"]]}
        assert (call["todos"][0]["title"], call["todos"][0]["version"]) == ("Milk", 1)
        assert ada.titles() == ["Milk", "Bread"]

    def test_an_approved_call_runs_and_the_turn_continues(self, ada: Account, waiting: Json) -> None:
        answer = answer_approval(ada, waiting["turn_id"], approve=True).json()

        assert (answer["status"], answer["response"], answer["approval"]) == ("done", "As you wish.", None)
        assert answer["tool_calls"][0]["ok"] is True
        assert ada.titles() == ["Bread"]

    def test_a_refused_call_does_not_run_and_the_model_learns_it(
        self, ada: Account, waiting: Json, model: ScriptedModel
    ) -> None:
        answer = answer_approval(ada, waiting["turn_id"], approve=False).json()

        assert (answer["status"], answer["response"]) == ("done", "As you wish.")
        assert answer["tool_calls"][0]["ok"] is False
        assert "refused" in model.requests[-1].messages[-2]["content"]
        assert ada.titles() == ["Milk", "Bread"]

    def test_an_approval_can_be_answered_once(self, ada: Account, waiting: Json) -> None:
        answer_approval(ada, waiting["turn_id"], approve=True)

        problem(answer_approval(ada, waiting["turn_id"], approve=True), 409, "nothing_to_approve")

    def test_an_approval_is_void_after_the_todos_changed(self, ada: Account, waiting: Json) -> None:
        ada.client.patch(f"{TODOS}/{find_id(ada, 'Milk')}", json={"description": "Still needed!"})

        answer = answer_approval(ada, waiting["turn_id"], approve=True).json()

        assert answer["tool_calls"][0]["ok"] is False
        assert ada.titles() == ["Milk", "Bread"]

    def test_two_approved_calls_on_the_same_todos_both_run(self, ada: Account, model: ScriptedModel) -> None:
        ids = [ada.add(str(number))["id"] for number in range(6)]
        model.play(
            ToolCalls(
                Call("reschedule_todos", {"ids": ids, "due": "jan 31 2040"}),
                Call("update_todos", {"changes": [{"id": todo_id, "add_tags": ["x"]} for todo_id in ids]}),
            ),
            Say("Moved and tagged."),
        )
        answer = answer_approval(ada, run_turn(ada)["turn_id"], approve=True).json()

        assert [call["ok"] for call in answer["tool_calls"]] == [True, True]
        assert {(todo["due_date"], *todo["tags"]) for todo in ada.client.get(TODOS).json()} == {("2040-01-31", "x")}

    def test_todos_added_by_the_turn_do_not_count_as_changes(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", new_todos(*"abcdefg")))
        model.answer_with(tag_all_added_todos)

        assert run_turn(ada)["status"] == "done"
        assert ada.titles(tag="x") == [*"abcdefg"]

    @pytest.mark.parametrize(
        ("name", "change"), [("complete_todos", None), ("update_todos", {"project": "Home"}), ("restore_todos", None)]
    )
    def test_subtodos_changed_by_a_cascade_count_as_changes(
        self, ada: Account, model: ScriptedModel, name: str, change: Json | None
    ) -> None:
        ada.add_project("Home")
        cake = ada.add("Cake")
        flour, *others = [ada.add(title, parent_id=cake["id"]) for title in ("Flour", "Eggs", "Milk", "Sugar")]
        ada.add("Rye", parent_id=flour["id"])
        if name == "restore_todos":
            ada.client.delete(cake["url"])
        arguments = {"changes": [{"id": cake["id"]} | change]} if change else {"ids": [cake["id"]]}
        model.play(Call(name, arguments), Say("Done."))
        answer = run_turn(ada)

        (call,) = answer["approval"]["calls"]
        assert {todo["title"] for todo in call["todos"]} == {"Cake", "Flour", "Eggs", "Milk", "Sugar", "Rye"}
        decided = answer_approval(ada, answer["turn_id"], approve=True).json()
        assert decided["tool_calls"][0]["ok"] is True
        assert set(decided["changed"]) == {todo["id"] for todo in call["todos"]}
        assert others

    def test_the_approval_of_a_deletion_lists_the_subtodos(self, ada: Account, model: ScriptedModel) -> None:
        cake = ada.add("Cake")
        flour = ada.add("Flour", parent_id=cake["id"])
        model.play(Call("delete_todos", {"ids": [cake["id"], flour["id"]]}), Say("Gone."))
        waiting = run_turn(ada)
        answer = answer_approval(ada, waiting["turn_id"], approve=True).json()

        assert [todo["title"] for todo in waiting["approval"]["calls"][0]["todos"]] == ["Cake", "Flour"]
        assert [(item["ok"], item["subtodos"]) for item in tool_result(answer)["results"]] == [(True, 1), (True, 0)]
        assert ada.titles() == []

    def test_an_approved_deletion_fails_if_a_subtodo_was_added_meanwhile(
        self, ada: Account, model: ScriptedModel
    ) -> None:
        cake = ada.add("Cake")
        model.play(Call("delete_todos", {"ids": [cake["id"]]}), Say("It changed."))
        waiting = run_turn(ada)
        ada.add("Flour", parent_id=cake["id"])
        answer = answer_approval(ada, waiting["turn_id"], approve=True).json()

        assert answer["tool_calls"][0]["ok"] is False
        assert ada.titles() == ["Cake", "Flour"]

    def test_a_cascade_of_an_earlier_call_does_not_void_the_approval(self, ada: Account, model: ScriptedModel) -> None:
        cake = ada.add("Cake")
        flour = ada.add("Flour", parent_id=cake["id"])
        ada.add("Rye", parent_id=flour["id"])
        model.play(
            ToolCalls(Call("delete_todos", {"ids": [cake["id"]]}), Call("delete_todos", {"ids": [flour["id"]]})),
            Say("Gone."),
        )
        answer = answer_approval(ada, run_turn(ada)["turn_id"], approve=True).json()

        assert answer["tool_calls"][0]["ok"] is True
        assert "no todo with this id" in tool_result(answer, 1)["results"][0]["error"]
        assert ada.titles() == []

    def test_five_changes_need_no_approval(self, ada: Account, model: ScriptedModel) -> None:
        ids = [ada.add(str(number))["id"] for number in range(5)]
        model.play(Call("complete_todos", {"ids": ids}), Say("Done."))

        assert run_turn(ada)["status"] == "done"

    @pytest.mark.parametrize("parallel", [True, False])
    def test_six_changes_in_one_response_need_approval(
        self, ada: Account, model: ScriptedModel, *, parallel: bool
    ) -> None:
        ids = [ada.add(str(number))["id"] for number in range(6)]
        calls = [Call("complete_todos", {"ids": [todo_id]}) for todo_id in ids]
        model.play(ToolCalls(*calls) if parallel else Call("complete_todos", {"ids": ids}))

        answer = run_turn(ada)

        assert answer["status"] == "needs_approval"
        assert answer["changed"] == []

    def test_the_continued_turn_can_be_streamed(self, ada: Account, waiting: Json) -> None:
        streamed = ada.client.post(
            f"{CHAT}/turns/{waiting['turn_id']}/approval",
            json={"approve": True},
            headers={"Accept": "text/event-stream"},
        )

        names = [name for name, _ in parse_events(streamed.text)]
        assert [names[0], names[-1]] == ["turn", "done"]
        assert "tool_result" in names

    @pytest.mark.parametrize("body", [{}, {"approve": "yes"}, {"approve": 1}, {"approve": True, "calls": []}])
    def test_an_invalid_body_is_rejected(self, ada: Account, waiting: Json, body: Json) -> None:
        decided = ada.client.post(f"{CHAT}/turns/{waiting['turn_id']}/approval", json=body)

        problem(decided, 422, "validation_failed")


def tag_all_added_todos(request: ReceivedRequest) -> Reply:
    """Replies as a model that adds seven todos, tags them by the ids in the result, and ends the turn."""
    results = [unfence(message["content"]) for message in request.messages if message["role"] == "tool"]
    if not results:
        return Call("add_todos", new_todos(*"abcdefg"))
    if len(results) == 1:
        ids = [item["todo"]["id"] for item in results[0]["results"]]
        return Call("update_todos", {"changes": [{"id": todo_id, "add_tags": ["x"]} for todo_id in ids]})
    return Say("Done.")
