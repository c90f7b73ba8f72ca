"""The example pages of docs/front-ends.md in Chromium: unmodified `useChat` and `HttpAgent` against the service."""

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, Route, expect

from tests.accounts import AUTH, Account
from tests.front_ends.conftest import FrontEnd
from tests.front_ends.snippets import read_examples
from tests.model_replies import Call, Dribble, Fail, Say, ToolCalls
from tests.page.sites import Site
from tests.scripted_model import ScriptedModel


def add_todos(*titles: str) -> Call:
    return Call("add_todos", {"todos": [{"title": title} for title in titles]})


def say(page: Page, text: str = "Please.") -> None:
    page.get_by_label("Message").fill(text)
    press(page, "Send")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


class TestTurn:
    def test_the_answer_and_its_tool_calls_are_shown(self, front_end: FrontEnd, model: ScriptedModel) -> None:
        model.play(ToolCalls(add_todos("Bread"), text="Let me see."), Say("Added “Bread”."))
        page = front_end.open()
        say(page, "Add bread")

        for text in ("Add bread", "Let me see.", "add_todos", "Added “Bread”."):
            expect(page.get_by_text(text).first).to_be_visible()
        expect(page.get_by_role("button", name="Send")).to_be_visible()
        assert front_end.account.titles() == ["Bread"]

    def test_a_conversation_goes_on(self, front_end: FrontEnd, model: ScriptedModel) -> None:
        model.play(Say("One."), Say("Two."))
        page = front_end.open()
        for text, answer in (("Count", "One."), ("Go on", "Two.")):
            say(page, text)
            expect(page.get_by_text(answer)).to_be_visible()

        assert [message["content"] for message in model.requests[-1].messages if message["role"] == "assistant"] == [
            "One."
        ]

    @pytest.mark.usefixtures("streaming")
    def test_the_text_appears_piece_by_piece(self, front_end: FrontEnd, model: ScriptedModel) -> None:
        model.play(Dribble(Say(tuple(f"word{number} " for number in range(8))), 0.5))
        page = front_end.open()
        say(page)

        expect(page.get_by_text("word1")).to_be_visible()
        expect(page.get_by_text("word7")).not_to_be_visible()
        expect(page.get_by_text("word7")).to_be_visible()

    @pytest.mark.usefixtures("streaming")
    def test_a_stopped_turn_ends(self, front_end: FrontEnd, model: ScriptedModel) -> None:
        model.play(Dribble(Say(tuple(f"word{number} " for number in range(100))), 0.5))
        page = front_end.open()
        say(page)
        expect(page.get_by_text("word1")).to_be_visible()
        press(page, "Stop")

        expect(page.get_by_role("button", name="Send")).to_be_visible()
        model.wait_until(lambda: model.abandoned == 1)


class TestApproval:
    @pytest.fixture
    def page(self, front_end: FrontEnd, model: ScriptedModel) -> Page:
        """A page that asks whether it may delete `Milk`."""
        milk = front_end.account.add("Milk")
        model.play(Call("delete_todos", {"ids": [milk["id"]]}), Say("As you wish."))
        page = front_end.open()
        say(page, "Delete the milk")
        expect(page.get_by_text("This needs your approval: delete “Milk”.").first).to_be_visible()
        return page

    @pytest.mark.parametrize(("button", "titles"), [("Allow", []), ("Refuse", ["Milk"])])
    def test_the_answer_decides(self, front_end: FrontEnd, page: Page, button: str, titles: list[str]) -> None:
        assert front_end.account.titles() == ["Milk"]
        press(page, button)

        expect(page.get_by_text("As you wish.")).to_be_visible()
        expect(page.get_by_role("button", name=button)).to_have_count(0)
        assert front_end.account.titles() == titles

    def test_the_conversation_goes_on_after_it(self, page: Page, model: ScriptedModel) -> None:
        press(page, "Allow")
        expect(page.get_by_text("As you wish.")).to_be_visible()
        model.play(Say("You are welcome."))
        say(page, "Thank you")

        expect(page.get_by_text("You are welcome.")).to_be_visible()


class TestFailure:
    def test_an_error_is_shown_and_a_repeat_has_no_second_effect(
        self, front_end: FrontEnd, model: ScriptedModel
    ) -> None:
        model.play(add_todos("Bread"), Fail(401), Say("Added “Bread”."))
        page = front_end.open()
        say(page, "Add bread")
        expect(page.get_by_role("alert")).to_contain_text("rejects this service's key")
        press(page, "Try again")

        expect(page.get_by_text("Added “Bread”.")).to_be_visible()
        assert front_end.account.titles() == ["Bread"]

    def test_a_lost_answer_is_repeated_without_a_second_effect(self, front_end: FrontEnd, model: ScriptedModel) -> None:
        model.play(add_todos("Bread"), Say("Added “Bread”."))
        page = front_end.open()
        page.route("**/api/v1/chat/*", _lose_answer(), times=1)
        say(page, "Add bread")
        expect(page.get_by_role("alert")).to_be_visible()
        press(page, "Try again")

        expect(page.get_by_text("Added “Bread”.")).to_be_visible()
        expect(page.get_by_text("Added “Bread”.")).to_have_count(1)
        assert front_end.account.titles() == ["Bread"]

    def test_a_refusal_before_the_stream_is_shown(self, front_end: FrontEnd) -> None:
        page = front_end.open()
        say(page, "x" * 4001)

        expect(page.get_by_role("alert")).to_contain_text("validation_failed")


@pytest.mark.parametrize("library", ["ai-sdk"])
class TestResume:
    @pytest.mark.usefixtures("streaming")
    def test_another_tab_follows_a_running_turn(self, front_end: FrontEnd, model: ScriptedModel) -> None:
        model.play(add_todos("Bread"), Dribble(Say(("Added", " it", ".")), 2))
        chat_id = uuid4().hex
        page = front_end.open(chat_id)
        say(page, "Add bread")
        expect(page.get_by_text("add_todos")).to_be_visible()
        other = front_end.open(chat_id)

        expect(other.get_by_text("add_todos")).to_be_visible()
        for tab in (page, other):
            expect(tab.get_by_text("Added it.")).to_be_visible()
        assert front_end.account.titles() == ["Bread"]

    def test_a_message_waits_for_the_answer_which_would_take_its_error_away(
        self, front_end: FrontEnd, model: ScriptedModel
    ) -> None:
        model.play(Fail(401))
        page = front_end.open()
        expect(page.get_by_role("button", name="Send")).to_be_enabled()  # the page has its own first answer
        asked: list[Route] = []

        def hold(route: Route) -> None:
            asked.append(route)

        page.route("**/stream", hold)
        with page.expect_request("**/stream"):
            page.reload()
        page.get_by_label("Message").fill("Please.")
        expect(page.get_by_role("button", name="Send")).to_be_disabled()
        asked[0].continue_()
        press(page, "Send")

        expect(page.get_by_role("alert")).to_contain_text("rejects this service's key")

    def test_nothing_is_shown_when_nothing_runs(self, front_end: FrontEnd) -> None:
        page = front_end.open(uuid4().hex)

        expect(page.get_by_role("button", name="Send")).to_be_visible()
        expect(page.get_by_role("article")).to_have_count(0)


@pytest.mark.parametrize("number", [0, 1])
def test_the_example_with_curl_adds_a_todo(site: Site, ada: Account, model: ScriptedModel, number: int) -> None:
    token = ada.client.post(f"{AUTH}/tokens", json={"name": "curl", "scopes": ["chat"]}).json()["token"]
    model.play(add_todos("Buy"), Say("Added."))
    example = read_examples("sh", site.url)[number]
    ran = subprocess.run(
        ["bash", "-c", example], env={**os.environ, "TOKEN": token}, capture_output=True, text=True, check=True
    )

    events = [line.removeprefix("data: ") for line in ran.stdout.splitlines() if line.startswith("data: {")]
    assert json.loads(events[-1])["type"] in {"finish", "RUN_FINISHED"}
    assert ada.titles() == ["Buy"]


def _lose_answer() -> Callable[[Route], Any]:
    """Returns a handler that lets a request reach the service, and cuts the connection before its answer."""

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    return lose
