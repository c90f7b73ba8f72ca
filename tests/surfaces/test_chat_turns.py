"""A turn of the assistant from a message to its response, with a scripted model."""

import json
from uuid import uuid4

import pytest

from tests.accounts import CHAT, TODOS, Account, problem
from tests.model_replies import Call, ReceivedRequest, Say, Tokens, ToolCalls
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import Json, find_id, new_todos, run_turn, send_message


class TestTurn:
    def test_the_text_of_the_model_is_the_response(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello Ada.", tokens=Tokens(prompt=120, completion=5)))

        answer = run_turn(ada, "Hello")

        assert answer | {"conversation_id": None, "turn_id": None} == {
            "conversation_id": None,
            "turn_id": None,
            "response": "Hello Ada.",
            "tool_calls": [],
            "changed": [],
            "status": "done",
            "approval": None,
            "question": None,
            "model": "scripted",
            "usage": {"prompt_tokens": 120, "completion_tokens": 5},
        }

    def test_the_model_calls_tools_in_several_rounds(self, ada: Account, model: ScriptedModel) -> None:
        milk, bread = ada.add("Buy milk"), ada.add("Buy bread")
        model.play(
            ToolCalls(Call("search_todos", {"text": "buy"})),
            ToolCalls(Call("complete_todos", {"ids": [milk["id"], bread["id"]]}), Call("add_todos", new_todos("Cook"))),
            Say("Both are done, and I added “Cook”."),
        )

        answer = run_turn(ada, "I bought milk and bread, now I cook")

        assert answer["status"] == "done"
        assert answer["response"] == "Both are done, and I added “Cook”."
        assert [call["name"] for call in answer["tool_calls"]] == ["search_todos", "complete_todos", "add_todos"]
        assert [call["ok"] for call in answer["tool_calls"]] == [True] * 3
        assert answer["usage"] == {"prompt_tokens": 33, "completion_tokens": 21}
        assert ada.titles(completed=True) == ["Buy milk", "Buy bread"]
        assert ada.titles(completed=False) == ["Cook"]
        assert set(answer["changed"]) == {milk["id"], bread["id"], find_id(ada, "Cook")}

    def test_the_model_receives_each_tool_result(self, ada: Account, model: ScriptedModel) -> None:
        ada.add("Buy milk", tags=["home"])
        model.play(Call("search_todos", {"tags": ["home"]}, id="call_x"), Say("One todo."))
        run_turn(ada, "What is there at home?")

        roles = [message["role"] for message in model.requests[1].messages]
        result = model.requests[1].messages[-1]

        assert roles == ["system", "user", "assistant", "tool"]
        assert result["tool_call_id"] == "call_x"
        assert "Buy milk" in result["content"]
        assert result["content"].startswith("<data>")

    def test_the_system_message_has_the_users_time_and_time_zone(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello."))
        run_turn(ada, "Hello", timezone="Asia/Kolkata")

        (rules,) = [message for message in model.requests[0].messages if message["role"] == "system"]

        assert rules["content"].splitlines()[-1].startswith("It is ")
        assert "Asia/Kolkata" in rules["content"].splitlines()[-1]

    def test_tools_are_sent_as_strict_functions(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello."))
        run_turn(ada, "Hello")

        for tool in model.requests[0].body["tools"]:
            parameters = tool["function"]["parameters"]
            assert tool["function"]["strict"] is True
            assert tool["function"]["description"]
            assert parameters["additionalProperties"] is False
            assert parameters["required"] == list(parameters["properties"])

    def test_a_second_turn_sends_the_first_to_the_model(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello Ada."), Say("I said hello."))
        first = run_turn(ada, "Hello")
        second = run_turn(ada, "What did you say?", conversation_id=first["conversation_id"])

        sent = [
            (message["role"], message["content"])
            for message in model.requests[1].messages
            if message["role"] != "system"
        ]

        assert second["conversation_id"] == first["conversation_id"]
        assert sent == [("user", "Hello"), ("assistant", "Hello Ada."), ("user", "What did you say?")]

    def test_a_new_conversation_sends_no_earlier_turns(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello Ada."), Say("Nothing."))
        run_turn(ada, "Hello")
        run_turn(ada, "What did you say?")

        assert len(model.requests[1].messages) == 2

    def test_an_unknown_conversation_is_not_found(self, ada: Account) -> None:
        problem(send_message(ada, conversation_id=str(uuid4())), 404, "conversation_not_found")

    def test_another_users_conversation_is_not_found(self, ada: Account, bob: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello."))
        problem(send_message(bob, conversation_id=run_turn(ada)["conversation_id"]), 404, "conversation_not_found")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"message": ""},
            {"message": "  "},
            {"message": "x" * 4001},
            {"message": 7},
            {"message": "a\0b"},
            {"message": "x", "conversation_id": "7"},
            {"message": "x", "timezone": "Mars/Base"},
            {"message": "x", "user_id": str(uuid4())},
        ],
    )
    def test_an_invalid_body_is_rejected(self, ada: Account, body: Json) -> None:
        problem(ada.client.post(CHAT, json=body), 422, "validation_failed")

    def test_a_finished_turn_can_be_read_by_its_user_only(
        self, ada: Account, bob: Account, model: ScriptedModel
    ) -> None:
        model.play(Call("add_todos", new_todos("Cook")), Say("Added."))
        answer = run_turn(ada)

        assert ada.client.get(f"{CHAT}/turns/{answer['turn_id']}").json() == answer
        problem(bob.client.get(f"{CHAT}/turns/{answer['turn_id']}"), 404, "turn_not_found")

    def test_an_empty_text_is_replaced_by_a_sentence(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say(""))

        assert run_turn(ada)["response"]

    def test_the_change_log_names_the_turn(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", new_todos("Bread")), Say("Added."))
        answer = run_turn(ada)

        (change,) = ada.client.get(f"{TODOS}/changes").json()
        assert change["actor"] == {"kind": "assistant", "turn_id": answer["turn_id"]}

    def test_the_model_receives_no_data_of_the_account(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello."))
        run_turn(ada, "Hello")

        request: ReceivedRequest = model.requests[0]
        everything = json.dumps(request.body)
        assert ada.email not in everything
        assert ada.token not in everything
        assert ada.user["id"] not in everything
