"""Limits of an assistant's turn: rounds of requests to the model, tool calls, tokens and time."""

from tests.accounts import Account, problem
from tests.model_replies import Call, Hang, Tokens, ToolCalls
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import new_todos, run_turn, send_message


class TestLimits:
    def test_a_turn_stops_after_eight_rounds(self, ada: Account, model: ScriptedModel) -> None:
        model.answer_with(lambda _: Call("add_todos", new_todos("Again")))
        answer = run_turn(ada)

        assert answer["status"] == "incomplete"
        assert ada.titles() == ["Again"] * 8
        assert "8 todos" in answer["response"]

    def test_a_turn_that_stops_tells_that_it_added_projects(self, ada: Account, model: ScriptedModel) -> None:
        rounds = iter(range(8))
        model.answer_with(lambda _: Call("add_projects", {"names": [f"Room {next(rounds)}"]}))

        assert run_turn(ada)["response"].endswith("Changed so far: 8 projects.")

    def test_a_turn_runs_at_most_25_calls(self, ada: Account, model: ScriptedModel) -> None:
        model.play(ToolCalls(*(Call("add_todos", new_todos(str(number))) for number in range(30))))
        answer = run_turn(ada)

        assert answer["status"] == "incomplete"
        assert [call["ok"] for call in answer["tool_calls"]] == [*[True] * 25, None]
        assert len(ada.titles()) == 25

    def test_a_turn_stops_at_the_token_limit(self, ada: Account, model: ScriptedModel) -> None:
        model.play(ToolCalls(Call("search_todos", {}), tokens=Tokens(prompt=59_000, completion=1_000)))

        assert run_turn(ada)["status"] == "incomplete"

    def test_a_turn_that_runs_out_of_time_after_a_change_is_incomplete(
        self, ada: Account, model: ScriptedModel
    ) -> None:
        model.play(Call("add_todos", new_todos("Bread")), Hang())
        answer = run_turn(ada)

        assert answer["status"] == "incomplete"
        assert "1 todo" in answer["response"]
        assert ada.titles() == ["Bread"]

    def test_a_turn_that_runs_out_of_time_before_any_response_is_a_503(
        self, ada: Account, model: ScriptedModel
    ) -> None:
        model.play(Hang())
        refused = send_message(ada)

        problem(refused, 503, "assistant_unavailable")
        assert int(refused.headers["retry-after"]) > 0
