"""The header Idempotency-Key on calls that change and delete: a repeat changes nothing and gets the first answer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.accounts import CHAT, TAGS, TODOS, Account, problem
from tests.model_replies import Call, Say
from tests.operations import Operation, committed_document, operations_of
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import new_todos, run_turn

BY_MESSAGE = {f"{CHAT}/ai-sdk", f"{CHAT}/ag-ui"}
"""Paths whose protocols give each message an id, by which a repeat is known."""
UNSAFE = [
    operation
    for operation in operations_of(committed_document())
    if operation.method != "get"
    and operation.path not in BY_MESSAGE
    and operation.path.startswith(("/api/v1/todos", "/api/v1/projects", TAGS, CHAT))
]


def keyed(account: Account, method: str, url: str, key: str = "", **request: Any) -> httpx2.Response:
    headers = {"Idempotency-Key": key or "the-key"} | request.pop("headers", {})
    return account.client.request(method, url, headers=headers, **request)


def twice(account: Account, method: str, url: str, **request: Any) -> tuple[httpx2.Response, httpx2.Response]:
    """Sends a request twice with one key. Asserts that the second answer is a replay of the first."""
    key = uuid4().hex
    first, repeat = (keyed(account, method, url, key, **request) for _ in range(2))
    assert first.status_code < 300, first.text
    assert (repeat.status_code, repeat.content) == (first.status_code, first.content)
    assert repeat.headers.get("etag") == first.headers.get("etag")
    assert "idempotent-replayed" not in first.headers
    assert repeat.headers["idempotent-replayed"] == "true"
    return first, repeat


@pytest.mark.parametrize("operation", UNSAFE, ids=str)
def test_every_unsafe_call_of_todos_and_chat_documents_the_key(operation: Operation) -> None:
    assert "idempotency-key" in operation.parameters


class TestTodos:
    def test_a_repeated_completion_skips_no_occurrence(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=DAILY")
        first, _ = twice(ada, "PATCH", todo["url"], json={"completed": True})
        assert first.json()["due_date"] == "2030-01-02"
        assert ada.client.get(todo["url"]).json()["due_date"] == "2030-01-02"

    def test_simultaneous_repeats_complete_once(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=DAILY")
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(lambda _: keyed(ada, "PATCH", todo["url"], json={"completed": True}), range(8)))
        assert {answer.status_code for answer in answers} == {200}
        assert ada.client.get(todo["url"]).json()["due_date"] == "2030-01-02"

    def test_a_repeated_delete_is_a_204(self, ada: Account) -> None:
        todo = ada.add()
        first, _ = twice(ada, "DELETE", todo["url"])
        assert (first.status_code, first.content) == (204, b"")
        problem(ada.client.delete(todo["url"]), 404, "todo_not_found")

    def test_a_repeated_restore_returns_the_first_answer(self, ada: Account) -> None:
        todo = ada.add()
        ada.delete(todo["url"])
        twice(ada, "POST", f"{todo['url']}/restore")

    def test_a_repeated_delete_of_all_spares_later_todos(self, ada: Account) -> None:
        ada.add("Old", tags=["x"])
        key = uuid4().hex
        keyed(ada, "DELETE", TODOS, key, params={"tag": "x"}).raise_for_status()
        ada.add("New", tags=["x"])
        assert keyed(ada, "DELETE", TODOS, key, params={"tag": "x"}).status_code == 204
        assert ada.titles() == ["New"]

    @pytest.mark.parametrize(
        "other",
        [
            lambda ada, todo, key: keyed(ada, "PATCH", todo["url"], key, json={"title": "Other"}),
            lambda ada, _, key: keyed(ada, "PATCH", ada.add()["url"], key, json={"title": "New"}),
            lambda ada, todo, key: keyed(
                ada, "PATCH", todo["url"], key, json={"title": "New"}, headers={"If-Match": '"1"'}
            ),
        ],
        ids=["another body", "another todo", "another If-Match"],
    )
    def test_the_key_of_another_request_is_refused(
        self, ada: Account, other: Callable[[Account, dict[str, Any], str], httpx2.Response]
    ) -> None:
        todo, key = ada.add(), uuid4().hex
        keyed(ada, "PATCH", todo["url"], key, json={"title": "New"}).raise_for_status()
        problem(other(ada, todo, key), 422, "idempotency_key_reused")

    def test_another_filter_is_another_request(self, ada: Account) -> None:
        key = uuid4().hex
        keyed(ada, "DELETE", TODOS, key, params={"tag": "x"}).raise_for_status()
        problem(keyed(ada, "DELETE", TODOS, key, params={"all": "true"}), 422, "idempotency_key_reused")

    def test_a_refused_request_leaves_the_key_free(self, ada: Account) -> None:
        todo, key = ada.add(), uuid4().hex
        headers = {"If-Match": '"9"'}
        problem(keyed(ada, "PATCH", todo["url"], key, json={"title": "New"}, headers=headers), 412, "stale_version")
        assert keyed(ada, "PATCH", todo["url"], key, json={"title": "New"}).status_code == 200


class TestProjects:
    def test_repeats_change_nothing(self, ada: Account) -> None:
        project = ada.add_project()
        twice(ada, "PATCH", project["url"], json={"name": "House"})
        assert ada.client.get(project["url"]).json()["version"] == 2
        twice(ada, "DELETE", project["url"])


class TestChat:
    @pytest.fixture
    def waiting(self, ada: Account, model: ScriptedModel) -> str:
        """The URL of the approval of a turn that waits to delete `Milk`."""
        model.play(Call("delete_todos", {"ids": [ada.add("Milk")["id"]]}), Say("As you wish."))
        return f"{CHAT}/turns/{run_turn(ada)['turn_id']}/approval"

    def test_a_repeated_undo_undoes_once(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", new_todos("Milk")), Say("Added."))
        turn = run_turn(ada)
        first, _ = twice(ada, "POST", f"{CHAT}/turns/{turn['turn_id']}/undo")
        assert [todo["title"] for todo in first.json()["undone"]] == ["Milk"]

    def test_a_repeated_approval_returns_the_turn(self, ada: Account, waiting: str) -> None:
        first, _ = twice(ada, "POST", waiting, json={"approve": True})
        assert first.json()["status"] == "done"
        assert len(ada.trash()) == 1

    def test_another_answer_with_the_same_key_is_refused(self, ada: Account, waiting: str) -> None:
        keyed(ada, "POST", waiting, json={"approve": False}).raise_for_status()
        problem(keyed(ada, "POST", waiting, json={"approve": True}), 422, "idempotency_key_reused")
        assert ada.titles() == ["Milk"]

    def test_an_approval_without_the_key_is_still_given_once(self, ada: Account, waiting: str) -> None:
        keyed(ada, "POST", waiting, json={"approve": True}).raise_for_status()
        problem(ada.client.post(waiting, json={"approve": True}), 409, "nothing_to_approve")

    def test_a_repeated_rename_and_deletion_of_a_conversation(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello."))
        url = f"{CHAT}/conversations/{run_turn(ada)['conversation_id']}"
        twice(ada, "PATCH", url, json={"title": "Shopping"})
        twice(ada, "DELETE", url)
        problem(ada.client.delete(url), 404, "conversation_not_found")
