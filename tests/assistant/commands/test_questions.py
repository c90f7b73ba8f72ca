"""Questions of the command model in the API, and the messages that answer them."""

from collections.abc import Iterator

import pytest

from tests.accounts import CHAT
from tests.assistant.chat_client import ChatClient, new_account


@pytest.fixture
def chat(environment: dict[str, str]) -> Iterator[ChatClient]:
    """A chat client of a service with the command model and the todos `oat milk` and `soy milk`."""
    with new_account(environment, openai_api_key=None) as user:
        user.add("oat milk")
        user.add("soy milk")
        yield ChatClient(user)


class TestQuestions:
    def test_a_turn_shows_the_options_of_its_question(self, chat: ChatClient) -> None:
        turn = chat.run_turn("done milk")
        options = turn["question"]["options"]

        assert turn["status"] == "done"
        assert turn["question"]["takes_many"] is True
        assert [(option["number"], option["label"]) for option in options] == [(1, "“oat milk”"), (2, "“soy milk”")]
        assert all(option["todo_id"] for option in options)
        assert "1. “oat milk”\n2. “soy milk”" in turn["response"]
        assert chat.user.client.get(f"{CHAT}/turns/{turn['turn_id']}").json()["question"] == turn["question"]

    def test_a_turn_without_a_question_has_none(self, chat: ChatClient) -> None:
        assert chat.run_turn("list")["question"] is None

    def test_a_question_stays_open_after_an_unclear_reply(self, chat: ChatClient) -> None:
        chat.say("done milk")
        again = chat.run_turn("7")

        assert again["response"].startswith("There is no number 7.")
        assert len(again["question"]["options"]) == 2
        assert chat.say("2") == "Completed “soy milk”."

    def test_any_other_message_drops_the_question(self, chat: ChatClient) -> None:
        chat.say("done milk")
        chat.say("add bread")
        chat.say("all")

        assert set(chat.user.titles(completed="false")) >= {"oat milk", "soy milk", "bread"}

    def test_a_reply_that_deletes_still_needs_approval(self, chat: ChatClient) -> None:
        chat.say("delete milk")
        waiting = chat.run_turn("both")

        assert waiting["response"] == "This needs your approval: delete “oat milk”, “soy milk”."
        assert chat.say("yes") == "Deleted “oat milk”.\nDeleted “soy milk”."
        assert chat.user.titles() == []

    def test_an_option_may_add_the_sentence_as_a_new_todo(self, chat: ChatClient) -> None:
        turn = chat.run_turn("remove the stains from the carpet")

        assert turn["response"].endswith(
            "Shall I add “remove the stains from the carpet” as a new todo? Type `yes` or `no`."
        )
        assert [option["todo_id"] for option in turn["question"]["options"]] == [None]
        assert chat.say("yes") == "Added “remove the stains from the carpet”."
