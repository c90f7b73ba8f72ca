"""The tools that rename a tag in all todos, or remove it from all."""

from collections.abc import Iterator

import pytest

from tests.accounts import Account, Newcomers
from tests.model_replies import Call, Say
from tests.scripted_model import ScriptedModel
from tests.serving import Surface
from tests.surfaces.chat import answer_approval, run_turn, tool_result, undo_turn
from tests.surfaces.test_tags import counts

RENAME = Call("rename_tag", {"tag": "HOME", "new_tag": "house"})
DELETE = Call("delete_tag", {"tag": "home"})


def add_todos(account: Account, number: int) -> None:
    for title in range(number):
        account.add(str(title), tags=["home", "x"])


@pytest.fixture
def eve(app_surface: Surface, newcomers: Newcomers) -> Iterator[Account]:
    """An account of the app in this process, whose bounds a test can change."""
    with app_surface.client() as client:
        yield newcomers.sign_in(client)


class TestFewTodos:
    def test_a_tag_is_renamed_and_the_undo_puts_it_back(self, ada: Account, model: ScriptedModel) -> None:
        add_todos(ada, 3)
        model.play(RENAME, Say("Renamed."))
        turn = run_turn(ada)
        assert (turn["status"], len(turn["changed"])) == ("done", 3)
        assert tool_result(turn) == {"tag": "HOME", "new_tag": "house", "changed_todos": 3}
        assert counts(ada) == [("house", 3), ("x", 3)]
        assert len(undo_turn(ada, turn["turn_id"]).json()["undone"]) == 3
        assert counts(ada) == [("home", 3), ("x", 3)]

    def test_a_tag_is_removed_and_the_undo_puts_it_back(self, ada: Account, model: ScriptedModel) -> None:
        add_todos(ada, 2)
        model.play(DELETE, Say("Removed."))
        turn = run_turn(ada)
        assert tool_result(turn) == {"tag": "home", "changed_todos": 2}
        assert counts(ada) == [("x", 2)]
        undo_turn(ada, turn["turn_id"]).raise_for_status()
        assert counts(ada) == [("home", 2), ("x", 2)]

    @pytest.mark.parametrize("call", [RENAME, DELETE], ids=["rename", "delete"])
    def test_a_tag_without_todos_is_not_found(
        self, ada: Account, bob: Account, model: ScriptedModel, call: Call
    ) -> None:
        add_todos(bob, 1)
        model.play(call, Say("There is none."))
        assert tool_result(run_turn(ada))["code"] == "tag_not_found"
        assert counts(bob) == [("home", 1), ("x", 1)]


class TestManyTodos:
    @pytest.mark.parametrize("call", [RENAME, DELETE], ids=["rename", "delete"])
    def test_more_than_five_need_an_approval(self, ada: Account, model: ScriptedModel, call: Call) -> None:
        add_todos(ada, 6)
        model.play(call, Say("Done."))
        turn = run_turn(ada)
        assert turn["status"] == "needs_approval"
        assert len(turn["approval"]["calls"][0]["todos"]) == 6
        assert counts(ada) == [("home", 6), ("x", 6)]
        assert answer_approval(ada, turn["turn_id"], approve=True).json()["status"] == "done"
        assert ("home", 6) not in counts(ada)

    def test_beyond_the_bound_nothing_is_changed(
        self, eve: Account, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("todo_assistant.tools.tags._MAX_TODOS", 2)
        add_todos(eve, 3)
        model.play(RENAME, Say("Too many."))
        assert tool_result(run_turn(eve))["code"] == "tag_too_large"
        assert counts(eve) == [("home", 3), ("x", 3)]
