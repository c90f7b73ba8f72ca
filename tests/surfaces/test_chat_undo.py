"""Undo of a turn: reverts the changes that the assistant made in that turn."""

from tests.accounts import PROJECTS, TODOS, Account, problem
from tests.model_replies import Call, ReceivedRequest, Reply, Say, ToolCalls
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import Json, answer_approval, find_id, new_todos, run_turn, tool_result, undo_turn


class TestUndo:
    def test_a_todo_changed_by_the_user_during_the_turn_is_a_conflict(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk")
        ids = {"ids": [milk["id"]]}

        def meanwhile(request: ReceivedRequest) -> Reply:
            answers = len([message for message in request.messages if message["role"] == "tool"])
            if answers == 0:
                return Call("reschedule_todos", ids | {"due": "jan 31 2040"})
            if answers == 1:
                ada.client.patch(milk["url"], json={"title": "Oat milk"}).raise_for_status()
                return Call("complete_todos", ids)
            return Say("Done.")

        model.answer_with(meanwhile)
        undone = undo_turn(ada, run_turn(ada)["turn_id"]).json()

        assert undone == {
            "undone": [],
            "conflicts": [{"id": milk["id"], "title": "Oat milk"}],
            "undone_projects": [],
            "project_conflicts": [],
        }

    def test_an_undone_turn_cannot_be_approved(self, ada: Account, model: ScriptedModel) -> None:
        milk, bread = ada.add("Milk"), ada.add("Bread")
        calls = [Call("complete_todos", {"ids": [milk["id"]]}), Call("delete_todos", {"ids": [bread["id"]]})]
        model.play(ToolCalls(*calls))
        waiting = run_turn(ada)
        undo_turn(ada, waiting["turn_id"])

        problem(answer_approval(ada, waiting["turn_id"], approve=True), 409, "nothing_to_approve")
        assert ada.titles(completed=False) == ["Milk", "Bread"]

    def test_all_changes_of_the_turn_are_undone(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk", tags=["home"], due_date="2040-01-31")
        ids = {"ids": [milk["id"]]}
        model.play(
            ToolCalls(
                Call("add_todos", new_todos("Bread")),
                Call("complete_todos", ids),
                Call("reschedule_todos", ids | {"due": None}),
            ),
            Call("update_todos", {"changes": [{"id": milk["id"], "title": "Oat milk", "add_tags": ["shop"]}]}),
            Say("Done."),
        )
        answer = run_turn(ada)
        undone = undo_turn(ada, answer["turn_id"]).json()

        assert {todo["title"] for todo in undone["undone"]} == {"Oat milk", "Bread"}
        assert undone["conflicts"] == []
        (left,) = ada.client.get(TODOS).json()
        assert without_versions(left) == without_versions(milk)
        assert ada.titles(trashed=True) == ["Bread"]

    def test_moves_and_recurrences_are_undone(self, ada: Account, model: ScriptedModel) -> None:
        home = ada.add_project("Home")
        cake = ada.add("Cake", due_date="2040-01-31", recurrence="FREQ=DAILY;COUNT=2")
        ada.add("Flour", parent_id=cake["id"])
        milk = ada.add("Milk")
        before = [without_versions(todo) for todo in ada.client.get(TODOS).json()]
        model.play(
            Call("complete_todos", {"ids": [cake["id"]]}),
            Call("update_todos", {"changes": [{"id": cake["id"], "project": "Home", "recurrence": "every week"}]}),
            Call("update_todos", {"changes": [{"id": milk["id"], "parent_id": cake["id"]}]}),
            Say("Done."),
        )
        done = run_turn(ada)
        assert {todo["project_id"] for todo in ada.client.get(TODOS).json()} == {home["id"]}
        undone = undo_turn(ada, done["turn_id"])

        assert undone.status_code == 200, undone.text
        assert [without_versions(todo) for todo in ada.client.get(TODOS).json()] == before

    def test_the_approval_of_undoing_an_addition_lists_the_subtodos(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", new_todos("Cake")), Say("Added."))
        added = run_turn(ada)
        ada.add("Flour", parent_id=find_id(ada, "Cake"))
        model.play(Call("undo_last_turn", {}), Say("Undone."))
        waiting = run_turn(ada, conversation_id=added["conversation_id"])

        assert {todo["title"] for todo in waiting["approval"]["calls"][0]["todos"]} == {"Cake", "Flour"}

    def test_a_todo_changed_after_the_turn_is_a_conflict(self, ada: Account, model: ScriptedModel) -> None:
        milk, bread = ada.add("Milk"), ada.add("Bread")
        model.play(Call("complete_todos", {"ids": [milk["id"], bread["id"]]}), Say("Done."))
        answer = run_turn(ada)
        ada.client.patch(milk["url"], json={"title": "Oat milk"})

        undone = undo_turn(ada, answer["turn_id"]).json()

        assert [todo["title"] for todo in undone["undone"]] == ["Bread"]
        assert undone["conflicts"] == [{"id": milk["id"], "title": "Oat milk"}]
        assert ada.titles(completed=True) == ["Oat milk"]

    def test_a_turn_can_be_undone_once(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", new_todos("Bread")), Say("Added."))
        answer = run_turn(ada)
        undo_turn(ada, answer["turn_id"])

        problem(undo_turn(ada, answer["turn_id"]), 409, "turn_undone")

    def test_the_assistant_can_undo_the_last_turn(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk")
        model.play(Call("complete_todos", {"ids": [milk["id"]]}), Say("Done."))
        first = run_turn(ada)
        model.play(Call("undo_last_turn", {}), Say("Undone."))
        second = run_turn(ada, "undo", conversation_id=first["conversation_id"])

        assert tool_result(second)["undone"] == [{"id": milk["id"], "title": "Milk"}]
        assert second["changed"] == [milk["id"]]
        assert ada.titles(completed=False) == ["Milk"]


class TestUndoOfProjects:
    def test_a_turn_that_adds_a_project_with_todos_is_undone_as_a_whole(
        self, ada: Account, model: ScriptedModel
    ) -> None:
        milk = ada.add("Milk")
        model.play(
            Call("add_projects", {"names": ["Home"]}),
            Call("add_todos", new_todos("Bread", project="Home")),
            Call("update_todos", {"changes": [{"id": milk["id"], "project": "Home"}]}),
            Say("Done."),
        )
        answer = run_turn(ada)
        [home] = ada.client.get(PROJECTS).json()
        assert {todo["project_id"] for todo in ada.client.get(TODOS).json()} == {home["id"]}
        undone = undo_turn(ada, answer["turn_id"]).json()

        assert {todo["title"] for todo in undone["undone"]} == {"Milk", "Bread"}
        assert undone["undone_projects"] == [{"id": home["id"], "name": "Home"}]
        assert undone["conflicts"] == undone["project_conflicts"] == []
        assert ada.client.get(PROJECTS).json() == []
        assert [without_versions(todo) for todo in ada.client.get(TODOS).json()] == [without_versions(milk)]

    def test_a_project_with_other_todos_or_changed_since_is_a_conflict(
        self, ada: Account, model: ScriptedModel
    ) -> None:
        model.play(Call("add_projects", {"names": ["Home", "Garden", "Work"]}), Say("Added."))
        answer = run_turn(ada)
        home, garden, work = ada.client.get(PROJECTS).json()
        ada.add("Milk", project_id=home["id"])
        ada.client.patch(garden["url"], json={"name": "Yard"}).raise_for_status()
        undone = undo_turn(ada, answer["turn_id"]).json()

        assert undone == {
            "undone": [],
            "conflicts": [],
            "undone_projects": [{"id": work["id"], "name": "Work"}],
            "project_conflicts": [{"id": home["id"], "name": "Home"}, {"id": garden["id"], "name": "Yard"}],
        }
        assert [project["name"] for project in ada.client.get(PROJECTS).json()] == ["Home", "Yard"]
        assert ada.titles(project_id=home["id"]) == ["Milk"]


def without_versions(todo: Json) -> Json:
    return {name: value for name, value in todo.items() if name not in {"version", "updated_at"}}
