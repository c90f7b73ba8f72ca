"""Messages of long turns are shortened before they are left out of a prompt."""

import json
from typing import Any

from pydantic import JsonValue

from tests.assistant.chat_client import ChatClient, new_account
from tests.model_replies import Call, ReceivedRequest, Say, unfence
from tests.scripted_model import ScriptedModel
from todo_assistant.models.messages import AssistantMessage, ToolCallRequest, ToolMessage, UserMessage
from todo_assistant.turns.shortening import shorten

TODO: JsonValue = {"id": "1", "title": "Milk", "completed": False, "due": None, "description": "x" * 900}


def results_in(request: ReceivedRequest) -> list[dict[str, Any]]:
    return [unfence(message["content"]) for message in request.messages if message["role"] == "tool"]


class TestShorten:
    def test_todos_keep_their_id_and_title(self) -> None:
        result: dict[str, JsonValue] = {"todos": [TODO], "results": [{"ok": True, "todo": TODO, "next_due": "Monday"}]}
        [shortened] = shorten([ToolMessage("call_1", "search_todos", result)], max_items=None)
        milk: JsonValue = {"id": "1", "title": "Milk"}
        assert shortened == ToolMessage(
            "call_1", "search_todos", {"todos": [milk], "results": [{"ok": True, "todo": milk, "next_due": "Monday"}]}
        )

    def test_lists_are_cut_and_say_how_much_is_left_out(self) -> None:
        [shortened] = shorten([ToolMessage("call_1", "search_todos", {"todos": [TODO] * 30})], max_items=10)
        assert isinstance(shortened, ToolMessage)
        assert (len(shortened.result["todos"]), shortened.result["todos_left_out"]) == (10, 20)  # type: ignore[arg-type]

    def test_long_texts_are_cut_with_a_mark_and_arguments_stay_json(self) -> None:
        call = ToolCallRequest("call_1", "add_todos", json.dumps({"todos": [{"title": "é" * 400}]}), {"signature": "s"})
        broken = ToolCallRequest("call_2", "add_todos", '{"todos": [')
        extras = {"reasoning": "r" * 2_000}
        user, assistant = shorten(
            [UserMessage("u" * 4_000), AssistantMessage("a" * 4_000, [call, broken], extras)], max_items=10
        )
        assert isinstance(assistant, AssistantMessage)
        assert (user, assistant.content) == (UserMessage("u" * 1_000 + " …"), "a" * 1_000 + " …")
        assert json.loads(assistant.calls[0].arguments) == {"todos": [{"title": "é" * 200 + " …"}]}
        assert assistant.calls[0].extras == {"signature": "s"}
        assert assistant.calls[1] == broken
        assert assistant.extras == extras


class TestHistory:
    def test_a_long_turn_is_shortened_and_its_list_keeps_all_todos(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        scripted.play(Call("search_todos", {}), Say("Forty todos."), Say("Hello."))
        with new_account(environment, assistant_history_tokens=2_000) as user:
            ids = [user.add(f"Todo {number}")["id"] for number in range(40)]
            client = ChatClient(user)
            client.run_turn("List them")
            client.run_turn("Hello")

        [result] = results_in(scripted.requests[-1])
        assert result["todos"] == [{"id": todo_id, "title": f"Todo {number}"} for number, todo_id in enumerate(ids)]

    def test_an_older_list_keeps_its_first_todos_and_the_newest_list_keeps_all(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        listing = Call("search_todos", {}), Say("Forty todos.")
        scripted.play(*listing, *listing, Say("Hello."))
        with new_account(environment, assistant_history_tokens=3_500) as user:
            for number in range(40):
                user.add(f"Todo {number}")
            client = ChatClient(user)
            for message in ("List them", "List them again", "Hello"):
                client.run_turn(message)

        older, newest = results_in(scripted.requests[-1])
        assert (len(older["todos"]), older["todos_left_out"]) == (10, 30)
        assert len(newest["todos"]) == 40

    def test_earlier_results_of_the_same_turn_are_shortened_before_the_turn_is_stopped(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        scripted.play(Call("search_todos", {}), Call("search_todos", {}), Say("Forty todos."))
        with new_account(environment, assistant_turn_tokens=5_800) as user:
            for number in range(40):
                user.add(f"Todo {number}")
            turn = ChatClient(user).run_turn("List them twice")

        first, second = results_in(scripted.requests[-1])
        assert turn["status"] == "done"
        assert set(first["todos"][0]) == {"id", "title"}
        assert len(first["todos"]) == 40
        assert "tags" in second["todos"][0]
