"""The earlier turns of a conversation that the prompt of a language model contains."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from unittest.mock import Mock
from uuid import uuid4

import pytest

from tests.assistant.chat_client import ChatClient, new_account
from tests.model_replies import Call, Say, ToolCalls
from tests.scripted_model import ScriptedModel
from todo_assistant.turns import conversations, history
from todo_assistant.turns.model import ModelResponse, Turn
from todo_core.database.executor import Executor


class TestHistory:
    def test_a_turn_that_is_too_long_even_when_shortened_is_left_out(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        scripted.play(
            *(ToolCalls(Call("search_todos", {}), text="x" * 600) if n % 2 == 0 else Say("y") for n in range(8))
        )
        with new_account(environment, assistant_history_tokens=500) as user:
            client = ChatClient(user)
            for number in range(4):
                client.run_turn(f"Message {number}")

        sent = [message for message in scripted.requests[-2].messages if message["role"] != "system"]
        assert [message["content"] for message in sent if message["role"] == "user"] == ["Message 2", "Message 3"]
        assert [message["role"] for message in sent] == ["user", "assistant", "tool", "assistant", "user"]

    def test_every_call_has_a_result_even_if_the_turn_is_waiting(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        with new_account(environment) as user:
            milk = user.add("Milk")
            scripted.play(Call("delete_todos", {"ids": [milk["id"]]}), Say("Hello."))
            client = ChatClient(user)
            client.run_turn("Delete the milk")
            client.run_turn("Hello")

        assert scripted.unexpected == []
        sent = json.dumps(scripted.requests[-1].messages, ensure_ascii=False)
        assert "This was not carried out" in sent
        assert "I asked for approval and was not answered" in sent

    def test_reasoning_of_an_earlier_turn_does_not_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        turn = Turn(
            *(uuid4(), uuid4(), uuid4(), "Next", "UTC", "running", None, None, "scripted", None, datetime.now(UTC))
        )
        answer = ModelResponse(1, "Hello.", 1, 1, extras={"items": ["r" * 10_000]})
        earlier_turn = replace(turn, message="First", model_responses=[answer])

        async def turns_before(_db: Executor, _turn: Turn, *, limit: int) -> list[Turn]:
            return [earlier_turn][:limit]

        monkeypatch.setattr(conversations, "turns_before", turns_before)
        messages = asyncio.run(history.messages_before(Mock(spec=Executor), turn, max_tokens=300))

        assert [type(message).__name__ for message in messages] == ["SystemMessage", "UserMessage", "AssistantMessage"]
