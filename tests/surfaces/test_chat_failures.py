"""Failures of the language model: transient ones are retried, and lasting ones are reported to the client."""

from uuid import uuid4

import pytest

from tests.accounts import CHAT, Account, problem
from tests.model_replies import Call, Cut, Empty, Fail, Garbage, Reply, Say, Slow
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import find_id, new_todos, run_turn, send_message, stream_turn, streamed_text, undo_turn

TRANSIENT_FAILURES: list[Reply] = [
    Fail(429, retry_after=0),
    Fail(500),
    Fail(503, page="<h1>Bad gateway</h1>"),
    Cut(Say("Hello Ada."), after_chunks=1),
    Garbage(),
    Garbage("null"),
    Empty(),
]


class TestFailures:
    @pytest.mark.parametrize("failure", TRANSIENT_FAILURES, ids=str)
    def test_a_transient_failure_is_retried(self, ada: Account, model: ScriptedModel, failure: Reply) -> None:
        model.play(failure, Say("Hello Ada."))

        assert run_turn(ada)["response"] == "Hello Ada."

    @pytest.mark.parametrize("failure", [*TRANSIENT_FAILURES, Cut(Say("Hello Ada."), clean=True)], ids=str)
    def test_a_transient_failure_of_a_stream_is_retried(
        self, ada: Account, model: ScriptedModel, failure: Reply
    ) -> None:
        model.play(failure, Say("Hello Ada."))
        events = stream_turn(ada)

        assert streamed_text(events) == "Hello Ada."
        assert events[-1][1]["response"] == "Hello Ada."

    def test_a_lasting_failure_is_a_503(self, ada: Account, model: ScriptedModel) -> None:
        model.answer_with(lambda _: Fail(500))
        refused = send_message(ada)

        problem(refused, 503, "assistant_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert len(model.requests) > 1

    @pytest.mark.parametrize(("pause", "passed_on"), [("60", "60"), ("1e300", "86400")])
    def test_a_retry_after_beyond_the_deadline_is_passed_to_the_client(
        self, ada: Account, model: ScriptedModel, pause: str, passed_on: str
    ) -> None:
        model.play(Fail(429, retry_after=pause))
        refused = send_message(ada)

        problem(refused, 503, "assistant_unavailable")
        assert refused.headers["retry-after"] == passed_on

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_a_rejected_key_or_model_is_reported_as_not_configured(
        self, ada: Account, model: ScriptedModel, status: int
    ) -> None:
        model.play(Fail(status))

        problem(send_message(ada), 503, "assistant_not_configured")

    @pytest.mark.parametrize("pause", ["inf", "nan", "-1", "Wed, 21 Oct 2015 07:28:00 GMT"])
    def test_an_invalid_retry_after_is_ignored(self, ada: Account, model: ScriptedModel, pause: str) -> None:
        model.play(Fail(429, retry_after=pause), Say("Hello Ada."))

        assert run_turn(ada)["response"] == "Hello Ada."

    def test_a_rejected_request_is_not_retried(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Fail(400))

        assert "HTTP 400" in problem(send_message(ada), 503, "assistant_unavailable")["detail"]

    def test_the_error_reports_the_changes_before_the_failure(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", new_todos("Bread")), Fail(401))
        document = problem(send_message(ada), 503, "assistant_not_configured")

        assert document["changed"] == [find_id(ada, "Bread")]
        assert "one todo" in document["detail"]
        assert ada.client.get(f"{CHAT}/turns/{document['turn_id']}").json()["status"] == "incomplete"
        assert undo_turn(ada, document["turn_id"]).status_code == 200

    def test_a_repeat_with_the_same_key_continues_the_turn(self, ada: Account, model: ScriptedModel) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        model.play(Call("add_todos", new_todos("Bread")), Fail(401))
        problem(ada.client.post(CHAT, json={"message": "Add bread"}, headers=key), 503, "assistant_not_configured")
        model.play(Say("Added."))
        answer = ada.client.post(CHAT, json={"message": "Add bread"}, headers=key).json()

        assert (answer["status"], answer["response"]) == ("done", "Added.")
        assert ada.titles() == ["Bread"]

    def test_a_slow_model_is_waited_for(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Slow(Say("Hello Ada."), 0.5))

        assert run_turn(ada)["response"] == "Hello Ada."
