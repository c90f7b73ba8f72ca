"""Undo and redo by the assistant, one turn of the conversation at a time."""

from typing import Any

import pytest

from tests.accounts import PROJECTS, TODOS, Account
from tests.model_replies import Call, Say, ToolCalls
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import Json, answer_approval, find_id, new_todos, run_turn, tool_result, undo_turn

IGNORED = {"version", "updated_at"}
UNDO, REDO = Call("undo_last_turn", {}), Call("redo_last_undo", {})
ADD_PROJECT = Call("add_projects", {"names": ["Home"]})
ADD_OAT_MILK = Call("add_todos", new_todos("Oat milk"))


class Conversation:
    """A conversation of Ada, whose turns make scripted tool calls."""

    def __init__(self, account: Account, model: ScriptedModel) -> None:
        self.account = account
        self._model = model
        self._fields: dict[str, Any] = {}

    def run(self, *calls: Call) -> Json:
        """Runs a turn that makes these tool calls at once, and returns the turn."""
        self._model.play(ToolCalls(*calls), Say("Done."))
        turn = run_turn(self.account, **self._fields)
        self._fields = {"conversation_id": turn["conversation_id"]}
        return turn

    def add(self, *titles: str, **fields: object) -> None:
        self.run(Call("add_todos", new_todos(*titles, **fields)))

    def change(self, tool: str, title: str, **arguments: object) -> None:
        self.run(Call(tool, {"ids": [find_id(self.account, title)], **arguments}))

    def update(self, title: str, **fields: object) -> None:
        self.run(Call("update_todos", {"changes": [{"id": find_id(self.account, title), **fields}]}))

    def undo(self) -> Json:
        return self.run(UNDO)

    def redo(self) -> Json:
        return self.run(REDO)

    @property
    def projects(self) -> list[str]:
        return [project["name"] for project in self.account.client.get(PROJECTS).json()]

    @property
    def state(self) -> list[Json]:
        """The todos outside the trash, without the fields that every change renews."""
        todos = self.account.client.get(TODOS).json()
        return [{name: value for name, value in todo.items() if name not in IGNORED} for todo in todos]


@pytest.fixture
def conversation(ada: Account, model: ScriptedModel) -> Conversation:
    return Conversation(ada, model)


class TestSteps:
    def test_two_undos_go_two_steps_back_and_two_redos_forward(self, conversation: Conversation) -> None:
        conversation.add("Milk")
        conversation.change("complete_todos", "Milk")
        account, done = conversation.account, conversation.state
        conversation.undo()
        assert account.titles(completed=False) == ["Milk"]
        undone = conversation.undo()
        assert undone["status"] == "done"
        assert (account.titles(), account.titles(trashed=True)) == ([], ["Milk"])
        redone = conversation.redo()
        assert [todo["title"] for todo in tool_result(redone)["redone"]] == ["Milk"]
        assert account.titles(completed=False) == ["Milk"]
        conversation.redo()
        assert conversation.state == done

    def test_steps_with_trees_tags_dates_and_recurrences_are_undone_and_redone(
        self, conversation: Conversation
    ) -> None:
        conversation.account.add_project("Home")
        states: list[list[Json]] = [conversation.state]

        def remember() -> None:
            states.append(conversation.state)

        conversation.add("Cake", tags=["home"])
        remember()
        conversation.add("Flour", parent_id=find_id(conversation.account, "Cake"))
        remember()
        conversation.add("Water", due="jan 31 2040 5pm", recurrence="every day")
        remember()
        conversation.change("complete_todos", "Water")
        remember()
        conversation.update("Cake", add_tags=["sweet"], project="Home")
        remember()
        conversation.change("complete_todos", "Cake")
        remember()
        conversation.change("reschedule_todos", "Water", due="by 2 days")
        remember()
        for state in reversed(states[1:-1]):
            assert conversation.undo()["status"] == "done"
            assert conversation.state == state
        for state in states[2:]:
            assert conversation.redo()["status"] == "done"
            assert conversation.state == state

    def test_an_undo_after_a_redo_undoes_the_redone_turn_again(self, conversation: Conversation) -> None:
        conversation.add("Milk")
        conversation.add("Bread")
        for _ in range(2):
            conversation.undo()
            assert conversation.account.titles() == ["Milk"]
            conversation.redo()
            assert conversation.account.titles() == ["Milk", "Bread"]
        conversation.undo()
        conversation.undo()
        assert conversation.account.titles() == []

    def test_a_change_after_an_undo_ends_what_can_be_redone(self, conversation: Conversation) -> None:
        conversation.add("Milk")
        conversation.undo()
        conversation.add("Bread")
        failed = tool_result(conversation.redo())
        assert failed["code"] == "nothing_to_redo"
        assert conversation.account.titles() == ["Bread"]

    def test_reading_after_an_undo_does_not_end_what_can_be_redone(self, conversation: Conversation) -> None:
        conversation.add("Milk")
        conversation.run(UNDO, Call("search_todos", {}))
        conversation.run(Call("search_todos", {}))
        conversation.redo()
        assert conversation.account.titles() == ["Milk"]

    def test_two_undos_in_one_turn_are_redone_together(self, conversation: Conversation) -> None:
        conversation.add("Milk")
        conversation.add("Bread")
        conversation.run(UNDO, UNDO)
        assert conversation.account.titles() == []
        conversation.redo()
        assert conversation.account.titles() == ["Milk", "Bread"]

    @pytest.mark.parametrize("calls", [(UNDO, ADD_OAT_MILK), (ADD_OAT_MILK, UNDO)])
    def test_a_turn_that_undoes_and_adds_is_a_step_of_its_own(
        self, conversation: Conversation, calls: tuple[Call, Call]
    ) -> None:
        conversation.add("Milk")
        conversation.run(*calls)
        assert conversation.account.titles() == ["Oat milk"]
        conversation.undo()
        assert conversation.account.titles() == ["Milk"]
        conversation.undo()
        assert conversation.account.titles() == []

    @pytest.mark.parametrize(("call", "code"), [(UNDO, "nothing_to_undo"), (REDO, "nothing_to_redo")])
    def test_without_a_step_the_call_fails(self, conversation: Conversation, call: Call, code: str) -> None:
        assert tool_result(conversation.run(call))["code"] == code


class TestOtherChanges:
    def test_a_todo_that_the_user_changed_after_the_undo_is_left_alone_by_a_redo(
        self, conversation: Conversation
    ) -> None:
        milk = conversation.account.add("Milk")
        conversation.change("complete_todos", "Milk")
        conversation.undo()
        conversation.account.client.patch(milk["url"], json={"title": "Oat milk"}).raise_for_status()
        redone = tool_result(conversation.redo())
        assert redone == {"redone": [], "left_alone": [{"id": milk["id"], "title": "Oat milk"}]}

    def test_a_todo_that_the_user_changed_and_changed_back_is_undone(self, conversation: Conversation) -> None:
        milk = conversation.account.add("Milk")
        conversation.change("complete_todos", "Milk")
        for title in ("Oat milk", "Milk"):
            conversation.account.client.patch(milk["url"], json={"title": title}).raise_for_status()
        conversation.undo()
        assert conversation.account.titles(completed=False) == ["Milk"]


class TestProjects:
    def test_a_project_and_its_todos_are_undone_and_redone_together(self, conversation: Conversation) -> None:
        conversation.run(ADD_PROJECT, Call("add_todos", new_todos("Milk", project="Home")))
        before = conversation.state
        for _ in range(2):
            undone = tool_result(conversation.undo())
            assert undone["undone_projects"] == [{"name": "Home"}]
            assert (conversation.projects, conversation.state) == ([], [])
            redone = tool_result(conversation.redo())
            assert redone["redone_projects"] == [{"name": "Home"}]
            assert (conversation.projects, conversation.state) == (["Home"], before)

    def test_an_added_project_is_a_step(self, conversation: Conversation) -> None:
        conversation.add("Milk")
        conversation.run(ADD_PROJECT)
        conversation.undo()
        assert (conversation.projects, conversation.account.titles()) == ([], ["Milk"])
        conversation.undo()
        assert conversation.account.titles() == []

    def test_an_added_project_ends_what_can_be_redone(self, conversation: Conversation) -> None:
        conversation.add("Milk")
        conversation.undo()
        conversation.run(ADD_PROJECT)
        assert tool_result(conversation.redo())["code"] == "nothing_to_redo"

    @pytest.mark.parametrize("calls", [(UNDO, ADD_PROJECT), (ADD_PROJECT, UNDO)])
    def test_a_turn_that_undoes_and_adds_a_project_is_a_step_of_its_own(
        self, conversation: Conversation, calls: tuple[Call, Call]
    ) -> None:
        conversation.add("Milk")
        conversation.run(*calls)
        assert (conversation.projects, conversation.account.titles()) == (["Home"], [])
        conversation.undo()
        assert (conversation.projects, conversation.account.titles()) == ([], ["Milk"])

    def test_a_project_with_a_todo_of_the_user_is_left_alone(self, conversation: Conversation) -> None:
        conversation.run(ADD_PROJECT)
        [home] = conversation.account.client.get(PROJECTS).json()
        conversation.account.add("Milk", project_id=home["id"])
        turn = conversation.undo()
        assert turn["tool_calls"][0]["ok"] is False
        assert tool_result(turn) == {
            "undone": [],
            "left_alone": [],
            "undone_projects": [],
            "projects_left_alone": [{"name": "Home"}],
        }
        assert conversation.projects == ["Home"]

    def test_a_redo_that_gives_todos_of_the_trash_their_project_back_does_not_ask(
        self, conversation: Conversation
    ) -> None:
        conversation.run(ADD_PROJECT)
        conversation.add("Milk", project="Home")
        before = conversation.state
        conversation.undo()
        conversation.undo()
        assert conversation.projects == []
        for _ in range(2):
            assert conversation.redo()["status"] == "done"
        assert (conversation.projects, conversation.state) == (["Home"], before)


class TestApprovals:
    def test_undoing_an_addition_of_many_todos_does_not_ask(self, conversation: Conversation) -> None:
        conversation.add(*(str(number) for number in range(8)))
        assert conversation.undo()["status"] == "done"
        assert conversation.account.titles() == []

    def test_redoing_a_deletion_asks(self, conversation: Conversation) -> None:
        account = conversation.account
        account.add("Milk")
        waiting = conversation.run(Call("delete_todos", {"ids": [find_id(account, "Milk")]}))
        answer_approval(account, waiting["turn_id"], approve=True)
        assert conversation.undo()["status"] == "done"
        asked = conversation.redo()
        assert asked["status"] == "needs_approval"
        answer_approval(account, asked["turn_id"], approve=True)
        assert account.titles() == []
        assert conversation.undo()["status"] == "done"
        assert account.titles() == ["Milk"]

    def test_undoing_a_change_of_more_than_five_todos_asks(self, conversation: Conversation) -> None:
        account = conversation.account
        ids = [account.add(str(number))["id"] for number in range(6)]
        for some in (ids[:3], ids[3:]):
            conversation.run(Call("complete_todos", {"ids": some}))
        assert conversation.undo()["status"] == "done"
        # Three of the six are completed already, and are not changed again.
        ids += [account.add(str(number))["id"] for number in range(6, 9)]
        waiting = conversation.run(Call("complete_todos", {"ids": ids}))
        answer_approval(account, waiting["turn_id"], approve=True)
        assert conversation.undo()["status"] == "needs_approval"

    def test_undoing_an_addition_asks_for_a_subtodo_that_the_user_added_since(self, conversation: Conversation) -> None:
        conversation.add("Cake")
        conversation.account.add("Flour", parent_id=find_id(conversation.account, "Cake"))
        assert conversation.undo()["status"] == "needs_approval"


class TestRoute:
    def test_the_undo_of_an_undo_brings_the_turn_back_as_a_step(self, conversation: Conversation) -> None:
        account = conversation.account
        conversation.add("Milk")
        undone = conversation.undo()
        assert undo_turn(account, undone["turn_id"]).status_code == 200
        assert account.titles() == ["Milk"]
        conversation.undo()
        assert account.titles() == []

    def test_the_undo_of_a_redo_leaves_the_turn_undone(self, conversation: Conversation) -> None:
        account = conversation.account
        account.add("Bread")
        conversation.change("complete_todos", "Bread")
        conversation.add("Milk")
        conversation.undo()
        redone = conversation.redo()
        assert undo_turn(account, redone["turn_id"]).status_code == 200
        assert account.titles() == ["Bread"]
        conversation.undo()
        assert account.titles(completed=False) == ["Bread"]
