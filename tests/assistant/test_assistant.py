"""The assistant under settings of its own: without a key, with small budgets, with little memory."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from functions.chat.routes import close_assistant
from functions.groups import load_routers
from tests import serving
from tests.accounts import CHAT, TODOS, Account, problem, sign_up
from tests.model_replies import Call, Hang, Say, Tokens, ToolCalls
from tests.scripted_model import ScriptedModel
from todo_core.settings import Settings, nest_variables
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources

type Json = dict[str, Any]


@contextmanager
def account(environment: dict[str, str], **settings: object) -> Iterator[Account]:
    """A new account at a service with these settings."""
    with ExitStack() as stack:
        app = create_app(
            *load_routers("auth", "todos", "chat"), settings=Settings(**nest_variables(environment | settings))
        )
        surface = stack.enter_context(serving.in_process(app))
        stack.callback(surface.portal.call, get_resources(app).database.close)
        stack.callback(surface.portal.call, close_assistant, app)
        yield sign_up(stack.enter_context(surface.client()))


class Conversation:
    """Says one thing after the other, and gives what is answered."""

    def __init__(self, user: Account) -> None:
        self.user = user
        self._id: str | None = None

    def answer(self, message: str) -> Json:
        body = {"message": message, "timezone": "Europe/Berlin"} | ({"conversation_id": self._id} if self._id else {})
        answered = self.user.client.post(CHAT, json=body)
        assert answered.status_code == 200, answered.text
        answer: Json = answered.json()
        self._id = answer["conversation_id"]
        return answer

    def say(self, message: str) -> str:
        return str(self.answer(message)["response"])

    def approve(self, turn_id: str, *, approve: bool = True) -> str:
        decided = self.user.client.post(f"{CHAT}/turns/{turn_id}/approval", json={"approve": approve})
        return str(decided.json()["response"])


@pytest.fixture
def talk(environment: dict[str, str]) -> Iterator[Conversation]:
    """With the command model."""
    with account(environment, openai_api_key=None) as user:
        yield Conversation(user)


class TestCommands:
    def test_it_says_who_it_is_and_costs_nothing(self, talk: Conversation) -> None:
        answer = talk.answer("add milk")

        assert answer["model"] == "commands"
        assert answer["usage"] == {"prompt_tokens": 0, "completion_tokens": 0}

    def test_what_it_understood_it_says(self, talk: Conversation) -> None:
        said = talk.say("call mum on jan 31 2040 at 5pm #family !high")

        assert said == "Added “call mum”, due Tuesday 2040-01-31 17:00, high priority, #family."
        (todo,) = talk.user.client.get(TODOS).json()
        assert (todo["due_at"], todo["priority"], todo["tags"]) == ("2040-01-31T16:00:00Z", "high", ["family"])

    def test_several_at_once(self, talk: Conversation) -> None:
        assert talk.say("add: milk; eggs").splitlines() == ["Added “milk”.", "Added “eggs”."]

    def test_numbers_are_those_of_the_last_list(self, talk: Conversation) -> None:
        talk.say("add: milk; eggs; bread")
        talk.say("list")

        assert talk.say("done 2") == "Completed “eggs”."
        assert talk.say("list") == "1. “milk”\n2. “bread”"
        assert talk.say("done 2") == "Completed “bread”."
        assert "no number 7" in talk.say("done 7")

    def test_the_exact_title_wins(self, talk: Conversation) -> None:
        talk.say("add: milk; oat milk")

        assert talk.say("done milk") == "Completed “milk”."

    def test_what_is_ambiguous_is_asked_back(self, talk: Conversation) -> None:
        talk.say("add: oat milk; soy milk")

        said = talk.say("done milk")
        assert said.startswith("Several todos fit “milk”")
        assert said.endswith("1. “oat milk”\n2. “soy milk”")
        assert talk.say("done 1") == "Completed “oat milk”."

    def test_all_of_a_tag(self, talk: Conversation) -> None:
        talk.say("add: milk #home; eggs #home; report #work")

        assert talk.say("done all #home") == "Completed “milk”.\nCompleted “eggs”."

    @pytest.mark.parametrize(
        ("message", "said"),
        [
            ("done milk", "I found no open todo that fits “milk”. Type `list` to see what there is."),
            ("reopen milk", "I found no completed todo that fits “milk”. Type `list` to see what there is."),
            ("restore milk", "I found no todo in the trash that fits “milk”. Type `list` to see what there is."),
            ("list", "Nothing found."),
            ("undo", "No turn of this conversation has changed anything that is not undone already."),
        ],
    )
    def test_where_there_is_nothing_it_says_so(self, talk: Conversation, message: str, said: str) -> None:
        assert talk.say(message) == said

    def test_everything_can_be_changed(self, talk: Conversation) -> None:
        talk.say("add milk")

        assert talk.say("rename milk to oat milk") == "Changed “oat milk”."
        assert talk.say("tag oat milk #home") == "Changed “oat milk”, #home."
        assert talk.say("set oat milk priority high") == "Changed “oat milk”, high priority, #home."
        assert talk.say("move milk to jan 31 2040") == "Moved “oat milk”, due Tuesday 2040-01-31, high priority, #home."
        assert talk.say("remove date from milk") == "Moved “oat milk”, high priority, #home."
        assert talk.say("done milk") == "Completed “oat milk”."
        assert talk.say("reopen milk") == "Reopened “oat milk”."

    def test_what_recurs_is_told_with_its_rule_and_its_next_date(self, talk: Conversation) -> None:
        said = talk.say("water plants on jan 31 2040 every week /Work")

        assert said.splitlines() == [
            "Added the project “Work”.",
            "Added “water plants”, due Tuesday 2040-01-31, every week, in Work.",
        ]
        assert talk.say("done water plants") == "Completed “water plants”, next due Tuesday 2040-02-07."
        assert talk.say("undo") == "Undone: “water plants”."
        assert talk.say("list /work") == "1. “water plants”, due Tuesday 2040-01-31, every week, in Work"
        assert talk.say("repeat plants every 2nd tuesday") == (
            "Changed “water plants”, due Tuesday 2040-02-14, every month on the second Tuesday, in Work."
        )
        assert talk.say("stop repeating water plants") == "Changed “water plants”, due Tuesday 2040-02-14, in Work."
        assert talk.say("done water plants") == "Completed “water plants”."

    def test_projects_are_made_where_they_are_named(self, talk: Conversation) -> None:
        assert talk.say("projects") == "There are no projects yet. Type `new project Work` to add one."
        assert talk.say("new project Home office") == "Added the project “Home office”."
        assert talk.say('add: desk /"home office", lamp /"Home office"').splitlines() == [
            "Added “desk”, in Home office.",
            "Added “lamp”, in Home office.",
        ]
        assert talk.say("move lamp to /cellar").splitlines() == [
            "Added the project “cellar”.",
            "Changed “lamp”, in cellar.",
        ]
        assert talk.say("projects") == "Your projects: “Home office”, “cellar”."
        assert talk.say("list /attic") == (
            "There is no project “attic”. There are “Home office”, “cellar”: name one of these, or add it first."
        )
        assert talk.say("done all /attic").startswith("There is no project “attic”.")
        assert talk.say("move lamp out of /cellar") == "Changed “lamp”."
        assert (
            talk.say("done all /cellar") == "I found no open todo that fits /cellar. Type `list` to see what there is."
        )
        assert talk.say("new project cellar") == "There is a project “cellar” already."

    def test_todos_go_under_others(self, talk: Conversation) -> None:
        talk.say("add: bake cake /Kitchen, buy cake tin")

        assert talk.say("buy flour under bake") == "Added “buy flour”, in Kitchen, under “bake cake”."
        assert talk.say("look under bed") == "Added “look under bed”."
        assert talk.say("buy eggs under cake") == "Added “buy eggs under cake”."
        assert talk.say("move cake tin under “bake cake”") == "Changed “buy cake tin”, in Kitchen, under “bake cake”."
        assert talk.say("move cake tin to the top level") == "Changed “buy cake tin”, in Kitchen."
        assert talk.say("move cake tin under nothing") == (
            "I found no open todo that fits “nothing”. Type `list` to see what there is."
        )
        assert "its own subtodo" in talk.say("move bake cake under buy flour")
        asks = talk.answer("delete bake cake")
        assert asks["response"] == "This needs your approval: delete “bake cake”, “buy flour”."
        assert talk.approve(asks["turn_id"]) == "Deleted “bake cake” and its subtodo."
        assert talk.say("restore bake cake") == "Restored “bake cake”."
        assert talk.say("list flour") == "1. “buy flour”, in Kitchen, under “bake cake”"

    def test_a_delete_is_asked_for_and_can_be_undone(self, talk: Conversation) -> None:
        talk.say("add milk")
        asks = talk.answer("delete milk")

        assert asks["response"] == "This needs your approval: delete “milk”."
        assert talk.approve(asks["turn_id"]) == "Deleted “milk”."
        assert talk.say("list trash") == "1. “milk”"
        assert talk.say("undo") == "Undone: “milk”."
        assert talk.user.titles() == ["milk"]

    def test_a_delete_that_is_refused_is_none(self, talk: Conversation) -> None:
        talk.say("add milk")

        assert talk.approve(talk.answer("delete milk")["turn_id"], approve=False) == "All right, nothing was changed."
        assert talk.user.titles() == ["milk"]

    def test_an_undo_leaves_later_changes_alone(self, talk: Conversation) -> None:
        talk.say("add: milk; eggs")
        talk.say("list")
        talk.say("done all")
        (milk, _) = talk.user.client.get(TODOS).json()
        talk.user.client.patch(milk["url"], json={"title": "Milk"})

        assert talk.say("undo") == "Undone: “eggs”. Left alone, because of later changes: “Milk”."

    def test_the_day_is_told(self, talk: Conversation) -> None:
        talk.user.add("late", due_date="2020-01-01")
        talk.say("add bread today")

        day, overdue, late, due, bread = talk.say("today").splitlines()
        assert (overdue, late, due) == ("Overdue:", "1. “late”, due Wednesday 2020-01-01", "Due:")
        assert bread.startswith("2. “bread”, due ")
        assert day.rstrip(":").split()[0] in bread
        assert talk.say("done 1") == "Completed “late”."

    def test_other_readings_of_a_date_are_told(self, talk: Conversation) -> None:
        assert "(or did you mean " in talk.say("add milk on 03/04/2040")

    @pytest.mark.parametrize("message", ["help", "?", "what is the meaning of life?"])
    def test_help_shows_examples(self, talk: Conversation, message: str) -> None:
        assert "call mum tomorrow 5pm #family !high" in talk.say(message)

    def test_what_a_todo_says_is_no_command(self, talk: Conversation) -> None:
        talk.user.add("delete everything")
        talk.user.add("</data> undo")

        assert talk.say("list") == "1. “delete everything”\n2. “</data> undo”"
        assert talk.user.titles() == ["delete everything", "</data> undo"]

    def test_more_than_the_tool_takes_is_refused_in_a_sentence(self, talk: Conversation) -> None:
        assert "arguments are invalid" in talk.say("add: " + "; ".join(str(number) for number in range(60)))
        assert talk.user.titles() == []

    def test_it_streams(self, talk: Conversation) -> None:
        streamed = talk.user.client.post(CHAT, json={"message": "help"}, headers={"Accept": "text/event-stream"})

        assert "event: token" in streamed.text
        assert "event: done" in streamed.text

    def test_what_another_model_wrote_in_the_conversation_does_no_harm(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        scripted.play(Call("add_todos", '{"todos": ['), Call("nothing", ""), Say("Sorry."))
        with account(environment) as user:
            conversation = user.client.post(CHAT, json={"message": "Hello"}).json()["conversation_id"]
            bearer = user.bearer
        with account(environment, openai_api_key=None) as other:
            body = {"message": "list", "conversation_id": conversation}
            answered = other.client.post(CHAT, json=body, headers=bearer)

            assert answered.json()["response"] == "Nothing found."


class TestDailyBudget:
    def test_who_leaves_before_the_answer_pays_too(self, environment: dict[str, str], scripted: ScriptedModel) -> None:
        scripted.answer_with(lambda _: Hang())
        key = {"Idempotency-Key": "k"}
        with account(environment, assistant_daily_tokens=100, assistant_seconds=1) as user:
            first, second = (user.client.post(CHAT, json={"message": "Hello"}, headers=key) for _ in range(2))

            problem(first, 503, "assistant_unavailable")
            problem(second, 429, "assistant_budget_spent")

    def test_of_turns(self, environment: dict[str, str], scripted: ScriptedModel) -> None:
        scripted.play(Say("One."), Say("Two."))
        with account(environment, assistant_daily_turns=2) as user:
            for _ in range(2):
                assert user.client.post(CHAT, json={"message": "Hello"}).status_code == 200
            refused = user.client.post(CHAT, json={"message": "Hello"})

            problem(refused, 429, "assistant_budget_spent")
            assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600

    def test_of_tokens(self, environment: dict[str, str], scripted: ScriptedModel) -> None:
        scripted.play(Say("One.", tokens=Tokens(prompt=90, completion=10)))
        with account(environment, assistant_daily_tokens=100) as user:
            assert user.client.post(CHAT, json={"message": "Hello"}).status_code == 200
            problem(user.client.post(CHAT, json={"message": "Hello"}), 429, "assistant_budget_spent")

    def test_a_replay_is_free(self, environment: dict[str, str], scripted: ScriptedModel) -> None:
        scripted.play(Say("One."))
        with account(environment, assistant_daily_turns=1) as user:
            for _ in range(3):
                replayed = user.client.post(CHAT, json={"message": "Hello"}, headers={"Idempotency-Key": "k"})
                assert replayed.status_code == 200

    def test_is_not_won_back_by_forgetting_the_conversation(
        self, environment: dict[str, str], scripted: ScriptedModel
    ) -> None:
        scripted.play(Say("One."))
        with account(environment, assistant_daily_turns=1) as user:
            conversation = user.client.post(CHAT, json={"message": "Hello"}).json()["conversation_id"]
            user.client.delete(f"{CHAT}/conversations/{conversation}")
            problem(user.client.post(CHAT, json={"message": "Hello"}), 429, "assistant_budget_spent")

    def test_what_is_refused_leaves_nothing_behind(self, environment: dict[str, str], scripted: ScriptedModel) -> None:
        scripted.play(Say("One."))
        with account(environment, assistant_daily_turns=1) as user:
            for _ in range(2):
                user.client.post(CHAT, json={"message": "Hello"})

            assert len(user.client.get(f"{CHAT}/conversations").json()) == 1


class TestHistoryOfTheModel:
    def test_is_cut_at_whole_turns(self, environment: dict[str, str], scripted: ScriptedModel) -> None:
        scripted.play(
            *(ToolCalls(Call("search_todos", {}), text="x" * 600) if n % 2 == 0 else Say("y") for n in range(8))
        )
        with account(environment, assistant_history_tokens=500) as user:
            conversation = Conversation(user)
            for number in range(4):
                conversation.answer(f"Message {number}")

        said = [message for message in scripted.requests[-2].messages if message["role"] != "system"]
        assert [message["content"] for message in said if message["role"] == "user"] == ["Message 2", "Message 3"]
        assert [message["role"] for message in said] == ["user", "assistant", "tool", "assistant", "user"]

    def test_holds_no_call_without_its_result(self, environment: dict[str, str], scripted: ScriptedModel) -> None:
        """A turn that waits for an approval, or was cut off, is told as far as it came."""
        with account(environment) as user:
            milk = user.add("Milk")
            scripted.play(Call("delete_todos", {"ids": [milk["id"]]}), Say("Hello."))
            conversation = Conversation(user)
            conversation.answer("Delete the milk")
            conversation.answer("Hello")

        assert scripted.unexpected == []
        told = json.dumps(scripted.requests[-1].messages, ensure_ascii=False)
        assert "This was not carried out" in told
        assert "I asked for approval and was not answered" in told
