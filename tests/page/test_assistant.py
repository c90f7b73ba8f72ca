"""The assistant beside the list: it streams, shows its tool calls, asks before it deletes, and is undone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from tests.accounts import Account
from tests.model_replies import Call, Dribble, Fail, Say, ToolCalls
from tests.page.person import Person
from tests.page.sites import Site
from tests.scripted_model import ScriptedModel


@pytest.fixture
def model(scripted: ScriptedModel) -> Iterator[ScriptedModel]:
    scripted.play()
    yield scripted
    assert scripted.unexpected == []


def add_todos(*titles: str) -> Call:
    return Call("add_todos", {"todos": [{"title": title} for title in titles]})


class TestTurn:
    def test_it_adds_a_todo_and_shows_the_call(self, person: Person, model: ScriptedModel) -> None:
        model.play(add_todos("Buy milk"), Say("I added milk."))
        person.ask("Add milk")

        expect(person.assistant).to_contain_text("I added milk.")
        expect(person.assistant).to_contain_text("Add todos", ignore_case=True)
        person.sees("Buy milk")

    def test_the_answer_appears_word_by_word(self, person: Person, model: ScriptedModel, site: Site) -> None:
        if not site.streams:
            pytest.skip("On Lambda the events arrive together at the end.")
        model.play(Dribble(Say(tuple(f"word{number} " for number in range(8))), 0.5))
        person.ask("Tell me something")

        expect(person.assistant).to_contain_text("word1")
        expect(person.assistant).not_to_contain_text("word7")
        expect(person.assistant).to_contain_text("word7")

    def test_a_failing_model_is_told_and_the_message_stays(self, person: Person, model: ScriptedModel) -> None:
        model.answer_with(lambda _: Fail(401, "invalid_api_key", "Incorrect API key provided."))
        person.ask("Add milk")

        expect(person.assistant.get_by_role("alert")).to_be_visible()
        expect(person.assistant).to_contain_text("Add milk")

    def test_the_conversation_is_there_after_a_reload(self, person: Person, model: ScriptedModel) -> None:
        model.play(Say("Hello, I am here."))
        person.ask("Hello")
        expect(person.assistant).to_contain_text("Hello, I am here.")
        person.page.reload()
        person.open_assistant()

        expect(person.assistant).to_contain_text("Hello, I am here.")

    def test_a_turn_stays_when_the_older_ones_arrive_after_it(self, person: Person, model: ScriptedModel) -> None:
        model.play(Say("Hello, I am here."))
        late: list[Route] = []
        person.page.route("**/chat/history*", lambda route: late.append(route))  # noqa: PLW0108 - Playwright marks the function
        person.ask("Hello")
        expect(person.assistant).to_contain_text("Hello, I am here.")
        late[0].fulfill(json=[])
        person.page.wait_for_timeout(500)

        expect(person.assistant).to_contain_text("Hello, I am here.")


class TestApproval:
    @pytest.fixture
    def waiting(self, person: Person, model: ScriptedModel) -> Person:
        milk = person.device.add("Buy milk")
        model.play(ToolCalls(Call("delete_todos", {"ids": [milk["id"]]})), Say("As you wish."))
        person.ask("Delete the milk")
        expect(person.assistant.get_by_role("button", name="Approve")).to_be_visible()
        expect(person.assistant).to_contain_text("Buy milk")
        return person

    def test_an_approved_deletion_happens(self, waiting: Person) -> None:
        assert len(waiting.stored()) == 1
        waiting.press("Approve", within=waiting.assistant)

        expect(waiting.assistant).to_contain_text("As you wish.")
        waiting.sees_no("Buy milk")
        assert waiting.stored() == []

    def test_a_refused_deletion_does_not_happen(self, waiting: Person) -> None:
        waiting.press("Refuse", within=waiting.assistant)

        expect(waiting.assistant).to_contain_text("As you wish.")
        waiting.sees("Buy milk")
        assert len(waiting.stored()) == 1

    def test_it_still_waits_after_a_reload(self, waiting: Person) -> None:
        waiting.page.reload()
        waiting.open_assistant()
        waiting.press("Refuse", within=waiting.assistant)

        expect(waiting.assistant).to_contain_text("As you wish.")


class TestUndo:
    def test_a_turn_is_taken_back(self, person: Person, model: ScriptedModel) -> None:
        model.play(add_todos("Buy milk", "Buy bread"), Say("I added two."))
        person.ask("Add milk and bread")
        person.sees("Buy milk", "Buy bread")
        person.press("Undo this turn", within=person.assistant)

        person.sees_no("Buy milk", "Buy bread")
        assert person.stored() == []

    def test_an_added_project_is_taken_back(self, person: Person, model: ScriptedModel) -> None:
        model.play(Call("add_projects", {"names": ["Home"]}), Say("I added it."))
        person.ask("Add a project")
        expect(person.page.get_by_role("link", name="Home")).to_be_visible()
        person.press("Undo this turn", within=person.assistant)

        expect(person.assistant).to_contain_text("1 item is put back.")
        expect(person.page.get_by_role("link", name="Home")).to_have_count(0)

    def test_a_todo_that_changed_since_is_left_alone_and_told(
        self, person: Person, model: ScriptedModel, account: Account
    ) -> None:
        model.play(add_todos("Buy milk"), Say("I added it."))
        person.ask("Add milk")
        person.sees("Buy milk")
        todo = person.stored_todo("Buy milk")
        account.client.patch(f"/api/v1/todos/{todo['id']}", json={"title": "Buy oat milk"}).raise_for_status()
        person.sees("Buy oat milk")
        person.press("Undo this turn", within=person.assistant)

        expect(person.assistant).to_contain_text("Buy oat milk")
        person.sees("Buy oat milk")
