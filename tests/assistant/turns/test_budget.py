"""The daily quota of assistant turns and tokens that each user has."""

from tests.accounts import CHAT, problem
from tests.assistant.chat_client import new_account
from tests.model_replies import Hang, Say, Tokens
from tests.scripted_model import ScriptedModel


class TestDailyBudget:
    def test_a_failed_request_counts_its_prompt_tokens(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        scripted.answer_with(lambda _: Hang())
        key = {"Idempotency-Key": "k"}
        with new_account(environment, assistant_daily_tokens=100, assistant_seconds=1) as user:
            first, second = (user.client.post(CHAT, json={"message": "Hello"}, headers=key) for _ in range(2))

            problem(first, 503, "assistant_unavailable")
            problem(second, 429, "assistant_budget_spent")

    def test_a_turn_beyond_the_quota_is_rejected(self, environment: dict[str, str], scripted: ScriptedModel) -> None:
        scripted.play(Say("One."), Say("Two."))
        with new_account(environment, assistant_daily_turns=2) as user:
            for _ in range(2):
                assert user.client.post(CHAT, json={"message": "Hello"}).status_code == 200
            refused = user.client.post(CHAT, json={"message": "Hello"})

            problem(refused, 429, "assistant_budget_spent")
            assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600

    def test_a_turn_after_the_token_quota_is_rejected(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        scripted.play(Say("One.", tokens=Tokens(prompt=90, completion=10)))
        with new_account(environment, assistant_daily_tokens=100) as user:
            assert user.client.post(CHAT, json={"message": "Hello"}).status_code == 200
            problem(user.client.post(CHAT, json={"message": "Hello"}), 429, "assistant_budget_spent")

    def test_a_replay_is_not_counted(self, environment: dict[str, str], scripted: ScriptedModel) -> None:
        scripted.play(Say("One."))
        with new_account(environment, assistant_daily_turns=1) as user:
            for _ in range(3):
                replayed = user.client.post(CHAT, json={"message": "Hello"}, headers={"Idempotency-Key": "k"})
                assert replayed.status_code == 200

    def test_deleting_a_conversation_does_not_reset_the_quota(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        scripted.play(Say("One."))
        with new_account(environment, assistant_daily_turns=1) as user:
            conversation = user.client.post(CHAT, json={"message": "Hello"}).json()["conversation_id"]
            user.client.delete(f"{CHAT}/conversations/{conversation}")
            problem(user.client.post(CHAT, json={"message": "Hello"}), 429, "assistant_budget_spent")

    def test_a_rejected_turn_creates_no_conversation(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        scripted.play(Say("One."))
        with new_account(environment, assistant_daily_turns=1) as user:
            for _ in range(2):
                user.client.post(CHAT, json={"message": "Hello"})

            assert len(user.client.get(f"{CHAT}/conversations").json()) == 1
