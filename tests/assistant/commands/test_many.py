"""Commands that change many todos at once: all of them, under one approval, within a bound that the answer names."""

from collections.abc import Iterator

import pytest

from tests.accounts import TODOS, Account
from tests.assistant.chat_client import ChatClient, new_account

_BATCH = 100


@pytest.fixture
def chat(environment: dict[str, str]) -> Iterator[ChatClient]:
    """A chat client of a service with the command model."""
    with new_account(environment, openai_api_key=None, assistant_seconds=120) as user:
        yield ChatClient(user)


def add_many(user: Account, number: int, **fields: object) -> None:
    """Adds todos with the titles `call 1`, `call 2` and so on, by requests of 100."""
    todos = [{"op": "create", "todo": {"title": f"call {n}", **fields}} for n in range(1, number + 1)]
    for start in range(0, number, _BATCH):
        added = user.client.post(f"{TODOS}/batch", json={"operations": todos[start : start + _BATCH]})
        assert added.status_code == 200, added.text


def count_todos(user: Account, **filters: bool) -> int:
    """Returns the number of todos that meet the filters, from all pages."""
    page = user.client.get(TODOS, params={"limit": 100, **filters})
    number = len(page.json())
    while "next" in page.links:
        page = user.client.get(page.links["next"]["url"])
        number += len(page.json())
    return number


class TestMany:
    def test_120_todos_are_completed_under_one_approval(self, chat: ChatClient) -> None:
        add_many(chat.user, 120, tags=["home"])
        chat.user.add("call of another tag")
        waiting = chat.run_turn("done all #home")

        assert waiting["status"] == "needs_approval"
        assert waiting["response"] == (
            "This needs your approval: complete 120 todos: “call 1”, “call 2”, “call 3” and 117 more."
        )
        assert len(waiting["approval"]["calls"]) == 2
        assert count_todos(chat.user, completed=True) == 0
        assert chat.say("yes") == "Completed 120 todos: “call 1”, “call 2”, “call 3” and 117 more."
        assert count_todos(chat.user, completed=True) == 120
        assert chat.user.titles(completed=False) == ["call of another tag"]

    def test_all_of_them_are_undone_by_one_undo(self, chat: ChatClient) -> None:
        add_many(chat.user, 60)
        chat.approve(chat.run_turn("done all")["turn_id"])
        waiting = chat.run_turn("undo")

        assert waiting["response"].startswith("This needs your approval: undo the change of 60 todos: “call 1”")
        assert chat.say("yes").startswith("Undone: “call 1”, “call 2”, “call 3” and 57 more.")
        assert count_todos(chat.user, completed=False) == 60

    def test_a_refusal_changes_none_of_them(self, chat: ChatClient) -> None:
        add_many(chat.user, 60)
        chat.run_turn("done all")

        assert chat.say("no") == "All right, nothing was changed."
        assert count_todos(chat.user, completed=False) == 60

    def test_more_than_500_todos_are_answered_with_the_number_of_those_left(self, chat: ChatClient) -> None:
        add_many(chat.user, 520)
        waiting = chat.run_turn("delete everything")

        assert waiting["response"].startswith("520 todos fit. I change at most 500 at once")
        assert "delete 500 todos" in waiting["response"]
        chat.say("yes")
        assert count_todos(chat.user) == 20

    def test_a_list_says_how_many_todos_it_leaves_out(self, chat: ChatClient) -> None:
        add_many(chat.user, 70)
        lines = chat.say("list").splitlines()

        assert (len(lines), lines[0], lines[-1]) == (51, "1. “call 1”", "... and 20 more.")

    def test_a_title_is_found_among_many_that_begin_alike(self, chat: ChatClient) -> None:
        add_many(chat.user, 110)
        chat.user.add("call")

        assert chat.say("done call") == "Completed “call”."
