"""Approvals that the user answers in words: the next turn takes the waiting tool calls over."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import postgres
from tests.accounts import CHAT, TODOS
from tests.assistant.chat_client import ChatClient, new_account
from tests.model_replies import Call, Fail, Say, ToolCalls
from tests.scripted_model import ScriptedModel
from todo_assistant.agent import Agent
from todo_assistant.turns.plain_answers import read_plain_answer

type Json = dict[str, Any]

_EXPIRE_LEASES = "UPDATE turns SET leased_until = now() WHERE user_id = $1"


async def crash(*_: object, **__: object) -> None:
    """Replaces the run of a turn by a process that dies."""
    raise RuntimeError


@pytest.fixture
def chat(environment: dict[str, str]) -> Iterator[ChatClient]:
    """A chat client of a service with the command model."""
    with new_account(environment, openai_api_key=None) as user:
        user.add("milk")
        yield ChatClient(user)


@pytest.fixture
def scripted_chat(environment: dict[str, str]) -> Iterator[ChatClient]:
    """A chat client of a service with a scripted language model."""
    with new_account(environment) as user:
        yield ChatClient(user)


class TestWords:
    @pytest.mark.parametrize(
        "message",
        [
            *(
                "yes",
                "Yes!",
                "ok",
                "Okay.",
                "do it",
                "go ahead",
                "approve",
                "Sure, please do",
                "yes please",
                "OK, do it",
            ),
            *("OK, do it", "👍", "ja", "Ja, mach das!", "oui", "d’accord", "sí", "sim", "sì", "ہاں", "हाँ", "जी हाँ।"),
        ],
    )
    def test_words_of_consent_are_a_yes(self, message: str) -> None:
        assert read_plain_answer(message) is True

    @pytest.mark.parametrize(
        "message",
        [
            *("no", "No!", "cancel", "never mind", "don't", "Don’t do it", "stop", "no thanks", "please don't"),
            *("nein", "non", "não", "annulla", "نہیں", "नहीं"),
        ],
    )
    def test_words_of_refusal_are_a_no(self, message: str) -> None:
        assert read_plain_answer(message) is False

    @pytest.mark.parametrize(
        "message",
        ["", "yes but only the first", "buy milk", "no milk today", "ok computer", "yes " * 1_000, "stop the car"],
    )
    def test_other_words_are_no_answer(self, message: str) -> None:
        assert read_plain_answer(message) is None


class TestCommandModel:
    @pytest.mark.parametrize("words", ["yes", "ok", "do it", "approve", "go ahead"])
    def test_a_yes_runs_the_waiting_calls(self, chat: ChatClient, words: str) -> None:
        waiting = chat.run_turn("delete milk")
        answer = chat.run_turn(words)

        assert (answer["status"], answer["response"]) == ("done", "Deleted “milk”.")
        assert answer["turn_id"] != waiting["turn_id"]
        assert chat.user.titles() == []

    @pytest.mark.parametrize("words", ["no", "cancel", "never mind", "stop", "don't"])
    def test_a_no_refuses_the_waiting_calls(self, chat: ChatClient, words: str) -> None:
        chat.run_turn("delete milk")

        assert chat.say(words) == "All right, nothing was changed."
        assert chat.user.titles() == ["milk"]

    def test_the_waiting_turn_is_done_and_cannot_be_approved_again(self, chat: ChatClient) -> None:
        waiting = chat.run_turn("delete milk")
        chat.say("yes")
        chat.user.client.post(f"{TODOS}", json={"title": "bread"})
        url = f"{CHAT}/turns/{waiting['turn_id']}"

        assert chat.user.client.get(url).json()["status"] == "done"
        refused = chat.user.client.post(f"{url}/approval", json={"approve": True})
        assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_approve")
        assert chat.user.titles() == ["bread"]

    def test_a_second_yes_changes_nothing(self, chat: ChatClient) -> None:
        chat.run_turn("delete milk")
        chat.say("yes")
        answer = chat.run_turn("yes")

        assert (answer["status"], answer["changed"], answer["tool_calls"]) == ("done", [], [])

    def test_the_change_can_be_undone(self, chat: ChatClient) -> None:
        chat.run_turn("delete milk")
        chat.say("yes")

        assert chat.say("undo") == "Undone: “milk”."
        assert chat.user.titles() == ["milk"]

    def test_a_todo_that_changed_meanwhile_is_not_deleted(self, chat: ChatClient) -> None:
        chat.run_turn("delete milk")
        (milk,) = chat.user.client.get(TODOS).json()
        chat.user.client.patch(milk["url"], json={"title": "oat milk"})
        answer = chat.run_turn("yes")

        assert answer["tool_calls"][0]["ok"] is False
        assert chat.user.titles() == ["oat milk"]

    def test_another_message_leaves_the_approval_open_for_its_route(self, chat: ChatClient) -> None:
        waiting = chat.run_turn("delete milk")
        chat.say("add bread")

        assert chat.run_turn("yes")["changed"] == []
        assert chat.approve(waiting["turn_id"]) == "Deleted “milk”."
        assert chat.user.titles() == ["bread"]

    def test_a_yes_in_another_conversation_approves_nothing(self, chat: ChatClient) -> None:
        chat.run_turn("delete milk")

        assert ChatClient(chat.user).run_turn("yes")["changed"] == []
        assert chat.user.titles() == ["milk"]

    def test_a_repeated_request_answers_once(self, chat: ChatClient) -> None:
        waiting = chat.run_turn("delete milk")
        body = {"message": "yes", "conversation_id": waiting["conversation_id"]}
        first, second = (
            chat.user.client.post(CHAT, json=body, headers={"Idempotency-Key": "the-same"}) for _ in range(2)
        )

        assert first.json() == second.json()
        assert second.headers["Idempotent-Replayed"] == "true"

    def test_the_calls_run_once_after_a_crash_between_the_takeover_and_the_calls(
        self, chat: ChatClient, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waiting = chat.run_turn("delete milk")
        body = {"message": "yes", "conversation_id": waiting["conversation_id"]}
        headers = {"Idempotency-Key": "the-same"}
        with monkeypatch.context() as patch:
            patch.setattr(Agent, "run", crash)
            assert chat.user.client.post(CHAT, json=body, headers=headers).status_code == 500
        assert chat.user.titles() == ["milk"]
        postgres.query(database_url, _EXPIRE_LEASES, chat.user.user["id"])
        answers = [chat.user.client.post(CHAT, json=body, headers=headers) for _ in range(2)]

        assert [answer.json()["response"] for answer in answers] == ["Deleted “milk”."] * 2
        assert chat.user.titles() == []
        assert [change["op"] for change in chat.user.client.get(f"{TODOS}/changes").json()].count("delete") == 1

    def test_of_a_yes_and_a_no_at_the_same_time_one_wins(self, chat: ChatClient) -> None:
        for _ in range(5):
            chat.user.add("bread")
            waiting = chat.run_turn("delete bread")
            url = f"{CHAT}/turns/{waiting['turn_id']}/approval"
            with ThreadPoolExecutor(2) as pool:
                by_words = pool.submit(chat.run_turn, "yes")
                by_route = pool.submit(chat.user.client.post, url, json={"approve": False})
                said, refused = by_words.result(), by_route.result()

            has_deleted = "bread" not in chat.user.titles()
            assert has_deleted is bool(said["changed"])
            assert has_deleted is (refused.status_code == 409)
            if not has_deleted:
                chat.approve(chat.run_turn("delete bread")["turn_id"])


class TestLanguageModel:
    def test_a_yes_runs_the_calls_and_the_model_words_the_result(
        self, scripted_chat: ChatClient, scripted: ScriptedModel
    ) -> None:
        milk = scripted_chat.user.add("milk")
        scripted.play(
            ToolCalls(Call("delete_todos", {"ids": [milk["id"]]}), Call("add_todos", {"todos": [{"title": "bread"}]})),
            Say("The milk is gone."),
        )
        scripted_chat.run_turn("Delete the milk, add bread")
        answer = scripted_chat.run_turn("Yes, please")

        assert answer["response"] == "The milk is gone."
        calls = [(call["name"], call["ok"]) for call in answer["tool_calls"]]
        assert calls == [("delete_todos", True), ("add_todos", True)]
        assert scripted_chat.user.titles() == ["bread"]
        assert scripted.unexpected == []

    def test_each_call_is_in_the_prompt_once(self, scripted_chat: ChatClient, scripted: ScriptedModel) -> None:
        milk = scripted_chat.user.add("milk")
        scripted.play(Call("delete_todos", {"ids": [milk["id"]]}), Say("All right."))
        scripted_chat.run_turn("Delete the milk")
        scripted_chat.run_turn("no")

        messages = scripted.requests[-1].messages
        assert [message["role"] for message in messages] == ["system", "user", "assistant", "user", "assistant", "tool"]
        assert "I asked for approval" in messages[2]["content"]
        assert "refused" in json.dumps(messages[-1])

    def test_a_turn_whose_model_failed_after_the_yes_is_continued(
        self, scripted_chat: ChatClient, scripted: ScriptedModel
    ) -> None:
        milk = scripted_chat.user.add("milk")
        scripted.play(Call("delete_todos", {"ids": [milk["id"]]}), Fail(400), Say("Gone."))
        waiting = scripted_chat.run_turn("Delete the milk")
        body = {"message": "yes", "conversation_id": waiting["conversation_id"]}
        headers = {"Idempotency-Key": "the-same"}
        failed = scripted_chat.user.client.post(CHAT, json=body, headers=headers)
        answer = scripted_chat.user.client.post(CHAT, json=body, headers=headers)

        assert failed.status_code == 503
        assert len(failed.json()["changed"]) == 1
        assert (answer.status_code, answer.json()["response"]) == (200, "Gone.")
        assert scripted_chat.user.titles() == []
