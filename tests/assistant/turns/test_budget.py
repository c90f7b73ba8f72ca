"""The daily quota of assistant turns and tokens that each user has."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx2
import pytest

from tests import postgres
from tests.accounts import CHAT, Account, problem
from tests.assistant.chat_client import new_account
from tests.model_replies import Call, Hang, ReceivedRequest, Reply, Say, Slow, Tokens, ToolCalls
from tests.scripted_model import ScriptedModel


def send(user: Account) -> httpx2.Response:
    """Sends a message that starts a conversation. Threads may call it at the same time."""
    return user.client.post(CHAT, json={"message": "Hello"}, headers=user.bearer)


def tokens_spent(environment: dict[str, str], user: Account) -> int:
    [row] = postgres.query(
        environment["DATABASE_URL"], "SELECT sum(tokens) FROM assistant_usage WHERE user_id = $1", user.user["id"]
    )
    return int(row[0])


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


class TestReservedTokens:
    RESPONSE_TOKENS = 5_024

    def test_sixty_turns_at_once_spend_at_most_one_response_beyond_the_quota(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        reply = Say("One.", tokens=Tokens(prompt=5_000, completion=24))
        scripted.answer_with(lambda _: Slow(reply, 1))
        with new_account(environment, assistant_daily_tokens=10_000) as user, ThreadPoolExecutor(60) as clients:
            statuses = {response.status_code for response in clients.map(lambda _: send(user), range(60))}

            assert statuses == {200, 429}
            assert tokens_spent(environment, user) < 10_000 + self.RESPONSE_TOKENS

    def test_a_turn_stops_when_its_reservation_is_spent(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        search = ToolCalls(Call("search_todos"), tokens=Tokens(prompt=3_000, completion=20))
        scripted.answer_with(lambda _: search)
        with new_account(environment, assistant_daily_tokens=10_000) as user:
            turn = send(user).json()

            assert turn["status"] == "incomplete"
            assert "used up its tokens" in turn["response"]
            assert tokens_spent(environment, user) < 10_000 + 3_020

    @pytest.mark.parametrize(("seconds_left", "status"), [(60, 429), (-1, 200)])
    def test_a_reservation_ends_with_the_lease_of_its_turn(
        self, environment: dict[str, str], scripted: ScriptedModel, seconds_left: int, status: int
    ) -> None:
        scripted.answer_with(lambda _: Say("One."))
        with new_account(environment, assistant_daily_tokens=70_000) as user:
            crashed = send(user).json()["turn_id"]
            postgres.run(
                environment["DATABASE_URL"],
                f"""UPDATE turns SET status = 'running', lease = gen_random_uuid(), reserved_tokens = 60000,
                    leased_until = now() + interval '{seconds_left} seconds' WHERE id = '{crashed}'""",  # noqa: S608
            )

            assert send(user).status_code == status

    def test_an_approved_call_runs_without_tokens(self, environment: dict[str, str], scripted: ScriptedModel) -> None:
        with new_account(environment, assistant_daily_tokens=100) as user:
            todo = user.add()
            deletion = Call("delete_todos", {"ids": [todo["id"]]})
            scripted.play(ToolCalls(deletion, tokens=Tokens(prompt=90, completion=10)))
            waiting = send(user).json()
            assert tokens_spent(environment, user) >= 100

            decided = user.client.post(f"{CHAT}/turns/{waiting['turn_id']}/approval", json={"approve": True})

            assert "used up its tokens" in decided.json()["response"]
            assert user.titles() == []

    def test_a_lowered_quota_of_turns_does_not_refuse_an_approval(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        with new_account(environment) as user:
            scripted.play(ToolCalls(Call("delete_todos", {"ids": [user.add()["id"]]})), Say("Done."))
            waiting = send(user).json()
            postgres.query(
                environment["DATABASE_URL"],
                "UPDATE assistant_usage SET turns = 1000000 WHERE user_id = $1",
                user.user["id"],
            )

            decided = user.client.post(f"{CHAT}/turns/{waiting['turn_id']}/approval", json={"approve": True})

            assert decided.json()["status"] == "done"
            assert user.titles() == []

    def test_the_built_in_commands_need_no_tokens(self, environment: dict[str, str]) -> None:
        with new_account(environment, openai_api_key=None, assistant_daily_tokens=1) as user:
            assert [send(user).status_code for _ in range(3)] == [200] * 3


class TestTurnsAtOnce:
    def test_a_turn_beyond_those_that_run_is_rejected(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        is_over = Event()

        def answer_when_over(_: ReceivedRequest) -> Reply:
            is_over.wait(4)
            return Say("One.")

        scripted.answer_with(answer_when_over)
        with new_account(environment, assistant_turns_at_once=2) as user, ThreadPoolExecutor(2) as clients:
            running = [clients.submit(send, user) for _ in range(2)]
            scripted.wait_until(lambda: len(scripted.requests) == 2)
            refused = send(user)
            is_over.set()

            problem(refused, 429, "too_many_turns")
            assert int(refused.headers["retry-after"]) > 0
            assert [turn.result().status_code for turn in running] == [200, 200]
            assert send(user).status_code == 200
