"""Turns with an Idempotency-Key: a repeated request gets the stored turn and starts no other."""

from uuid import uuid4

import pytest

from tests.accounts import CHAT, Account, problem
from tests.model_replies import Call, Say
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import new_todos, stream_turn


class TestIdempotency:
    def test_an_explicit_null_is_the_same_request_as_a_missing_field(self, ada: Account, model: ScriptedModel) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        model.play(Say("Hello."))
        for body in ({"message": "Hello"}, {"message": "Hello", "conversation_id": None}):
            assert ada.client.post(CHAT, json=body, headers=key).status_code == 200

    def test_a_repeat_is_answered_with_the_stored_turn(self, ada: Account, model: ScriptedModel) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        model.play(Call("add_todos", new_todos("Bread")), Say("Added."))
        first, second = (ada.client.post(CHAT, json={"message": "Add bread"}, headers=key) for _ in range(2))

        assert second.json() == first.json()
        assert "idempotent-replayed" not in first.headers
        assert second.headers["idempotent-replayed"] == "true"
        assert ada.titles() == ["Bread"]

    def test_another_body_under_the_same_key_is_rejected(self, ada: Account, model: ScriptedModel) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        model.play(Say("Hello."))
        ada.client.post(CHAT, json={"message": "Hello"}, headers=key)

        problem(ada.client.post(CHAT, json={"message": "Bye"}, headers=key), 422, "idempotency_key_reused")

    def test_two_users_may_use_the_same_key(self, ada: Account, bob: Account, model: ScriptedModel) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        model.play(Say("Hello Ada."), Say("Hello Bob."))
        answers = [user.client.post(CHAT, json={"message": "Hello"}, headers=key).json() for user in (ada, bob)]

        assert [answer["response"] for answer in answers] == ["Hello Ada.", "Hello Bob."]

    def test_a_replay_can_be_streamed(self, ada: Account, model: ScriptedModel) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        model.play(Say("Hello."))
        first = ada.client.post(CHAT, json={"message": "Please."}, headers=key).json()
        events = stream_turn(ada, headers=key)

        assert [name for name, _ in events] == ["turn", "done"]
        assert events[-1][1] == first

    @pytest.mark.parametrize("key", ["", "x" * 256, "a key"])
    def test_an_invalid_key_is_rejected(self, ada: Account, key: str) -> None:
        refused = ada.client.post(CHAT, json={"message": "Hello"}, headers={"Idempotency-Key": key})

        problem(refused, 422, "validation_failed")
