"""The routes for the history of messages, and for conversations: listing, renaming and deletion."""

from uuid import uuid4

from tests.accounts import CHAT, Account, problem
from tests.model_replies import Call, Say
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import new_todos, run_turn


class TestHistory:
    def test_messages_are_listed_oldest_first(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", new_todos("Bread")), Say("Added."), Say("You are welcome."))
        first = run_turn(ada, "Add bread")
        run_turn(ada, "Thanks", conversation_id=first["conversation_id"])

        history = ada.client.get(f"{CHAT}/history").json()

        assert [(message["role"], message["content"]) for message in history] == [
            ("user", "Add bread"),
            ("assistant", "Added."),
            ("user", "Thanks"),
            ("assistant", "You are welcome."),
        ]
        assert history[1]["tool_calls"] == first["tool_calls"]
        assert {message["conversation_id"] for message in history} == {first["conversation_id"]}
        assert history[0]["turn_id"] == history[1]["turn_id"] == first["turn_id"]
        assert len({message["id"] for message in history}) == 4

    def test_the_first_page_has_the_newest_messages(self, ada: Account, model: ScriptedModel) -> None:
        model.play(*(Say(f"Answer {number}") for number in range(3)))
        conversation = run_turn(ada, "Message 0")["conversation_id"]
        for number in (1, 2):
            run_turn(ada, f"Message {number}", conversation_id=conversation)

        pages, url = [], f"{CHAT}/history?conversation_id={conversation}&limit=4"
        while url:
            page = ada.client.get(url)
            pages.append([message["content"] for message in page.json()])
            url = page.links.get("next", {}).get("url", "")

        assert pages == [["Message 1", "Answer 1", "Message 2", "Answer 2"], ["Message 0", "Answer 0"]]

    def test_the_latest_conversation_is_the_default(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("One."), Say("Two."), Say("Three."))
        first = run_turn(ada, "1")["conversation_id"]
        run_turn(ada, "2")
        run_turn(ada, "3", conversation_id=first)

        assert [message["content"] for message in ada.client.get(f"{CHAT}/history").json()] == [
            "1",
            "One.",
            "3",
            "Three.",
        ]

    def test_the_history_of_a_new_user_is_empty(self, ada: Account) -> None:
        assert ada.client.get(f"{CHAT}/history").json() == []

    def test_an_unknown_or_another_users_conversation_is_not_found(
        self, ada: Account, bob: Account, model: ScriptedModel
    ) -> None:
        model.play(Say("Hello."))
        for conversation in (run_turn(bob)["conversation_id"], uuid4()):
            response = ada.client.get(f"{CHAT}/history", params={"conversation_id": str(conversation)})
            problem(response, 404, "conversation_not_found")

    def test_an_altered_cursor_is_rejected(self, ada: Account) -> None:
        for listing in ("history", "conversations"):
            problem(ada.client.get(f"{CHAT}/{listing}", params={"cursor": "x.y"}), 400, "invalid_cursor")


class TestConversations:
    def test_the_most_recently_active_conversation_comes_first(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("One."), Say("Two."), Say("Three."))
        first = run_turn(ada, "Buy  milk")["conversation_id"]
        second = run_turn(ada, "Cook")["conversation_id"]
        listed = ada.client.get(f"{CHAT}/conversations").json()
        run_turn(ada, "Again", conversation_id=first)

        assert [(conversation["id"], conversation["title"]) for conversation in listed] == [
            (second, "Cook"),
            (first, "Buy milk"),
        ]
        relisted = ada.client.get(f"{CHAT}/conversations").json()
        assert [conversation["id"] for conversation in relisted] == [first, second]

    def test_conversations_are_paged(self, ada: Account, model: ScriptedModel) -> None:
        model.play(*(Say("Hello.") for _ in range(3)))
        ids = [run_turn(ada)["conversation_id"] for _ in range(3)]
        page = ada.client.get(f"{CHAT}/conversations", params={"limit": 2})
        rest = ada.client.get(page.links["next"]["url"])

        assert [conversation["id"] for conversation in [*page.json(), *rest.json()]] == ids[::-1]
        assert "next" not in rest.links

    def test_a_conversation_can_be_renamed_by_its_user_only(
        self, ada: Account, bob: Account, model: ScriptedModel
    ) -> None:
        model.play(Say("Hello."))
        url = f"{CHAT}/conversations/{run_turn(ada)['conversation_id']}"

        assert ada.client.patch(url, json={"title": " Groceries "}).json()["title"] == "Groceries"
        problem(ada.client.patch(url, json={"title": ""}), 422, "validation_failed")
        problem(bob.client.patch(url, json={"title": "Mine"}), 404, "conversation_not_found")

    def test_a_deleted_conversation_keeps_its_todos(self, ada: Account, bob: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", new_todos("Bread")), Say("Added."))
        url = f"{CHAT}/conversations/{run_turn(ada)['conversation_id']}"

        problem(bob.client.delete(url), 404, "conversation_not_found")
        assert ada.client.delete(url).status_code == 204
        problem(ada.client.delete(url), 404, "conversation_not_found")
        assert ada.client.get(f"{CHAT}/history").json() == []
        assert ada.titles() == ["Bread"]
