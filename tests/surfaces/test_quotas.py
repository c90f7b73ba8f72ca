"""Quotas of a user: each refuses what exceeds it, names itself, and leaves the rest of the account usable."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, CHAT, PROJECTS, TODOS, WEBHOOKS, Account, close_account, problem, sign_in
from tests.model_replies import Say
from tests.scripted_model import ScriptedModel
from tests.serving import Surface
from todo_core.limits import Quotas

USAGE = f"{AUTH}/me/usage"
QUOTAS = Quotas()
TOGETHER = 50
ADD_PROJECTS = """
    INSERT INTO projects (id, user_id, name, "order")
    SELECT gen_random_uuid(), $1, 'x', number FROM generate_series(1, $2) AS number
"""
ADD_CONVERSATIONS = (
    "INSERT INTO conversations (id, user_id, title) SELECT gen_random_uuid(), $1, 'x' FROM generate_series(1, $2)"
)
SET_TODOS = "UPDATE account_usage SET live_todos = $2 WHERE user_id = $1"
SET_BYTES = "UPDATE account_usage SET stored_bytes = $2 WHERE user_id = $1"


def used(account: Account, quota: str) -> int:
    """Returns the used part of a quota, which must be shown with its limit."""
    usage = account.client.get(USAGE).json()[quota]
    assert usage["limit"] == getattr(QUOTAS, quota)
    return int(usage["used"])


def refused(response: httpx2.Response, quota: str) -> None:
    """Asserts that the response names the quota, its limit and a way out."""
    document = problem(response, 403, "quota_exceeded")
    assert (document["quota"], document["limit"]) == (quota, getattr(QUOTAS, quota))
    assert f"{document['limit']:,}" in document["detail"]
    assert "ask the operator" in document["detail"]


def together(account: Account, send: Callable[[Account], httpx2.Response], times: int = TOGETHER) -> list[int]:
    """Sends requests at the same time. Returns their statuses."""
    with ThreadPoolExecutor(times) as clients:
        return [response.status_code for response in clients.map(lambda _: send(account), range(times))]


def add_todo(account: Account, **fields: object) -> httpx2.Response:
    return account.client.post(TODOS, json={"title": "Milk", **fields}, headers=account.bearer)


def add_project(account: Account) -> httpx2.Response:
    return account.client.post(PROJECTS, json={"name": "Home"}, headers=account.bearer)


def chat(account: Account) -> httpx2.Response:
    return account.client.post(CHAT, json={"message": "Hello"}, headers=account.bearer)


@pytest.fixture
def full(ada: Account, database_url: str) -> Account:
    """An account with one todo, whose stored bytes are at the quota."""
    ada.add("Milk", description="d" * 10_000)
    postgres.query(database_url, SET_BYTES, ada.user["id"], QUOTAS.stored_bytes)
    return ada


class TestUsage:
    def test_it_shows_each_quota_with_its_limit(self, ada: Account) -> None:
        ada.add("Milk", tags=["home", "shop"])
        ada.add_project()

        usage = ada.client.get(USAGE).json()

        assert {name: figure["limit"] for name, figure in usage.items()} == QUOTAS.model_dump() | {
            "assistant_turns": 500,
            "assistant_tokens": 1_000_000,
        }
        assert 0 < usage.pop("stored_bytes")["used"] < 10_000
        assert {name: figure["used"] for name, figure in usage.items()} == {
            "todos": 1,
            "projects": 1,
            "tags": 2,
            "conversations": 0,
            "sessions": 1,
            "api_tokens": 0,
            "connections": 0,
            "passkeys": 0,
            "push_subscriptions": 0,
            "webhooks": 0,
            "assistant_turns": 0,
            "assistant_tokens": 0,
        }

    def test_it_counts_the_assistants_turns_and_tokens_of_today(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello."))
        before = used(ada, "stored_bytes")
        answer = chat(ada).json()

        usage = ada.client.get(USAGE).json()
        assert usage["assistant_turns"]["used"] == 1
        assert usage["assistant_tokens"]["used"] == sum(answer["usage"].values())
        assert usage["conversations"]["used"] == 1
        assert usage["stored_bytes"]["used"] > before

    def test_a_deleted_conversation_gives_its_bytes_back(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello."))
        before = used(ada, "stored_bytes")
        conversation = chat(ada).json()["conversation_id"]

        ada.client.delete(f"{CHAT}/conversations/{conversation}")

        assert used(ada, "stored_bytes") == before

    def test_a_stored_response_counts(self, ada: Account) -> None:
        ada.client.post(TODOS, json={"title": "Milk"})
        without_key = used(ada, "stored_bytes")
        ada.client.post(TODOS, json={"title": "Milk"}, headers={"Idempotency-Key": "k"})

        assert used(ada, "stored_bytes") > 2 * without_key


class TestTodos:
    def test_a_todo_beyond_the_quota_is_refused(self, ada: Account, database_url: str) -> None:
        todo = ada.add()
        postgres.query(database_url, SET_TODOS, ada.user["id"], QUOTAS.todos)

        refused(add_todo(ada), "todos")
        refused(
            ada.client.post(f"{TODOS}/batch", json={"operations": [{"op": "create", "todo": {"title": "Milk"}}]}),
            "todos",
        )
        assert used(ada, "todos") == QUOTAS.todos
        ada.delete(todo["url"])
        assert used(ada, "todos") == QUOTAS.todos - 1
        assert add_todo(ada).status_code == 201
        refused(ada.client.post(f"{todo['url']}/restore"), "todos")

    def test_concurrent_creates_do_not_pass_the_quota(self, ada: Account, database_url: str) -> None:
        postgres.query(database_url, SET_TODOS, ada.user["id"], QUOTAS.todos - 1)

        assert sorted(together(ada, add_todo)) == [201, *[403] * (TOGETHER - 1)]


class TestProjects:
    def test_a_project_beyond_the_quota_is_refused(self, ada: Account, database_url: str) -> None:
        project = ada.add_project()
        postgres.query(database_url, ADD_PROJECTS, ada.user["id"], QUOTAS.projects - 1)

        refused(add_project(ada), "projects")
        assert used(ada, "projects") == QUOTAS.projects
        assert ada.client.delete(f"{PROJECTS}/{project['id']}").status_code == 204
        assert add_project(ada).status_code == 201

    def test_concurrent_creates_do_not_pass_the_quota(self, ada: Account, database_url: str) -> None:
        postgres.query(database_url, ADD_PROJECTS, ada.user["id"], QUOTAS.projects - 1)

        assert sorted(together(ada, add_project)) == [201, *[403] * (TOGETHER - 1)]


class TestTags:
    def test_a_tag_beyond_the_quota_is_refused(self, ada: Account) -> None:
        tags = [f"tag{number}" for number in range(QUOTAS.tags)]
        operations = [
            {"op": "create", "todo": {"title": "Milk", "tags": tags[start : start + 50]}}
            for start in range(0, len(tags), 50)
        ]
        assert ada.client.post(f"{TODOS}/batch", json={"operations": operations}).status_code == 200

        refused(add_todo(ada, tags=["one more"]), "tags")
        assert used(ada, "tags") == QUOTAS.tags
        assert add_todo(ada, tags=["tag7"]).status_code == 201
        ada.client.patch(ada.client.get(TODOS, params={"tag": "tag999"}).json()[0]["url"], json={"tags": []})
        assert add_todo(ada, tags=["one more"]).status_code == 201


class TestConversations:
    def test_a_conversation_beyond_the_quota_is_refused(
        self, ada: Account, model: ScriptedModel, database_url: str
    ) -> None:
        model.answer_with(lambda _: Say("Hello."))
        conversation = chat(ada).json()["conversation_id"]
        postgres.query(database_url, ADD_CONVERSATIONS, ada.user["id"], QUOTAS.conversations - 1)

        refused(chat(ada), "conversations")
        assert used(ada, "conversations") == QUOTAS.conversations
        again = ada.client.post(CHAT, json={"message": "Hello", "conversation_id": conversation})
        assert again.status_code == 200
        assert ada.client.delete(f"{CHAT}/conversations/{conversation}").status_code == 204
        assert chat(ada).status_code == 200

    def test_concurrent_turns_do_not_pass_the_quota(
        self, ada: Account, model: ScriptedModel, database_url: str
    ) -> None:
        model.answer_with(lambda _: Say("Hello."))
        postgres.query(database_url, ADD_CONVERSATIONS, ada.user["id"], QUOTAS.conversations - 1)

        statuses = together(ada, chat)

        assert statuses.count(200) == 1
        assert used(ada, "conversations") == QUOTAS.conversations


class TestSessions:
    def test_a_session_beyond_the_quota_ends_the_oldest(
        self, surface: Surface, ada: Account, database_url: str
    ) -> None:
        postgres.query(
            database_url,
            "INSERT INTO sessions (id, user_id, expires_at)"
            " SELECT gen_random_uuid(), $1, now() + interval '1 hour' FROM generate_series(2, $2)",
            ada.user["id"],
            QUOTAS.sessions,
        )
        with surface.client() as client:
            assert sign_in(client, ada.email).status_code == 200

            problem(ada.client.get(TODOS), 401, "not_authenticated")
            assert client.get(USAGE).json()["sessions"]["used"] == QUOTAS.sessions


class TestStoredBytes:
    def test_what_grows_is_refused(self, full: Account) -> None:
        todo = full.client.get(TODOS).json()[0]

        refused(add_todo(full), "stored_bytes")
        refused(full.client.patch(todo["url"], json={"description": "d" * 11_000}), "stored_bytes")
        refused(chat(full), "stored_bytes")

    def test_the_rest_of_the_account_works(self, surface: Surface, full: Account) -> None:
        todo = full.client.get(TODOS).json()[0]

        assert full.client.get(todo["url"]).status_code == 200
        assert full.client.patch(todo["url"], json={"completed": True}).status_code == 200
        assert full.client.patch(todo["url"], json={"completed": False}).status_code == 200
        full.delete(todo["url"])
        assert used(full, "stored_bytes") >= QUOTAS.stored_bytes
        assert full.client.get(f"{TODOS}/changes").status_code == 200
        assert full.client.get(f"{AUTH}/me/export").status_code == 200
        with surface.client() as client:
            assert sign_in(client, full.email).status_code == 200
            assert close_account(client).status_code == 204

    def test_completing_without_end_is_refused_past_a_tenth_more(self, full: Account, database_url: str) -> None:
        todo = full.client.get(TODOS).json()[0]
        postgres.query(database_url, SET_BYTES, full.user["id"], QUOTAS.stored_bytes * 11 // 10)

        refused(full.client.patch(todo["url"], json={"completed": True}), "stored_bytes")
        full.delete(todo["url"])

    def test_stored_responses_are_refused_past_a_tenth_more(self, full: Account, database_url: str) -> None:
        webhook = full.client.post(WEBHOOKS, json={"url": "https://hooks.example.com/"}).json()
        test = f"{WEBHOOKS}/{webhook['id']}/test"
        assert full.client.post(test, headers={"Idempotency-Key": "k"}).status_code == 202
        postgres.query(database_url, SET_BYTES, full.user["id"], QUOTAS.stored_bytes * 11 // 10)

        refused(full.client.post(test, headers={"Idempotency-Key": "l"}), "stored_bytes")

    def test_a_delete_with_a_key_works_without_room(self, full: Account, database_url: str) -> None:
        todo = full.client.get(TODOS).json()[0]
        postgres.query(database_url, SET_BYTES, full.user["id"], QUOTAS.stored_bytes * 2)

        assert full.client.delete(todo["url"], headers={"Idempotency-Key": "d"}).status_code == 204
