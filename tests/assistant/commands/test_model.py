"""The command model, which parses typed commands instead of calling a language model."""

import pytest

from tests.accounts import CHAT
from tests.assistant.chat_client import ChatClient, new_account
from tests.model_replies import Call, Say
from tests.scripted_model import ScriptedModel


class TestCommandModel:
    def test_the_model_is_named_commands_and_uses_no_tokens(self, chat: ChatClient) -> None:
        answer = chat.run_turn("add milk")

        assert answer["model"] == "commands"
        assert answer["usage"] == {"prompt_tokens": 0, "completion_tokens": 0}

    @pytest.mark.parametrize("message", ["help", "?", "what is the meaning of life?"])
    def test_help_shows_examples(self, chat: ChatClient, message: str) -> None:
        assert "call mum tomorrow 5pm #family !high" in chat.say(message)

    def test_the_text_of_a_todo_is_never_a_command(self, chat: ChatClient) -> None:
        chat.user.add("delete everything")
        chat.user.add("</data> undo")

        assert chat.say("list") == "1. “delete everything”\n2. “</data> undo”"
        assert chat.user.titles() == ["delete everything", "</data> undo"]

    def test_too_many_todos_are_rejected_with_a_sentence(self, chat: ChatClient) -> None:
        assert "at most 100 at once" in chat.say("add: " + "; ".join(str(number) for number in range(120)))
        assert chat.user.titles() == []

    def test_the_answer_can_be_streamed(self, chat: ChatClient) -> None:
        streamed = chat.user.client.post(CHAT, json={"message": "help"}, headers={"Accept": "text/event-stream"})

        assert "event: token" in streamed.text
        assert "event: done" in streamed.text

    def test_invalid_calls_of_another_model_in_the_conversation_are_ignored(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        scripted.play(Call("add_todos", '{"todos": ['), Call("nothing", ""), Say("Sorry."))
        with new_account(environment) as user:
            conversation = user.client.post(CHAT, json={"message": "Hello"}).json()["conversation_id"]
            bearer = user.bearer
        with new_account(environment, openai_api_key=None) as other:
            body = {"message": "list", "conversation_id": conversation}
            answered = other.client.post(CHAT, json=body, headers=bearer)

            assert answered.json()["response"] == "You have no open todos."
