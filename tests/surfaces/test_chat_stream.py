"""Turns of the assistant that the client receives as server-sent events."""

from tests.accounts import CHAT, Account, problem
from tests.model_replies import Call, Dribble, Fail, Say, ToolCalls
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import new_todos, stream_turn, streamed_text


class TestStream:
    def test_events_follow_the_turn(self, ada: Account, model: ScriptedModel) -> None:
        model.play(ToolCalls(Call("add_todos", new_todos("Bread")), text="Let me see."), Say("Added “Bread”."))
        events = stream_turn(ada)

        names = [name for name, _ in events]
        assert names[0] == "turn"
        assert names[-1] == "done"
        assert [name for name in names if name.startswith("tool")] == ["tool_call", "tool_result"]
        assert streamed_text(events) == "Let me see.Added “Bread”."
        done = events[-1][1]
        assert events[0][1] == {name: done[name] for name in ("turn_id", "conversation_id", "model")}
        assert ada.client.get(f"{CHAT}/turns/{done['turn_id']}").json() == done
        assert done["usage"] == {"prompt_tokens": 22, "completion_tokens": 14}

    def test_a_failure_during_the_turn_is_an_event(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Fail(401))
        (_, begun), (name, error) = stream_turn(ada)

        assert name == "error"
        assert (error["code"], error["status"]) == ("assistant_not_configured", 503)
        assert error["turn_id"] == begun["turn_id"]
        assert "errors" not in error

    def test_the_error_event_has_the_retry_after(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Fail(429, retry_after=60))

        assert stream_turn(ada)[-1][1]["retry_after"] == 60

    def test_a_failure_before_the_turn_is_a_problem_document(self, ada: Account) -> None:
        refused = ada.client.post(CHAT, json={"message": ""}, headers={"Accept": "text/event-stream"})

        problem(refused, 422, "validation_failed")

    def test_a_needed_approval_ends_the_stream(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk")
        model.play(Call("delete_todos", {"ids": [milk["id"]]}))

        assert stream_turn(ada)[-1][1]["status"] == "needs_approval"

    def test_a_slow_stream_is_forwarded(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Dribble(Say(("He", "llo ", "Ada.")), 0.1))

        assert streamed_text(stream_turn(ada)) == "Hello Ada."
